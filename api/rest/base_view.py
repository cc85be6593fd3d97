"""The base of every REST view: where errors become responses and bodies are validated."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from api import errors
from api.models import ApiKey, Caller, User
from api.rest import auditing, parsers
from api.rest.admission import check_admission, is_write
from api.rest.exceptions import build_problem, get_status, to_refusal
from api.rest.origins import is_untrusted_origin
from api.rest.permissions import Scope, get_caller
from api.rest.throttling import AccountThrottle, KeyThrottle
from api.services.audit.recording import AuditActor, Recorder
from api.services.conflicts import settle
from backend.request_ids import get_request_id

SerializerClass = type[serializers.BaseSerializer[Any]]


class BaseAPIView(APIView):
    """The base of every REST view. A contract words its refusals by overriding `render_refusal`.

    Clients of the contracts may send forms, as their first backends allowed.
    """

    scope: ClassVar[Scope | None] = None  # whose rows it answers

    parser_classes: Sequence[type[BaseParser]] = (
        parsers.JSONParser,
        parsers.FormParser,
        parsers.MultiPartParser,
    )

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Takes no forms from an untrusted origin: it could sign people in to its account."""
        drf_request = super().initialize_request(request, *args, **kwargs)
        if is_untrusted_origin(request):
            drf_request.parsers = [parsers.JSONParser()]
        return drf_request

    recorder: Recorder | None = None
    refusal: errors.Refusal | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            if self.recorder:
                self.recorder.stop()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if self.scope is None:
            raise ImproperlyConfigured(f"{type(self).__name__} does not say whose rows it answers.")
        check_admission(request)
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > settings.MAX_BODY_BYTES:
            raise parsers.TooLarge
        super().initial(request, *args, **kwargs)
        if is_write(request) and (actor := self._get_audit_actor(request)):
            self.recorder = Recorder(actor, get_request_id(request))
            self.recorder.start()

    def _get_audit_actor(self, request: Request) -> AuditActor | None:
        """What has no venue itself belongs to the view's part of the audit log."""
        actor = auditing.get_actor(request)
        return actor and replace(actor, venue=self.get_venue_id())

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        if request.method in ("GET", "HEAD") and response.status_code == 200:
            try:
                if actor := self._get_audit_actor(request):
                    auditing.record_shown_people(request, response, actor)
            except DatabaseError as error:  # what cannot be written down is not shown
                response = self.handle_exception(error)
        return super().finalize_response(request, response, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        """Whoever authenticates a person without saying so has seen no second factor."""
        super().perform_authentication(request)
        if isinstance(request.user, User) and request.user.has_second_factor is None:
            request.user.set_second_factor(False)

    def get_throttles(self) -> list[BaseThrottle]:
        by_key = isinstance(self.request.auth, ApiKey)
        return [*super().get_throttles(), KeyThrottle() if by_key else AccountThrottle()]

    def handle_exception(self, exc: Exception) -> Response:
        refusal = to_refusal(exc)
        if refusal is None:
            raise exc
        self.refusal = refusal
        with suppress(DatabaseError):  # the clock does it too
            settle(refusal)
        response = self.render_refusal(refusal)
        response.exception = True
        if response.status_code == 401:
            header = self.get_authenticate_header(self.request)
            response["WWW-Authenticate"] = header or 'Bearer realm="api"'
        if retry := getattr(refusal, "retry_after", None):
            response["Retry-After"] = str(int(retry))
        return response

    def render_refusal(self, refusal: errors.Refusal) -> Response:
        return Response(
            build_problem(refusal, self.request),
            status=get_status(refusal),
            content_type="application/problem+json",
        )

    def get_validated_body(self, serializer: SerializerClass, **options: Any) -> dict[str, Any]:
        """The validated body; `options` go to the serializer. Refuses `Invalid`."""
        context = {"request": self.request} | options.pop("context", {})
        reader = serializer(data=self.request.data, context=context, **options)
        reader.is_valid(raise_exception=True)
        return dict(reader.validated_data)

    def get_validated_query(self, serializer: SerializerClass) -> dict[str, Any]:
        """The validated query string; refuses `Invalid`."""
        reader = serializer(data=self.request.query_params.dict())
        reader.is_valid(raise_exception=True)
        return dict(reader.validated_data)

    def get_venue_id(self) -> int | None:
        """The id of the one venue that it is about, whose roles then count; None for any."""
        return None

    @property
    def caller(self) -> Caller:
        """Who calls, with their roles: a person, or nobody."""
        return get_caller(self.request)

    @property
    def person(self) -> User | None:
        """The person calling; None where it is a key, or nobody."""
        return self.request.user if isinstance(self.request.user, User) else None

    @property
    def user(self) -> User:
        """The person calling; only behind a permission that asks for one."""
        return self.request.user  # type: ignore[return-value]  # behind a permission
