"""The request and response of one method of a view, declared once to run and to document it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from django.http.response import HttpResponseBase

from .errors import Rows

F = TypeVar("F", bound=Callable[..., Any])
OF_VIEW: Any = object()  # what the view declares for all its methods


@dataclass(frozen=True)
class Operation:
    """`request` and `response` are serializers; unless given, the view's `request_serializer`
    for POST, PUT and PATCH, and its `response_serializer` for all but DELETE. None: no body.

    `partial`: every field may be left out, as it always may with PATCH. `errors`: rows that this
    operation has instead of its contract's. The status is 200, or 204 without a body.
    `file_type`: what it answers is no JSON but a file of that media type."""

    summary: str
    request: Any = OF_VIEW
    query: Any = None
    response: Any = OF_VIEW
    many: bool = False
    status: int = 200
    partial: bool = False
    file_type: str = ""
    errors: Rows = field(default_factory=dict)

    def request_of(self, view: Any, method: str) -> Any:
        if self.request is not OF_VIEW:
            return self.request
        return view.request_serializer if method in ("POST", "PUT", "PATCH") else None

    def response_of(self, view: Any, method: str) -> Any:
        if self.response is not OF_VIEW:
            return self.response
        return None if method == "DELETE" else view.response_serializer

    def status_of(self, view: Any, method: str) -> int:
        empty = self.response_of(view, method) is None and not self.file_type
        return 204 if empty else self.status


def operation(summary: str, **options: Any) -> Callable[[F], F]:
    """Declares a method of a `ContractView`: what it returns is written by its serializer."""
    made = Operation(summary, **options)

    def decorate(method: F) -> F:
        @functools.wraps(method)
        def respond(view: Any, *args: Any, **kwargs: Any) -> Any:
            result = method(view, *args, **kwargs)
            return result if isinstance(result, HttpResponseBase) else view.respond(result)

        respond.operation = made  # type: ignore[attr-defined]  # an attribute of a function
        return cast(F, respond)

    return decorate


def get_declared(view: Any, method: str) -> Operation:
    """What is declared of a method; raises `LookupError` where nothing is."""
    found = get_operation(view, method)
    if found is None:
        raise LookupError(f"{type(view).__name__} declares no operation for {method}")
    return found


def get_operation(view: Any, method: str) -> Operation | None:
    """What is declared of a method; of one that a library wrote, in the view's `operations`."""
    action = getattr(view, "action", None)  # of a view set
    handler = getattr(view, action or method.lower(), None)
    library: Mapping[str, Operation] = view.operations
    name = f"{method} {action or ''}".strip()
    return getattr(handler, "operation", None) or library.get(name)
