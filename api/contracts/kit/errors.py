"""How refusals read in a contract: one table from a class of refusal to status, message and body.

The same table makes the responses and documents them: the statuses of an operation, their bodies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Any, TypeAlias

from rest_framework import serializers
from rest_framework.response import Response

from api import errors
from api.errors import Refusal
from api.lifecycle import Status
from api.rest import exceptions

from .fields import Serializer


class NotOwner(errors.Forbidden):
    """The booking is somebody else's, and the caller is not staff."""


@dataclass(frozen=True)
class ErrorResponse:
    """A row of the table. `message` may name what the refusal carries, `{capacity}` or
    `{opens_at:%H:%M}`, the `{method}`, and its own `{detail}`; or be made by a function of the
    refusal. Without a `status` the refusal's own stands."""

    body: ErrorBody
    message: str | Callable[[Any], str]
    status: int | None

    def response(self, refusal: Refusal, method: str) -> Response:
        if callable(self.message):
            message = self.message(refusal)
        else:
            known = {"detail": refusal.detail, "method": method, **refusal.data}
            message = self.message.format_map(known)
        status = self.status or get_status(type(refusal))
        return Response(self.body.build(refusal, message, status), status=status)


@dataclass(frozen=True)
class ErrorBody:
    """A form of body, built from the refusal, its message and status; called, it makes a row.

    `serializers` are its forms in the documents; without any the body is empty."""

    build: Callable[[Any, str, int], Any]
    serializers: tuple[Any, ...] = ()

    def __call__(
        self, message: str | Callable[[Any], str] = "{detail}", status: int | None = None
    ) -> ErrorResponse:
        return ErrorResponse(self, message, status)


class DetailSerializer(Serializer):
    detail = serializers.CharField()


class ErrorSerializer(Serializer):
    error = serializers.CharField()


FIELD_MESSAGES = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))

empty = ErrorBody(lambda refusal, message, status: None)
detail = ErrorBody(lambda refusal, message, status: {"detail": message}, (DetailSerializer,))
error = ErrorBody(lambda refusal, message, status: {"error": message}, (ErrorSerializer,))
# what is wrong with each field, or with the request as a whole
field_errors = ErrorBody(
    lambda refusal, message, status: (
        dict(getattr(refusal, "errors", {})) or {"non_field_errors": [message]}
    ),
    (FIELD_MESSAGES,),
)


def at(field: str, message: str | Callable[[Any], str] = "{detail}") -> ErrorResponse:
    """A 400 with the message at one field."""
    body = ErrorBody(lambda refusal, message, status: {field: [message]}, (FIELD_MESSAGES,))
    return body(message, 400)


def unless_own(message: str) -> Callable[[Refusal], str]:
    """The message, unless the refusal was raised with a sentence of its own."""
    return lambda refusal: refusal.detail if refusal.detail != type(refusal).detail else message


def in_words(labels: Mapping[str, str]) -> Callable[[errors.NotAllowedNow], str]:
    """The sentence of the refusal, with the contract's label for the status that it names."""

    def message(refusal: errors.NotAllowedNow) -> str:
        if refusal.current not in labels:
            return refusal.detail
        ours = Status(refusal.current).label.lower()
        return refusal.detail.replace(f"is {ours} ", f"is {labels[refusal.current]} ")

    return message


Rows: TypeAlias = Mapping[type[Refusal] | int, ErrorResponse]

# DRF's own bodies
DRF_ROWS: Rows = {
    Refusal: detail(),
    errors.Invalid: field_errors(),
    errors.NotFound: detail("Not found."),
    errors.NotSignedIn: detail("Authentication credentials were not provided."),
    errors.Forbidden: detail(unless_own("You do not have permission to perform this action.")),
    exceptions.MethodNotAllowed: detail('Method "{method}" not allowed.'),
}


class ErrorTable:
    """Rows by class of refusal, by status, and for `Refusal` itself, which makes it total.

    The row of the nearest base class is taken, then that of the status, then that of `Refusal`."""

    def __init__(self, rows: Rows, base: ErrorTable | None = None) -> None:
        self.rows, self.base = rows, base or self

    def extended(self, rows: Rows) -> ErrorTable:
        """The same with some rows of one operation."""
        return ErrorTable({**self.rows, **rows}, self.base) if rows else self

    def row(self, kind: type[Refusal], status: int) -> ErrorResponse:
        if issubclass(kind, errors.LastAdmin):  # a status of our own API
            kind = errors.Forbidden
        keys: list[Any] = [*takewhile(lambda base: base is not Refusal, kind.__mro__)]
        keys += [status, Refusal]
        return next(self.rows[key] for key in keys if key in self.rows)

    def response(self, refusal: Refusal, method: str) -> Response:
        return self.row(type(refusal), get_status(type(refusal))).response(refusal, method)

    @cached_property
    def bodies(self) -> dict[int, list[Any]]:
        """Status -> the forms of its body, None for an empty one; over every refusal there is."""
        found: dict[int, list[Any]] = {}
        for kind in sorted(self._kinds(), key=lambda kind: (kind.__module__, kind.__name__)):
            row = self.row(kind, get_status(kind))
            forms = found.setdefault(row.status or get_status(kind), [])
            forms += [form for form in row.body.serializers or (None,) if form not in forms]
        return dict(sorted(found.items()))

    def _kinds(self) -> set[type[Refusal]]:
        """Those of the core, of REST, of the kit, and those that the table names."""
        listed = {key for key in self.rows if isinstance(key, type)}
        return listed | {NotOwner, *_refusals(errors), *_refusals(exceptions)}


def get_status(kind: type[Refusal]) -> int:
    """The refusal's own; the last admin is forbidden to leave here, as ever."""
    return 403 if issubclass(kind, errors.LastAdmin) else kind.status


def _refusals(module: Any) -> Iterator[type[Refusal]]:
    for each in vars(module).values():
        if isinstance(each, type) and issubclass(each, Refusal):
            yield each
