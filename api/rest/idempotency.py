"""`Idempotency-Key` on every write: a request that is sent again gets the response that it got."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson
from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    transaction,
)
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from api import errors
from api.models import KeyCaller
from api.models.identifiers import build_key
from api.rest import parsers
from api.rest.authentication import BearerAuthentication
from api.rest.base_view import BaseAPIView
from api.rest.exceptions import build_problem_response, to_refusal
from api.rest.keys import KeyAuthentication, Scopes, check_key
from api.rest.permissions import get_caller
from api.rest.renderers import JSONRenderer
from api.services.accounts import client_address
from api.services.conflicts import settle
from api.services.operations import idempotency

_KEY = re.compile(r"[!-~]{1,255}")


class Replay(Exception):
    """This key and request had a response before, with this status and body."""

    def __init__(self, status: int, body: Any) -> None:
        self.status, self.body = status, body


class IdempotentAPIView(BaseAPIView):
    """The base of our own API's views: takes JSON alone, and `Idempotency-Key` on every write.

    The write and its stored response are one transaction. `one_transaction` is off where a write
    calls another service: its work is idempotent by itself, and its response is stored after it.
    """

    parser_classes = (parsers.JSONParser,)
    authentication_classes: Sequence[type[BaseAuthentication]] = (
        KeyAuthentication,  # before the next, which takes every bearer token
        BearerAuthentication,
    )
    # of the API keys that open it, where they are others than `rest.keys` says; and whether any do
    key_scopes: Mapping[str, Scopes] = {}
    takes_keys = True
    unstored_methods: Collection[str] = ()  # whose responses hold secrets: a key is ignored
    one_transaction = True

    @classmethod
    def takes_key(cls, method: str) -> bool:
        return method not in SAFE_METHODS and method not in cls.unstored_methods

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        takes_key = self.takes_key(request.method or "")
        self.key = request.headers.get("Idempotency-Key") if takes_key else None
        self.fingerprint: str | None = None  # known once the caller is
        if self.key is None or not self.one_transaction:
            return super().dispatch(request, *args, **kwargs)
        try:
            with transaction.atomic():
                response = super().dispatch(request, *args, **kwargs)
                if response.status_code >= 400:
                    transaction.set_rollback(True)
        except (OperationalError, InterfaceError, IntegrityError) as error:
            # no transaction could begin or commit: nothing was written
            if refusal := to_refusal(error):
                return build_problem_response(refusal)
            raise
        if self.refusal:
            with suppress(DatabaseError):  # the clock does it too
                settle(self.refusal)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.key is None:
            return
        if not _KEY.fullmatch(self.key):
            raise errors.Invalid(errors={"Idempotency-Key": ["1 to 255 printable characters."]})
        fingerprint = idempotency.hash_request(
            request.method or "", request.get_full_path(), request._request.body
        )
        if stored := idempotency.get_response(self.get_key_scope(request), self.key, fingerprint):
            raise Replay(*stored)
        self.fingerprint = fingerprint

    def check_permissions(self, request: Request) -> None:
        check_key(request, self)
        super().check_permissions(request)

    def get_key_scope(self, request: Request) -> str:
        """Whose keys these are: one caller's never meet another's. Of those who are not signed in,
        many share an address: the e-mail that they send tells them apart."""
        if isinstance(caller := get_caller(request), KeyCaller):
            return f"key:{caller.key.pk}"
        if request.user.is_authenticated:
            return f"user:{request.user.pk}"
        scope = f"address:{client_address.get_address_hash()}"
        email = request.data.get("email") if isinstance(request.data, Mapping) else None
        if not isinstance(email, str):
            return scope
        return f"{scope}:{idempotency.hash_scope(build_key(email))}"

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Replay):
            return Response(exc.body, exc.status, headers={"Idempotency-Replayed": "true"})
        return super().handle_exception(exc)

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        if self.key and self.fingerprint and response.status_code < 300:
            body = orjson.loads(JSONRenderer().render(response.data) or b"null")
            scope = self.get_key_scope(request)
            idempotency.store_response(
                scope, self.key, self.fingerprint, response.status_code, body
            )
        return super().finalize_response(request, response, *args, **kwargs)
