"""The whole document of a contract, and where it is served."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

from django.urls import URLPattern, include, path
from drf_spectacular.drainage import reset_generator_stats
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.plumbing import (
    build_root_object,
    normalize_result_object,
    sanitize_result_object,
)
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from .schema import VERBS


class Contract(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def urls(self) -> str: ...


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
    page = SpectacularSwaggerSplitView.as_view(url_name=name, title=f"Holdfast: {contract.name}")
    return [path("schema/", schema, name=name), path("docs/", page)]
