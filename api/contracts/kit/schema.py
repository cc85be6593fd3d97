"""The OpenAPI document of a contract: what its operations declare, and how they may be refused."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from django.urls import URLPattern, include, path
from drf_spectacular.drainage import reset_generator_stats
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import (
    ResolvedComponent,
    build_root_object,
    is_serializer,
    normalize_result_object,
    sanitize_result_object,
)
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from pydantic import BaseModel

from api.contracts import Contract

from .operations import Operation, get_declared

VERBS: Final = {"GET": "read", "POST": "post", "PUT": "put", "PATCH": "patch", "DELETE": "delete"}


class ContractSchema(AutoSchema):
    """One operation of a `ContractView`."""

    view: Any

    @property
    def declared(self) -> Operation:
        return get_declared(self.view, self.method)

    def get_operation_id(self) -> str:
        segments = [w.replace("-", "_") for w in self._split_path() if not w.startswith("{")]
        return "_".join([*segments, *["one"] * ("{" in self.path), VERBS[self.method]])

    def get_tags(self) -> list[str]:
        return self._split_path()[:1]

    def _split_path(self) -> list[str]:
        return [word for word in self.path.split("/") if word][1:]

    def get_summary(self) -> str:
        return self.declared.summary

    def get_description(self, path: str = "", method: str = "") -> str:
        """The docstring of the method or of its own class, not one that all views inherit."""
        handler = getattr(self.view, getattr(self.view, "action", None) or self.method.lower())
        return inspect.cleandoc(handler.__doc__ or type(self.view).__dict__.get("__doc__") or "")

    def map_parsers(self) -> list[str]:
        """A form is read as well; what is described, once, is JSON."""
        return ["application/json"]

    def get_override_parameters(self) -> list[Any]:
        return [self.declared.query] if self.declared.query else []

    def get_request_serializer(self) -> Any:
        found = self.declared.request_of(self.view, self.method)
        return found(partial=True) if found and self.declared.partial else found

    def _get_request_body(self, direction: Any = "request") -> Any:
        """To delete may take a body too."""
        taken = self.get_request_serializer()
        if self.method != "DELETE" or taken is None:
            return super()._get_request_body(direction)
        schema, required = self._get_request_for_media_type(taken, direction)
        return {"content": {"application/json": {"schema": schema}}, "required": required}

    def _get_request_for_media_type(self, serializer: Any, *args: Any) -> Any:
        """A model of pydantic as it reads; drf-spectacular would tell how it writes."""
        if isinstance(serializer, type) and issubclass(serializer, BaseModel):
            return serializer.model_json_schema(), True
        return super()._get_request_for_media_type(serializer, *args)

    def get_response_serializers(self) -> Any:
        found = self.declared.response_of(self.view, self.method)
        if found is not None and self.declared.many:
            found = found(many=True)
        return {self.declared.status_of(self.view, self.method): found}

    def _get_response_for_code(self, serializer: Any, status_code: Any, *_: Any, **__: Any) -> Any:
        made = super()._get_response_for_code(serializer, status_code)
        if self.declared.file_type:
            text = {"schema": {"type": "string", "format": "binary"}}
            made["content"] = {self.declared.file_type: text}
            return made | {"description": HTTPStatus(int(status_code)).phrase}
        for content in made.get("content", {}).values():
            content["schema"] = self.view.wrap_schema(content["schema"])
        return made | {"description": HTTPStatus(int(status_code)).phrase}

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        found = super()._get_response_bodies(direction)
        table = self.view.error_messages.extended(self.declared.errors)
        for status in self._refusals(table.bodies):
            component = self._refused(status, table.base.bodies.get(status, []))
            same = table.bodies[status] == table.base.bodies.get(status)
            found.setdefault(
                str(status), component.ref if same else self._body(status, table.bodies[status])
            )
        return found

    def _refusals(self, statuses: Any) -> Iterator[int]:
        """The statuses with which this operation may be refused."""
        authenticates = bool(self.view.authentication_classes)
        taken = self.declared.request_of(self.view, self.method)
        reads = self.method in ("POST", "PUT", "PATCH") or taken is not None
        one, takes_query = "{" in self.path, self.declared.query is not None
        only = {
            400: reads or one or takes_query,
            401: reads or authenticates,
            403: authenticates,
            404: reads or one,
            409: reads or one,
            413: reads,
            415: reads,
            429: reads or bool(self.view.throttle_classes),
            502: reads,
        }
        return (status for status in statuses if only.get(status, True))

    def _refused(self, status: int, forms: list[Any]) -> ResolvedComponent:
        component = ResolvedComponent(f"Refused{status}", ResolvedComponent.RESPONSE, object=status)
        if component not in self.registry:
            component.schema = self._body(status, forms)
            self.registry.register(component)
        return component

    def _body(self, status: int, forms: list[Any]) -> dict[str, Any]:
        """A response whose body has one of these forms; None is an empty one."""
        found: dict[str, Any] = {"description": HTTPStatus(status).phrase}
        schemas = [self._form(form) for form in forms]
        if any(form is not None for form in forms):
            schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
            found["content"] = {"application/json": {"schema": schema}}
        return found

    def _form(self, form: Any) -> Any:
        if form is None:
            return {"type": "null"}
        if is_serializer(form):
            return self.resolve_serializer(form, "response").ref
        return self._map_serializer_field(form, "response")


class ContractSchemaGenerator(SchemaGenerator):
    """The document of one contract: paths as its README has them, below its prefix or the root."""

    def __init__(self, contract: Contract, **_: Any) -> None:
        self.contract = contract
        super().__init__(patterns=[path("api/", include(contract.urls))])

    def _initialise_endpoints(self) -> None:
        """Of a path that ends with a slash and without, the one without. In the order of the
        routes; a library's view has its methods in none."""
        super()._initialise_endpoints()
        found: list[Any] = list(self.endpoints or ())
        order = {one[0]: place for place, one in reversed(list(enumerate(found)))}
        found.sort(key=lambda one: (order[one[0]], list(VERBS).index(one[2])))
        self.endpoints = [one for one in found if one[0][:-1] not in order]

    def get_schema(self, request: Any = None, public: bool = False) -> Any:
        reset_generator_stats()
        paths = self.parse(request, public)
        components = self.registry.build({})
        result = build_root_object(paths=paths, components=components, webhooks={}, version=None)
        name, what = self.contract.name, self.contract.what
        result["info"] = {
            "title": f"Holdfast: {name}",
            "version": "1",
            "description": what[:1].upper() + what[1:] + ".",
        }
        result["servers"] = [
            {"url": f"/{name}", "description": "At its prefix"},
            {"url": "/", "description": "At the root, which five contracts share"},
        ]
        return sanitize_result_object(normalize_result_object(_tidy(result)))


def _tidy(node: Any) -> Any:
    """Without what drf-spectacular notes for hooks of its own, and choices listed twice."""
    if isinstance(node, list):
        return [_tidy(each) for each in node]
    if not isinstance(node, dict):
        return node
    if "enum" in node and "description" in node:
        node = node | {"description": str(node["description"]).partition("* `")[0].rstrip()}
    left_out = {"x-spec-enum-id"} | ({"description"} if node.get("description") == "" else set())
    return {name: _tidy(each) for name, each in node.items() if name not in left_out}


def schema_urls(contract: Contract) -> list[URLPattern]:
    """Below the prefix of the contract: its document, and a page to try it."""
    schema: Any = SpectacularAPIView.as_view(
        generator_class=partial(ContractSchemaGenerator, contract)
    )
    name = f"{contract.name}-schema"
    page = SpectacularSwaggerSplitView.as_view(url_name=name, title=f"Holdfast: {contract.name}")
    return [path("schema/", schema, name=name), path("docs/", page)]
