"""How refusals read in the paid rooms: `{"error": …}`, and what pydantic found in detail."""

from __future__ import annotations

from itertools import chain
from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from pydantic import VERSION, TypeAdapter
from pydantic_core import ErrorDetails
from rest_framework import serializers

from api import errors, money
from api.contracts import kit
from api.rest.parsers import Malformed
from api.services.payments import stripe_gateway as gateway


class ValidationFailed(errors.Invalid):
    """What pydantic found in a body, as JSON: `findings`."""

    detail = "Validation failed"


class DetailedErrorSerializer(kit.ErrorSerializer):
    detail = serializers.CharField()


class NotSignedInSerializer(DetailedErrorSerializer):
    code = kit.ConstantField("not_authenticated")


@extend_schema_field({"type": "array", "items": TypeAdapter(ErrorDetails).json_schema()})
class FindingsField(serializers.JSONField):
    """What pydantic found, as it names it."""


class ValidationFailedSerializer(kit.ErrorSerializer):
    detail = FindingsField()


class IntervalSerializer(kit.Serializer):
    start_time = kit.WallTimeField("%H:%M", source="starts_at")
    end_time = kit.WallTimeField("%H:%M", source="ends_at")


class SlotTakenSerializer(kit.ErrorSerializer):
    conflicting_booking = IntervalSerializer(
        source="booking", allow_null=True, help_text="The first in the way; null where unknown"
    )


# what pydantic would find in a body that is not JSON
NOT_JSON: Final[dict[str, Any]] = {
    "type": "json_invalid",
    "msg": "Invalid JSON",
    "input": None,
    "url": f"https://errors.pydantic.dev/{'.'.join(VERSION.split('.')[:2])}/v/json_invalid",
    "loc": [],
}

detailed_error = kit.ErrorBody(
    lambda refusal, error, _: {"error": error, "detail": refusal.detail}, (DetailedErrorSerializer,)
)
not_signed_in = kit.ErrorBody(
    lambda refusal, error, _: {"error": error, "detail": refusal.detail, "code": refusal.code},
    (NotSignedInSerializer,),
)
validation_failed = kit.ErrorBody(
    lambda refusal, error, _: {"error": error, "detail": refusal.data.get("findings", [NOT_JSON])},
    (ValidationFailedSerializer,),
)
slot_taken = kit.ErrorBody(
    lambda refusal, error, _: (
        SlotTakenSerializer({"error": error, "booking": next(iter(refusal.conflicts), None)}).data
    ),
    (SlotTakenSerializer,),
)
token_refused = kit.ErrorBody(
    lambda refusal, error, _: (
        {"error": "Refresh token not found"}
        if refusal.reason == "missing"
        else {"error": error, "detail": refusal.detail}
    ),
    (kit.ErrorSerializer, DetailedErrorSerializer),
)


def _slots(refusal: Any) -> str:
    minutes = int(refusal.slot.total_seconds() // 60)
    return f"Booking duration must be a whole number of {minutes}-minute slots"


def _amount(refusal: Any) -> str:
    due = money.to_major(refusal.amount_minor, refusal.currency)
    return f"Amount must equal the booking total of {due} {refusal.currency}"


ERROR_MESSAGES = kit.ErrorTable(
    {
        errors.Refusal: kit.error(),
        Malformed: validation_failed(ValidationFailed.detail),
        ValidationFailed: validation_failed(),
        errors.Invalid: kit.error(lambda r: next(chain(*r.errors.values()), r.detail)),
        errors.NotSignedIn: not_signed_in("Authentication required"),
        errors.WrongCredentials: kit.error("Invalid email or password"),
        errors.TokenRefused: token_refused("Token refresh failed"),
        errors.EmailTaken: kit.error("Email already registered"),
        errors.Forbidden: kit.error("Permission denied. Admin access required."),
        kit.NotOwner: kit.error("Permission denied. This is not your booking."),
        errors.ResourceUnavailable: kit.error("Room not found or not available", status=404),
        errors.OutsideHours: kit.error(
            "Booking time must be between {opens_at:%H:%M} and {closes_at:%H:%M}"
        ),
        errors.NotWholeSlots: kit.error(_slots),
        errors.OverCapacity: kit.error("Guest count exceeds room capacity of {capacity}"),
        errors.EndsBeforeStart: kit.error("End time must be after start time"),
        errors.InThePast: kit.error("Booking time cannot be in the past"),
        errors.AbsurdTime: kit.error("Booking date is too far ahead"),
        errors.SlotTaken: slot_taken("Time slot conflicts with existing booking"),
        errors.QuotaReached: kit.error(status=400),
        errors.AlreadyPaid: kit.error("Booking already paid", status=400),
        errors.NothingToPay: kit.error("There is nothing to pay for this booking", status=400),
        errors.HoldOver: kit.error("Booking hold has expired", status=400),
        errors.NotAllowedNow: kit.error("Booking is not awaiting payment", status=400),
        errors.WrongAmount: kit.error(_amount),
        gateway.PaymentsAway: detailed_error("Payment processing failed", status=400),
        gateway.PaymentRefused: detailed_error("Payment processing failed", status=400),
        gateway.BadPayload: kit.error("Invalid payload"),
        gateway.BadSignature: kit.error("Invalid signature"),
    }
)
