"""What a view says of itself for its document, beside its methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias, TypeVar

Refusals: TypeAlias = Mapping[int, Any]  # status -> the type of the body, None for an empty one
# of a library's view, which says nothing of itself: method and action -> what is taken, the reply
Told: TypeAlias = Mapping[str, tuple[Any, Any]]

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
