"""Middleware that makes the client's address known to services, which are handed no requests."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase


def set_client_address(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    from api.rest.throttling import client_ip
    from api.services.accounts.client_address import use_client_address

    def middleware(request: HttpRequest) -> HttpResponseBase:
        with use_client_address(client_ip(request), request.headers.get("User-Agent", "")):
            return get_response(request)

    return middleware
