"""How a refusal reads at the barbershop: field errors, else `{"detail": …}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from rest_framework.response import Response

from api import errors
from api.documents import Refusals, Schema
from api.rest.base_view import BaseAPIView
from api.rest.exceptions import MethodNotAllowed

from . import answers

Body: TypeAlias = Callable[[Any], dict[str, Any]]


class NotForYou(errors.Forbidden):
    """The dashboard's own form of a 403."""

    detail = "Admin access required"


def at(field: str, words: str = "") -> Body:
    return lambda refusal: {field: [words or refusal.detail]}


# the first that fits; all of these are answered 400 unless said otherwise
FIELDS: Final[Mapping[type[errors.Refusal], Body]] = {
    errors.EndsBeforeStart: at("non_field_errors", "End time must be after start time"),
    errors.SlotTaken: at(
        "start_time", "This time overlaps an existing booking. Choose another time."
    ),
    errors.InThePast: at("start_time", "Start time must be in the future."),
    errors.AbsurdTime: at("start_time"),
    errors.TooSoon: at("start_time"),
    errors.TooFarAhead: at("start_time"),
    errors.SameDayRefused: at("start_time"),
    errors.OutsideHours: at("start_time"),
    errors.Closed: at("start_time"),
    errors.NotWholeSlots: at("end_time"),
    errors.ResourceUnavailable: at("non_field_errors", "No chair is available for booking."),
    errors.OverCapacity: at("non_field_errors"),
    errors.NotAllowedNow: at("status"),
    errors.AlreadyBegun: at("status"),
}
WORDS: Final[Mapping[type[errors.Refusal], str]] = {
    errors.WrongCredentials: "No active account found with the given credentials",
    errors.NotFound: "Not found.",
}


def body_of(refusal: errors.Refusal, method: str) -> tuple[int, dict[str, Any]]:
    """Status and body of any refusal."""
    if isinstance(refusal, errors.Invalid):
        return 400, dict(refusal.errors) or {"non_field_errors": [refusal.detail]}
    for kind, body in FIELDS.items():
        if isinstance(refusal, kind):
            return 400, body(refusal)
    if isinstance(refusal, NotForYou):
        return 403, {"error": refusal.detail}
    if isinstance(refusal, errors.TokenRefused):
        expired = refusal.reason == "expired"
        words = "Token is expired" if expired else "Token is invalid"
        return 401, {"detail": words, "code": "token_not_valid"}
    return refusal.status, {"detail": _words(refusal, method)} | _said(refusal)


def _words(refusal: errors.Refusal, method: str) -> str:
    if isinstance(refusal, errors.NotSignedIn):
        return "Authentication credentials were not provided."
    if isinstance(refusal, MethodNotAllowed):
        return f'Method "{method}" not allowed.'
    if isinstance(refusal, errors.Forbidden) and refusal.detail == errors.Forbidden.detail:
        return "You do not have permission to perform this action."
    return WORDS.get(type(refusal), refusal.detail)


def _said(refusal: errors.Refusal) -> dict[str, Any]:
    """What the library of the tokens says about a bad one."""
    said = refusal.data.get("said")
    if said is None:
        return {}
    return dict(said) if isinstance(said, Mapping) else {"detail": str(said)}


REFUSALS: Final[Refusals] = {
    400: answers.Fields | answers.Said,
    401: answers.TokenSaid,
    403: answers.Said | answers.NotForYou,
    **dict.fromkeys((404, 405, 406, 409, 413, 415, 429, 503), answers.Said),
}


class Shop(BaseAPIView):
    """The base of the barbershop's views."""

    schema = Schema()
    refusals = REFUSALS

    def explain(self, refusal: errors.Refusal) -> Response:
        status, body = body_of(refusal, self.request.method or "")
        return Response(body, status=status)
