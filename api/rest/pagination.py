"""Lists a page at a time, by cursor."""

from __future__ import annotations

from typing import Any

from django.db import DataError
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from api import errors


class CursorPages(CursorPagination):
    """`{next, previous, results}`; every page costs the same however far it is."""

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
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "properties": {"next": link, "previous": link, "results": schema},
            "required": ["next", "previous", "results"],
        }

    def get_page_size(self, request: Request) -> int:
        """As asked for, within bounds; refuses `Invalid` instead of guessing."""
        asked = request.query_params.get("page_size")
        if asked is None:
            return self.page_size
        if not (asked.isascii() and asked.isdigit() and 1 <= int(asked[:9]) <= self.max_page_size):
            raise errors.Invalid(errors={"page_size": [f"From 1 to {self.max_page_size}."]})
        return int(asked)
