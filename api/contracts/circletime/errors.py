"""How Circle Time says no: an envelope with a code, for everything."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.signals import got_request_exception
from rest_framework.response import Response

from api import errors
from api.documents import Refusals, Schema
from api.rest.base_view import BaseAPIView
from api.rest.exceptions import refusal_of

from . import answers

log = structlog.get_logger("holdfast.circletime")

CODES = {
    400: "validation_error",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
}
FIELDS = {"starts_at": "startTime", "ends_at": "endTime"}
WORDS: dict[type[errors.Refusal], str] = {
    errors.Invalid: "Missing or invalid fields",
    errors.WrongCredentials: "Invalid credentials",
    errors.TokenRefused: "Invalid or expired refresh token",
    errors.EndsBeforeStart: "endTime must be after startTime",
    errors.SlotTaken: "Room is already booked for the requested time slot.",
    errors.CheckInClosed: "Check-in is not open for this booking now.",
}
CONFLICTS = (errors.ResourceUnavailable,)  # a state of the room, not a mistake of the caller


class Broken(errors.Refusal):
    code, status, detail = "internal_error", 500, "Something went wrong on our side."


class MissingDates(errors.Refusal):
    detail = "start_date and end_date query parameters are required"


class MissingRefresh(errors.Refusal):
    detail = "Refresh token is required"


def message(refusal: errors.Refusal) -> str:
    for kind, words in WORDS.items():
        if type(refusal) is kind:
            return words
    return refusal.detail


def envelope(refusal: errors.Refusal) -> tuple[dict[str, Any], int]:
    """The body and the HTTP status of any refusal."""
    status = 409 if isinstance(refusal, CONFLICTS) else refusal.status
    body: dict[str, Any] = {
        "success": False,
        "message": message(refusal),
        "code": CODES.get(status, refusal.code),
    }
    if isinstance(refusal, errors.Invalid):
        body["errors"] = [
            sentence if field == "non_field_errors" else f"{FIELDS.get(field, field)}: {sentence}"
            for field, sentences in refusal.errors.items()
            for sentence in sentences
        ] or [refusal.detail]
    if known := refusal.data.get("known_by"):
        body["errors"] = [f"{name} answers {address}" for name, address in known.items()]
    return body, status


REFUSALS: Refusals = dict.fromkeys(
    (400, 401, 403, 404, 405, 406, 409, 413, 415, 429, 500, 503), answers.Refused
)


class CircletimeDoor(BaseAPIView):
    """The base of every view here."""

    schema = Schema()
    refusals = REFUSALS

    def explain(self, refusal: errors.Refusal) -> Response:
        body, status = envelope(refusal)
        return Response(body, status=status)

    def handle_exception(self, exc: Exception) -> Response:
        if refusal_of(exc) is None:
            got_request_exception.send(sender=type(self), request=self.request._request)
            log.exception("unexpected", path=self.request.path)
            exc = Broken()
        return super().handle_exception(exc)
