"""The base of every REST view. A face of the API words a refusal by overriding `explain`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from api import errors
from api.models import User
from api.rest import parsers
from api.rest.exceptions import problem, refusal_of, status_of
from api.rest.origins import is_untrusted_origin
from api.rest.parsers import drain_body
from api.rest.throttling import AccountThrottle


class BaseAPIView(APIView):
    """The base of every REST view. `explain` turns a refusal into this door's answer. A contract's
    clients may send forms, as its first backend allowed."""

    parser_classes: Sequence[type[BaseParser]] = (
        parsers.JSONParser,
        parsers.Form,
        parsers.MultiPart,
    )

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """No forms of a stranger's page: it could sign somebody in to an account of its own."""
        made = super().initialize_request(request, *args, **kwargs)
        if is_untrusted_origin(request):
            made.parsers = [parsers.JSONParser()]
        return made

    def explain(self, refusal: errors.Refusal) -> Response:
        return Response(
            problem(refusal, self.request),
            status=status_of(refusal),
            content_type="application/problem+json",
        )

    def handle_exception(self, exc: Exception) -> Response:
        refusal = refusal_of(exc)
        if refusal is None:
            raise exc
        response = self.explain(refusal)
        response.exception = True
        if response.status_code == 401:
            header = self.get_authenticate_header(self.request)
            response["WWW-Authenticate"] = header or 'Bearer realm="api"'
        if retry := getattr(refusal, "retry_after", None):
            response["Retry-After"] = str(int(retry))
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > settings.MAX_BODY_BYTES:
            drain_body(request._request)
            raise parsers.TooLarge
        super().initial(request, *args, **kwargs)

    def get_throttles(self) -> list[BaseThrottle]:
        return [*super().get_throttles(), AccountThrottle()]

    def read(self, shape: type[serializers.BaseSerializer[Any]], **options: Any) -> dict[str, Any]:
        """The validated body; refuses `Invalid`."""
        context = {"request": self.request} | options.pop("context", {})
        reader = shape(data=self.request.data, context=context, **options)
        reader.is_valid(raise_exception=True)
        return dict(reader.validated_data)

    def query(self, shape: type[serializers.BaseSerializer[Any]]) -> dict[str, Any]:
        """The validated query string; refuses `Invalid`."""
        reader = shape(data=self.request.query_params.dict())
        reader.is_valid(raise_exception=True)
        return dict(reader.validated_data)

    @property
    def user(self) -> User:
        """The person calling; only behind a permission that asks for one."""
        return self.request.user  # type: ignore[return-value]
