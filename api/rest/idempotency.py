"""The base of our own API's views: strict bodies, and `Idempotency-Key` on every write."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import orjson
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework import exceptions, serializers
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from api import errors
from api.rest import parsers, strictness
from api.rest.base_view import BaseAPIView
from api.rest.exceptions import flatten_codes, flatten_errors, plain_problem, refusal_of
from api.rest.renderers import JSONRenderer
from api.services.accounts import client_address
from api.services.operations import idempotency

_KEY = re.compile(r"[!-~]{1,255}")


Reader = TypeVar("Reader", bound=serializers.BaseSerializer[Any])


class Replay(errors.Refusal):
    """Not a refusal: the answer that was given before."""

    code, status = "replay", 200


class IdempotentAPIView(BaseAPIView):
    """A view of our own API: problems, and `Idempotency-Key` on every write.

    `one_transaction` is off where a write asks somebody outside: its work is idempotent by itself,
    and its answer is kept after it."""

    parser_classes = (parsers.JSONParser,)
    idempotent = True
    one_transaction = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.key = request.headers.get("Idempotency-Key")
        self.replayed = False
        if request.method in SAFE_METHODS or self.key is None or not self.idempotent:
            self.key = None
            return super().dispatch(request, *args, **kwargs)
        if not self.one_transaction:
            return super().dispatch(request, *args, **kwargs)
        try:
            with transaction.atomic():
                response = super().dispatch(request, *args, **kwargs)
                if response.status_code >= 400:
                    transaction.set_rollback(True)
        except (OperationalError, InterfaceError, IntegrityError) as error:
            # no transaction to be had, or none to be committed: nothing was written
            if refusal := refusal_of(error):
                return plain_problem(refusal)
            raise
        return response

    def checked(
        self, shape: type[Reader], instance: Any = None, *, partial: bool = False
    ) -> Reader:
        """A serializer with the validated body, as strict about types and names as the schema;
        refuses `Invalid`."""
        context = {"request": self.request}
        reader = shape(instance, data=self.request.data, partial=partial, context=context)
        if found := strictness.mismatches(reader, self.request.data):
            raise errors.Invalid(errors=found)
        try:
            reader.is_valid(raise_exception=True)
        except exceptions.ValidationError as error:
            if set(flatten_codes(error.get_codes())) == {"does_not_exist"}:
                raise errors.Unfit(errors=flatten_errors(error.detail)) from None
            raise
        return reader

    def read(self, shape: type[serializers.BaseSerializer[Any]], **options: Any) -> dict[str, Any]:
        """The validated body, strictly read; refuses `Invalid`."""
        return dict(self.checked(shape, **options).validated_data)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.key is None:
            return
        if not _KEY.fullmatch(self.key):
            raise errors.Invalid(errors={"Idempotency-Key": ["1 to 255 printable characters."]})
        body = request._request.body
        self.mark = idempotency.hash_request(request.method or "", request.get_full_path(), body)
        kept = idempotency.get_response(self._scope(request), self.key, self.mark)
        if kept is not None:
            self.replayed = True
            raise Replay(kept=kept)

    def _scope(self, request: Request) -> str:
        if request.user.is_authenticated:
            return f"user:{request.user.pk}"
        return f"address:{client_address.address_hash()}"

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Replay):
            status, body = exc.data["kept"]
            return Response(body, status=status, headers={"Idempotency-Replayed": "true"})
        return super().handle_exception(exc)

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        done = not self.replayed and response.status_code < 300
        if self.key is not None and done and hasattr(self, "mark"):
            body = orjson.loads(JSONRenderer().render(response.data) or b"null")
            idempotency.store_response(
                self._scope(request), self.key, self.mark, response.status_code, body
            )
        return super().finalize_response(request, response, *args, **kwargs)
