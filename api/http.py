"""What every door shares: JSON in and out, a bound on bodies, and errors turned into refusals.

A door words a refusal by overriding `explain`; our own API answers RFC 9457 problems.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import orjson
import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework import exceptions, serializers
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import BaseParser
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle
from rest_framework.views import APIView

from api import errors, wire
from api.models import User
from api.origins import is_strange
from api.services import idempotency, whence
from api.services.stripe_gateway import BadPayload, BadSignature
from api.services.transitions import EXCLUSION, GIVES_WAY, UNIQUE, sqlstate

log = structlog.get_logger("holdfast.http")


MOST_READ_AWAY = 64_000_000  # bytes

_REFERENCE, _CHECK = "23503", "23514"


class MethodNotAllowed(errors.Refused):
    code, status, detail = "method_not_allowed", 405, "This method is not allowed here."


class NotAcceptable(errors.Refused):
    code, status, detail = "not_acceptable", 406, "No such representation."


class UnsupportedMediaType(errors.Refused):
    code, status, detail = "unsupported_media_type", 415, "Send JSON."


class Unavailable(errors.Refused):
    code, status, detail = "unavailable", 503, "The database is away, try again soon."
    retry_after = 5


# errors -> refusals

_DRF: dict[type[Exception], type[errors.Refused]] = {
    exceptions.ParseError: wire.Malformed,
    exceptions.MethodNotAllowed: MethodNotAllowed,
    exceptions.NotAcceptable: NotAcceptable,
    exceptions.UnsupportedMediaType: UnsupportedMediaType,
    RequestDataTooBig: wire.TooLarge,
}


def refusal_of(error: Exception) -> errors.Refused | None:
    """The refusal that an error stands for, or None for a bug."""
    if isinstance(error, errors.Refused):
        return error
    if isinstance(error, exceptions.ValidationError):
        return errors.Invalid(errors=_flat(error.detail))
    if isinstance(error, exceptions.NotAuthenticated):
        return errors.NotSignedIn()
    if isinstance(error, exceptions.AuthenticationFailed):
        # a contract may answer in the words of its library
        return errors.NotSignedIn("The token is not valid or has expired.", said=error.detail)
    if isinstance(error, (exceptions.PermissionDenied, DjangoPermissionDenied)):
        return errors.Forbidden()
    if isinstance(error, (exceptions.NotFound, Http404)):
        return errors.NotFound()
    if isinstance(error, exceptions.Throttled):
        return errors.TooManyAttempts(retry_after=int(getattr(error, "wait", None) or 60) + 1)
    for kind, refusal in _DRF.items():
        if isinstance(error, kind):
            return refusal()
    return _database_refusal(error)


def _database_refusal(error: Exception) -> errors.Refused | None:
    state = sqlstate(error)
    if isinstance(error, IntegrityError) and state == EXCLUSION:
        return errors.SlotTaken()
    if isinstance(error, OperationalError) and state in GIVES_WAY:
        return errors.Busy()
    if isinstance(error, (OperationalError, InterfaceError)):
        log.error("database_away", error=repr(error))
        return Unavailable()
    if isinstance(error, IntegrityError) and state in (UNIQUE, _REFERENCE):
        log.warning("constraint_refused", error=repr(error))
        return errors.Conflict()
    if isinstance(error, IntegrityError) and state == _CHECK:
        log.warning("constraint_refused", error=repr(error))
        return errors.Unfit()
    if isinstance(error, DataError):
        return errors.Invalid("A value is out of range.")
    return None


def _flat(detail: Any, name: str = "") -> dict[str, list[str]]:
    """DRF's nested details as one level: `{"attendees.0": ["…"]}`."""
    if isinstance(detail, Mapping):
        found: dict[str, list[str]] = {}
        for key, value in detail.items():
            found |= _flat(value, f"{name}.{key}" if name else str(key))
        return found
    if isinstance(detail, (list, tuple)) and any(isinstance(d, (Mapping, list)) for d in detail):
        found = {}
        for index, value in enumerate(detail):
            found |= _flat(value, f"{name}.{index}" if name else str(index))
        return found
    texts = detail if isinstance(detail, (list, tuple)) else [detail]
    return {name or "non_field_errors": [str(text) for text in texts]}


def status_of(refusal: errors.Refused) -> int:
    """400: the request does not fit the schema. 409: it fits, and the rules or what is there
    already refuse it. Everything else says its own status."""
    unfit = (errors.Invalid, wire.Malformed, BadRequest, BadPayload, BadSignature)
    if refusal.status == 400 and type(refusal) not in unfit:
        return 409
    return refusal.status


# what a refusal carries that a client can act on, by the name of the attribute
_TOLD = (
    *("earliest", "latest", "opens_at", "closes_at", "on", "reason", "capacity", "slot", "limit"),
    "current",
)


def _flat_codes(codes: Any) -> Iterator[str]:
    if isinstance(codes, (Mapping, list)):
        for each in codes.values() if isinstance(codes, Mapping) else codes:
            yield from _flat_codes(each)
    else:
        yield str(codes)


def problem(refusal: errors.Refused, request: Request | None = None) -> dict[str, Any]:
    """The refusal as an RFC 9457 problem: instants in UTC, dates and wall times as they are."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": refusal.code.replace("_", " ").capitalize(),
        "status": status_of(refusal),
        "code": refusal.code,
        "detail": refusal.detail,
    }
    if isinstance(refusal, errors.Invalid) and refusal.errors:
        body["errors"] = refusal.errors
    if isinstance(refusal, errors.SlotTaken):
        staff = bool(request and getattr(request.user, "is_staff", False))
        body["conflicts"] = [_conflict(booking, staff) for booking in refusal.conflicts]
        body["alternatives"] = [_interval(*i) for i in refusal.alternatives]
    return body | {name: refusal.data[name] for name in _TOLD if name in refusal.data}


def _interval(starts_at: datetime, ends_at: datetime) -> dict[str, datetime]:
    return {"starts_at": starts_at, "ends_at": ends_at}


def _conflict(booking: Any, staff: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "starts_at": booking.starts_at,
        "ends_at": booking.ends_at,
        "status": booking.status,
    }
    if staff:
        body |= {"id": booking.pk, "title": booking.title, "owner": booking.owner.name}
    return body


def problem_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """For views of libraries that are not a `Door`."""
    refusal = refusal_of(error)
    if refusal is None:
        return None
    return Response(
        problem(refusal, context.get("request")),
        status=status_of(refusal),
        content_type="application/problem+json",
    )


# views


def read_away(request: HttpRequest) -> None:
    """Reads what nobody wants, within reason: a client that is still sending when the connection
    is closed never sees the answer."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    left = min(int(length), MOST_READ_AWAY) if length.isdigit() else 0
    while left > 0 and (chunk := request.read(min(left, 65_536))):
        left -= len(chunk)


class Door(APIView):
    """The base of every REST view. `explain` turns a refusal into this door's answer. A contract's
    clients may send forms, as its first backend allowed."""

    parser_classes: Sequence[type[BaseParser]] = (wire.JSONParser, wire.Form, wire.MultiPart)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """No forms of a stranger's page: it could sign somebody in to an account of its own."""
        made = super().initialize_request(request, *args, **kwargs)
        if is_strange(request):
            made.parsers = [wire.JSONParser()]
        return made

    def explain(self, refusal: errors.Refused) -> Response:
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
        if refusal.status == 401:
            header = self.get_authenticate_header(self.request)
            response["WWW-Authenticate"] = header or 'Bearer realm="api"'
        if retry := getattr(refusal, "retry_after", None):
            response["Retry-After"] = str(int(retry))
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > settings.MAX_BODY_BYTES:
            read_away(request._request)
            raise wire.TooLarge
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


_KEY = re.compile(r"[!-~]{1,255}")
Reader = TypeVar("Reader", bound=serializers.BaseSerializer[Any])


class Replay(errors.Refused):
    """Not a refusal: the answer that was given before."""

    code, status = "replay", 200


class View(Door):
    """A view of our own API: problems, and `Idempotency-Key` on every write.

    `one_transaction` is off where a write asks somebody outside: its work is idempotent by itself,
    and its answer is kept after it."""

    parser_classes = (wire.JSONParser,)
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
                return _plain_problem(refusal)
            raise
        return response

    def checked(
        self, shape: type[Reader], instance: Any = None, *, partial: bool = False
    ) -> Reader:
        """A serializer with the validated body, as strict about types and names as the schema;
        refuses `Invalid`."""
        context = {"request": self.request}
        reader = shape(instance, data=self.request.data, partial=partial, context=context)
        if found := wire.mismatches(reader, self.request.data):
            raise errors.Invalid(errors=found)
        try:
            reader.is_valid(raise_exception=True)
        except exceptions.ValidationError as error:
            if set(_flat_codes(error.get_codes())) == {"does_not_exist"}:
                raise errors.Unfit(errors=_flat(error.detail)) from None
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
        self.mark = idempotency.fingerprint(request.method or "", request.get_full_path(), body)
        kept = idempotency.recall(self._scope(request), self.key, self.mark)
        if kept is not None:
            self.replayed = True
            raise Replay(kept=kept)

    def _scope(self, request: Request) -> str:
        if request.user.is_authenticated:
            return f"user:{request.user.pk}"
        return f"address:{whence.mark()}"

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
            body = orjson.loads(wire.JSONRenderer().render(response.data) or b"null")
            idempotency.keep(self._scope(request), self.key, self.mark, response.status_code, body)
        return super().finalize_response(request, response, *args, **kwargs)


class Pages(CursorPagination):
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


class AddressThrottle(SimpleRateThrottle):
    """Counts by the caller's address, whoever they say they are."""

    scope = "auth"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


def address_of(request: Request | HttpRequest) -> str:
    """Where the caller is, as far as our own proxies say so."""
    return str(AddressThrottle().get_ident(request))  # type: ignore[arg-type]


class AnonymousThrottle(AddressThrottle):
    scope = "anonymous"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:  # type: ignore[override]
        return None if request.user.is_authenticated else super().get_cache_key(request, view)


class AccountThrottle(SimpleRateThrottle):
    """Counts what a person writes, from wherever they do."""

    scope = "account"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        if request.method in SAFE_METHODS or not request.user.is_authenticated:
            return None
        return self.cache_format % {"scope": self.scope, "ident": request.user.pk}


# Django's own error pages


def _plain_problem(refusal: errors.Refused) -> HttpResponse:
    """Without anything that may be what is broken: no view, no negotiation."""
    response = HttpResponse(
        wire.JSONRenderer().render(problem(refusal)),
        status=status_of(refusal),
        content_type="application/problem+json",
    )
    if retry := getattr(refusal, "retry_after", None):
        response["Retry-After"] = str(int(retry))
    return response


class BadRequest(errors.Refused):
    code, detail = "bad_request", "The request is not valid."


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    read_away(request)
    return _plain_problem(errors.NotFound("There is nothing at this address."))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _plain_problem(BadRequest())


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _plain_problem(errors.Forbidden())


def server_error(request: HttpRequest) -> HttpResponse:
    class Broken(errors.Refused):
        code, status, detail = "internal_error", 500, "Something went wrong on our side."

    return _plain_problem(Broken())
