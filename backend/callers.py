"""Tells the services where a request comes from: they know no requests."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase


def note(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    from api.http import address_of
    from api.services.whence import coming_from

    def middleware(request: HttpRequest) -> HttpResponseBase:
        with coming_from(address_of(request)):
            return get_response(request)

    return middleware
