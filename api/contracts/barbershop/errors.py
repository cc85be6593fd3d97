"""How refusals read at the barbershop: at a field, else as `{"detail": …}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from api import errors
from api.contracts import kit

from .serializers import STATUS_LABELS


class AdminsOnly(errors.Forbidden):
    """The dashboard's own form of a 403."""

    detail = "Admin access required"


class TokenMessageSerializer(kit.Serializer):
    token_class = serializers.CharField()
    token_type = serializers.CharField()
    message = serializers.CharField()


class TokenDetailSerializer(kit.Serializer):
    """What is wrong with a token, as SimpleJWT words it."""

    detail = serializers.CharField()
    code = serializers.CharField(required=False)
    messages = TokenMessageSerializer(many=True, required=False)


def _token_detail(refusal: errors.Refusal, message: str, status: int) -> dict[str, Any]:
    found = refusal.data.get("library_detail", message)
    return dict(found) if isinstance(found, Mapping) else {"detail": str(found)}


token_detail = kit.ErrorBody(_token_detail, (TokenDetailSerializer,))
token_refused = kit.ErrorBody(
    lambda refusal, message, status: {"detail": message, "code": "token_not_valid"},
    (TokenDetailSerializer,),
)


ERROR_MESSAGES = kit.ErrorTable(
    {
        **kit.DRF_ROWS,
        kit.NotOwner: kit.detail("Not found.", status=404),
        AdminsOnly: kit.error(),
        errors.NotSignedIn: token_detail("Authentication credentials were not provided."),
        errors.WrongCredentials: kit.detail("No active account found with the given credentials"),
        errors.TokenRefused: token_refused(
            lambda r: "Token is expired" if r.reason == "expired" else "Token is invalid"
        ),
        errors.EndsBeforeStart: kit.at("non_field_errors", "End time must be after start time"),
        errors.SlotTaken: kit.at(
            "start_time", "This time overlaps an existing booking. Choose another time."
        ),
        errors.InThePast: kit.at("start_time", "Start time must be in the future."),
        errors.AbsurdTime: kit.at("start_time"),
        errors.TooSoon: kit.at("start_time"),
        errors.TooFarAhead: kit.at("start_time"),
        errors.SameDayRefused: kit.at("start_time"),
        errors.OutsideHours: kit.at("start_time"),
        errors.Closed: kit.at("start_time"),
        errors.NotWholeSlots: kit.at("end_time"),
        errors.ResourceUnavailable: kit.at(
            "non_field_errors", "No chair is available for booking."
        ),
        errors.OverCapacity: kit.at("non_field_errors"),
        errors.QuotaReached: kit.at("non_field_errors"),
        errors.NotAllowedNow: kit.at("status", kit.in_words(STATUS_LABELS)),
        errors.AlreadyBegun: kit.at("status"),
    }
)
