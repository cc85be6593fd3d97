"""Replies that say what they carry: mypy holds a view to it, and the OpenAPI documents read it.

`-> Created[answers.Booking]` is a 201 with a body of that type.
"""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

from rest_framework.response import Response

T = TypeVar("T")


class Reply(Generic[T], Response):  # noqa: PYI059 - Response[…] forgets what is in the brackets
    code: ClassVar[int] = 200

    def __init__(self, body: T) -> None:
        super().__init__(body, status=self.code)


class Created(Reply[T]):
    code = 201


class Empty(Response):
    code: ClassVar[int] = 204

    def __init__(self) -> None:
        super().__init__(status=self.code)


def carried(annotation: Any) -> tuple[int, Any]:
    """The status and the type of the body that an annotation of this module stands for."""
    kind = getattr(annotation, "__origin__", annotation)
    return kind.code, next(iter(getattr(annotation, "__args__", ())), None)
