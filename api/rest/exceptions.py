"""Turns errors into refusals, and refusals into RFC 9457 problems."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from api import errors
from api.models import Caller, Nobody
from api.rest.parsers import Malformed, TooLarge
from api.rest.permissions import get_caller
from api.rest.renderers import JSONRenderer
from api.services.conflicts import (
    DISK_FULL,
    EXCLUSION_VIOLATION,
    LOST_TO_OTHERS,
    QUERY_CANCELED,
    UNIQUE_VIOLATION,
    get_sqlstate,
    note_lock_timeout,
)
from api.services.payments.stripe_gateway import PaymentRefused

log = structlog.get_logger("holdfast.http")

_REFERENCE, _CHECK = "23503", "23514"


class MethodNotAllowed(errors.Refusal):
    code, status, detail = "method_not_allowed", 405, "This method is not allowed here."


class NotAcceptable(errors.Refusal):
    code, status, detail = "not_acceptable", 406, "No such representation."


class UnsupportedMediaType(errors.Refusal):
    code, status, detail = "unsupported_media_type", 415, "Send JSON."


class Unavailable(errors.Refusal):
    code, status, detail = "unavailable", 503, "The database is away, try again soon."
    retry_after = 5


class BadRequest(errors.Refusal):
    code, detail = "bad_request", "The request is not valid."


_REFUSALS: tuple[tuple[type[Exception], type[errors.Refusal]], ...] = (
    (exceptions.NotAuthenticated, errors.NotSignedIn),
    (exceptions.PermissionDenied, errors.Forbidden),
    (DjangoPermissionDenied, errors.Forbidden),
    (exceptions.NotFound, errors.NotFound),
    (Http404, errors.NotFound),
    (exceptions.ParseError, Malformed),
    (exceptions.MethodNotAllowed, MethodNotAllowed),
    (exceptions.NotAcceptable, NotAcceptable),
    (exceptions.UnsupportedMediaType, UnsupportedMediaType),
    (RequestDataTooBig, TooLarge),
)


def to_refusal(error: Exception) -> errors.Refusal | None:
    """The refusal that an error stands for, or None for a bug."""
    if isinstance(error, errors.Refusal):
        return error
    if isinstance(error, exceptions.ValidationError):
        return errors.Invalid(errors=flatten_errors(error.detail))
    if isinstance(error, exceptions.AuthenticationFailed):
        # a contract may respond with the message of its library
        return errors.NotSignedIn(
            "The token is not valid or has expired.", library_detail=error.detail
        )
    if isinstance(error, exceptions.Throttled):
        return errors.TooManyAttempts(retry_after=int(getattr(error, "wait", None) or 60) + 1)
    for kind, refusal in _REFUSALS:
        if isinstance(error, kind):
            return refusal()
    return _to_database_refusal(error)


def _to_database_refusal(error: Exception) -> errors.Refusal | None:
    state = get_sqlstate(error)
    if isinstance(error, IntegrityError) and state == EXCLUSION_VIOLATION:
        return errors.SlotTaken()
    if isinstance(error, OperationalError) and state in LOST_TO_OTHERS:
        note_lock_timeout(error)
        return errors.Busy()
    if isinstance(error, OperationalError) and state == DISK_FULL:
        log.error("database_full", error=repr(error))
        return errors.StorageFull()
    if isinstance(error, OperationalError) and state == QUERY_CANCELED:
        log.error("statement_too_slow", error=repr(error))
        return Unavailable("That took too long, try again later.")
    if isinstance(error, (OperationalError, InterfaceError)):
        log.error("database_away", error=repr(error))
        return Unavailable()
    if isinstance(error, IntegrityError) and state in (UNIQUE_VIOLATION, _REFERENCE):
        log.warning("constraint_refused", error=repr(error))
        return errors.Conflict()
    if isinstance(error, IntegrityError) and state == _CHECK:
        log.warning("constraint_refused", error=repr(error))
        return errors.Unfit()
    if isinstance(error, DataError):
        return errors.Invalid("A value is out of range.")
    return None


def flatten_errors(detail: Any, name: str = "") -> dict[str, list[str]]:
    """DRF's nested details as one level: `{"attendees.0": ["…"]}`."""
    if isinstance(detail, Mapping):
        found: dict[str, list[str]] = {}
        for key, value in detail.items():
            found |= flatten_errors(value, f"{name}.{key}" if name else str(key))
        return found
    if isinstance(detail, (list, tuple)) and any(isinstance(d, (Mapping, list)) for d in detail):
        found = {}
        for index, value in enumerate(detail):
            found |= flatten_errors(value, f"{name}.{index}" if name else str(index))
        return found
    messages = detail if isinstance(detail, (list, tuple)) else [detail]
    return {name or "non_field_errors": [str(message) for message in messages]}


# contracts answer 400 to these, our own API 409: other rows refuse them
_REFUSED_BY_ROWS = (
    *(errors.EmailTaken, errors.TradeRefused, errors.UsernameTaken),
    PaymentRefused,
)


def get_status(refusal: errors.Refusal) -> int:
    """The HTTP status at our own API: 400 where the body or a venue's rule refuses, 409 where
    other rows do, else the refusal's own."""
    if isinstance(refusal, _REFUSED_BY_ROWS) and not getattr(refusal, "unknown", False):
        return 409
    return refusal.status


# the data of a refusal that a client can act on
_DATA = (
    *("earliest", "latest", "opens_at", "closes_at", "on", "reason", "capacity", "slot", "limit"),
    *("current", "occurrences", "quota", "free_at"),
)


def build_problem(refusal: errors.Refusal, request: Request | None = None) -> dict[str, Any]:
    """The refusal as an RFC 9457 problem: instants in UTC, dates and wall times as they are."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": refusal.code.replace("_", " ").capitalize(),
        "status": get_status(refusal),
        "code": refusal.code,
        "detail": refusal.detail,
    }
    if isinstance(refusal, errors.Invalid) and refusal.errors:
        body["errors"] = refusal.errors
    if isinstance(refusal, errors.SlotTaken):
        caller: Caller = get_caller(request) if request else Nobody()
        if caller.is_staff_somewhere:
            bookings = [row for row in refusal.conflicts if hasattr(row, "owner_id")]
            prefetch_related_objects(bookings, "owner")
        body["conflicts"] = [
            build_conflict(row, caller.is_staff_of(row.venue_id)) for row in refusal.conflicts
        ]
        body["alternatives"] = [_build_interval(*i) for i in refusal.alternatives]
    return body | {name: refusal.data[name] for name in _DATA if name in refusal.data}


def _build_interval(starts_at: datetime, ends_at: datetime) -> dict[str, datetime]:
    return {"starts_at": starts_at, "ends_at": ends_at}


def build_conflict(booking: Any, staff: bool) -> dict[str, Any]:
    """A booking or block that is in the way; who and why is for staff alone."""
    body: dict[str, Any] = {
        "starts_at": booking.starts_at,
        "ends_at": booking.ends_at,
        "status": booking.status,
    }
    if staff and booking.status == "blocked":
        return body | {"reason": booking.reason}
    if staff:
        body |= {"id": booking.pk, "title": booking.title, "owner": booking.person.name}
    return body


def handle_exception(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """The response to an error in a library's view, which is no `BaseAPIView`."""
    refusal = to_refusal(error)
    if refusal is None:
        return None
    return Response(
        build_problem(refusal, context.get("request")),
        status=get_status(refusal),
        content_type="application/problem+json",
    )


def build_problem_response(refusal: errors.Refusal) -> HttpResponse:
    """The refusal as a problem, made without a view or negotiation, which may be what is broken."""
    response = HttpResponse(
        JSONRenderer().render(build_problem(refusal)),
        status=get_status(refusal),
        content_type="application/problem+json",
    )
    if retry := getattr(refusal, "retry_after", None):
        response["Retry-After"] = str(int(retry))
    return response


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return build_problem_response(errors.NotFound("There is nothing at this address."))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return build_problem_response(BadRequest())


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return build_problem_response(errors.Forbidden())


def server_error(request: HttpRequest) -> HttpResponse:
    class Broken(errors.Refusal):
        code, status, detail = "internal_error", 500, "Something went wrong on our side."

    return build_problem_response(Broken())
