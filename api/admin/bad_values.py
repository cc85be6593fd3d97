"""Values that no column can hold are the asker's mistake on every page of the admin: 400."""

from __future__ import annotations

from collections.abc import Callable

from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from api.rest.exceptions import bad_request


class BadValueMiddleware:
    """Answers 400 where Django's admin hands a NUL or an overlong number on to the database, as its
    filters, its autocomplete and the first values of its forms do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        out_of_range = isinstance(error, (DataError, OverflowError))
        return bad_request(request) if out_of_range and request.path.startswith("/admin/") else None
