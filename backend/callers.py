"""Tells the services where a request comes from: they know no requests."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase


def note(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    from api.rest.throttling import client_ip
    from api.services.accounts.client_address import client_address

    def middleware(request: HttpRequest) -> HttpResponseBase:
        with client_address(client_ip(request)):
            return get_response(request)

    return middleware
