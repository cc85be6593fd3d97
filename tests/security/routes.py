"""The routes of the URL table, as the permission matrix writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def routes(prefix: str) -> Iterator[tuple[str, list[str]]]:
    """Every route below this prefix with the methods that its view answers, in the table's order;
    of two forms, with and without the last slash, one."""
    seen = set()
    for path, pattern in _walk(get_resolver().url_patterns, "/"):
        route = path.removeprefix(prefix)
        if not route.startswith("/") and route.rstrip("/") not in seen:
            seen.add(route.rstrip("/"))
            yield route, _methods(pattern)


def plain(route: str) -> str:
    """A route or pattern with `{}` for what varies: `users/<int:pk>/` is `users/{}/`."""
    route = re.sub(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)", "{}", route)
    route = re.sub(r"<[^>]+>", "{}", route)
    return re.sub(r"\\Z|[\^$\\?]", "", route)


def _walk(patterns: list[Any], before: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        here = before + plain(str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, here)
        else:
            yield here, pattern


def _methods(pattern: URLPattern) -> list[str]:
    view: Any = pattern.callback
    if actions := getattr(view, "actions", None):
        return [method for method in METHODS if method.lower() in actions]
    cls = getattr(view, "view_class", None) or getattr(view, "cls", None)
    return [method for method in METHODS if hasattr(cls, method.lower())]
