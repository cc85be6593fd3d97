"""Lists in pages, by cursor."""

from __future__ import annotations

from typing import Any

from django.db import DataError
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from api import errors


def _describe(schema: Any) -> Any:
    """The schema of the rows; drf-spectacular also asks with a marker that is none."""
    is_schema = isinstance(schema, dict)
    return schema | {"description": "The rows of this page."} if is_schema else schema


class IdCursorPagination(CursorPagination):
    """`{next, previous, results}`; a far page costs no more than the first."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = "-id"

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, TypeError, DataError, OverflowError) as error:
            raise exceptions.NotFound from error

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri", "example": None}
        return {
            "type": "object",
            "properties": {
                "next": link | {"description": "Where the next page is; null on the last one."},
                "previous": link | {"description": "Where the page before is; null on the first."},
                "results": _describe(schema),
            },
            "required": ["next", "previous", "results"],
        }

    def get_page_size(self, request: Request) -> int:
        """The size requested; refuses `Invalid` outside the bounds instead of guessing."""
        requested = request.query_params.get("page_size")
        if requested is None:
            return self.page_size
        digits = requested.isascii() and requested.isdigit()
        if not (digits and 1 <= int(requested[:9]) <= self.max_page_size):
            raise errors.Invalid(errors={"page_size": [f"From 1 to {self.max_page_size}."]})
        return int(requested)
