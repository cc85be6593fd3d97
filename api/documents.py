"""The OpenAPI document of a frontend contract, made from what its views say of themselves: what
they take from `extend_schema`, what they reply from the type that they return, how they refuse
from `refusals` of their door.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import (
    Any,
    Final,
    Protocol,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)
from typing import is_typeddict as is_plain_typeddict

from django.urls import URLPattern, include, path
from drf_spectacular.drainage import reset_generator_stats
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import (
    ResolvedComponent,
    build_root_object,
    normalize_result_object,
    resolve_type_hint,
    sanitize_result_object,
)
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from pydantic import BaseModel

from api.replies import carried

Refusals: TypeAlias = Mapping[int, Any]  # status -> the type of the body, None for an empty one
# of a library's view, which says nothing of itself: method and action -> what is taken, the reply
Told: TypeAlias = Mapping[str, tuple[Any, Any]]

VERBS: Final = {"GET": "read", "POST": "post", "PUT": "put", "PATCH": "patch", "DELETE": "delete"}
WORDS: Final = {
    400: "Not what is asked for here, or refused by the rules",
    401: "Not signed in, or the credentials are not valid (any more)",
    403: "Not allowed",
    404: "There is no such thing, or one may not see it",
    405: "No such method here",
    406: "No such representation",
    409: "What is there already refuses it",
    413: "The body is too large",
    415: "Not JSON",
    429: "Too many attempts",
    500: "Something went wrong on our side",
    503: "The database, or whom it asks, is away",
}


F = TypeVar("F", bound=Callable[..., Any])


def takes(body: Any) -> Callable[[F], F]:
    """Of a method: what its body has to be."""
    return partial(_note, "takes", body)


def asks(query: Any) -> Callable[[F], F]:
    """Of a method: what its query string may be."""
    return partial(_note, "asks", query)


def _note(name: str, what: Any, method: F) -> F:
    setattr(method, name, what)
    return method


class Contract(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def urls(self) -> str: ...


class Described(AutoSchema):
    view: Any

    def get_description(self, path: str = "", method: str = "") -> str:
        """What the method or its own class says, not what all views have in common."""
        action = getattr(self.view, getattr(self.view, "action", None) or self.method.lower(), None)
        own = type(self.view).__dict__.get("__doc__")
        return inspect.cleandoc(getattr(action, "__doc__", None) or own or "")


class Schema(Described):
    """Set as `schema` on the base of a contract's views."""

    def get_operation_id(self) -> str:
        words = [w.replace("-", "_") for w in self._words() if not w.startswith("{")]
        return "_".join([*words, *["one"] * ("{" in self.path), VERBS[self.method]])

    def get_tags(self) -> list[str]:
        return self._words()[:1]

    def _words(self) -> list[str]:
        return [word for word in self.path.split("/") if word][1:]

    @property
    def action(self) -> Any:
        return getattr(self.view, getattr(self.view, "action", None) or self.method.lower())

    def said(self) -> tuple[Any, Any]:
        """What is taken and the reply: as the view tells, or as its method says."""
        name = " ".join(filter(None, (self.method, getattr(self.view, "action", None))))
        told: Told = getattr(self.view, "told", {})
        if name in told:
            return told[name]
        return getattr(self.action, "takes", None), get_type_hints(self.action)["return"]

    def get_request_serializer(self) -> Any:
        return self.said()[0]

    def _get_request_body(self, direction: Any = "request") -> Any:
        """To delete may take a body too."""
        taken = self.get_request_serializer()
        if self.method != "DELETE" or taken is None:
            return super()._get_request_body(direction)
        schema, required = self._get_request_for_media_type(taken, direction)
        return {"content": {"application/json": {"schema": schema}}, "required": required}

    def get_override_parameters(self) -> list[Any]:
        asked = getattr(self.action, "asks", None)
        return [] if asked is None else [asked]

    def get_response_serializers(self) -> Any:
        """Status -> type."""
        return dict([carried(self.said()[1])])

    def _get_request_for_media_type(
        self, serializer: Any, direction: Any = "request"
    ) -> tuple[Any, bool]:
        if is_hint(serializer):
            return self.told(serializer), True
        if serializer is None:
            return None, False
        found: tuple[Any, bool] = super()._get_request_for_media_type(serializer, direction)
        return found

    def _get_response_for_code(self, serializer: Any, status_code: Any, *_: Any, **__: Any) -> Any:
        words = {"200": "Done", "201": "Made", "204": "Done, and nothing to say"}
        return self.answer(serializer, words[str(status_code)])

    def answer(self, body: Any, words: str) -> dict[str, Any]:
        found: dict[str, Any] = {"description": words}
        if body is not None:
            found["content"] = {"application/json": {"schema": self.told(body)}}
        return found

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        found = super()._get_response_bodies(direction)
        return found | {str(s): self._refused(s) for s in self._refusals() if str(s) not in found}

    def _refusals(self) -> Iterator[int]:
        """The statuses with which this operation may refuse."""
        signs = bool(self.view.authentication_classes)
        reads = self.method in ("POST", "PUT", "PATCH") or self.said()[0] is not None
        one, asked = "{" in self.path, hasattr(self.action, "asks")
        only = {
            400: reads or one or asked,
            401: reads or signs,
            403: signs,
            404: reads or one,
            409: reads or one,
            413: reads,
            415: reads,
            429: reads or bool(self.view.throttle_classes),
        }
        return (status for status in self.view.refusals if only.get(status, True))

    def _refused(self, status: int) -> dict[str, Any]:
        component = ResolvedComponent(f"Refused{status}", ResolvedComponent.RESPONSE, object=status)
        if component not in self.registry:
            component.schema = self.answer(self.view.refusals[status], WORDS[status])
            self.registry.register(component)
        ref: dict[str, Any] = component.ref
        return ref

    # types -> JSON Schema

    def told(self, hint: Any) -> dict[str, Any]:
        """A type as a schema; a TypedDict by its name among the components."""
        origin, args = get_origin(hint), get_args(hint)
        if is_typeddict(hint):
            return self._component(hint)
        if is_typeddict(origin):  # of something: as it stands
            return self._object(origin, dict(zip(origin.__parameters__, args, strict=True)))
        if inspect.isclass(hint) and issubclass(hint, BaseModel):
            return hint.model_json_schema()
        if origin is list:
            return {"type": "array", "items": self.told(args[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.told(args[1])}
        if origin in (Union, types.UnionType):
            return _any_of([self.told(arg) for arg in args])
        if hint is types.NoneType:
            return {"type": "null"}
        if hint is Any:
            return {}
        found: dict[str, Any] = resolve_type_hint(hint)
        return found

    def _component(self, hint: Any) -> dict[str, Any]:
        component = ResolvedComponent(hint.__name__, ResolvedComponent.SCHEMA, object=hint)
        if component not in self.registry:
            self.registry.register(component)
            component.schema = self._object(hint, {})
        ref: dict[str, Any] = component.ref
        return ref

    def _object(self, hint: Any, of: Mapping[Any, Any]) -> dict[str, Any]:
        hints = get_type_hints(hint)
        found: dict[str, Any] = {
            "type": "object",
            "properties": {name: self.told(of.get(kind, kind)) for name, kind in hints.items()},
            "required": [name for name in hints if name in hint.__required_keys__],
        }
        return found | ({"description": inspect.cleandoc(hint.__doc__)} if hint.__doc__ else {})


def is_typeddict(hint: Any) -> bool:
    return hint is not None and is_plain_typeddict(hint)


def is_hint(hint: Any) -> bool:
    model = inspect.isclass(hint) and issubclass(hint, BaseModel)
    return is_typeddict(hint) or is_typeddict(get_origin(hint)) or model


def _any_of(kinds: list[dict[str, Any]]) -> dict[str, Any]:
    null = {"type": "null"}
    real = [kind for kind in kinds if kind != null]
    if len(real) == 1 and len(kinds) == 2 and "type" in real[0] and "enum" not in real[0]:
        return real[0] | {"type": [real[0]["type"], "null"]}
    return {"anyOf": kinds}


# the document


class Generator(SchemaGenerator):
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
        return sanitize_result_object(normalize_result_object(_plain(result)))


def _plain(node: Any) -> Any:
    """Without what drf-spectacular notes for hooks of its own, and choices told twice."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    told_twice = "enum" in node and str(node.get("description", "")).startswith("* `")
    left_out = {"x-spec-enum-id"} | ({"description"} if told_twice else set())
    return {name: _plain(each) for name, each in node.items() if name not in left_out}


def urls(contract: Contract) -> list[URLPattern]:
    """Below the prefix of the contract: its document, and a page to try it."""
    schema: Any = SpectacularAPIView.as_view(generator_class=partial(Generator, contract))
    name = f"{contract.name}-schema"
    page = SpectacularSwaggerView.as_view(url_name=name, title=f"Holdfast: {contract.name}")
    return [path("schema/", schema, name=name), path("docs/", page)]
