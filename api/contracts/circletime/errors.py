"""How refusals read here: an envelope with a code, for everything, a bug included."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from rest_framework import serializers

from api import errors
from api.contracts import kit

CODES = {400: "validation_error", 401: "unauthorized", 409: "conflict"}  # or the refusal's own
TAKEN = "Room is already booked for the requested time slot."
FIELD_NAMES = {"starts_at": "startTime", "ends_at": "endTime"}


class Broken(errors.Refusal):
    code, status, detail = "internal_error", 500, "Something went wrong on our side."


class ErrorSerializer(kit.Serializer):
    success = kit.ConstantField(False)
    message = serializers.CharField(help_text="A sentence for people")
    code = serializers.CharField(help_text="For programs, as `not_found`")
    errors = serializers.ListField(  # type: ignore[assignment]  # the name in the JSON
        child=serializers.CharField(), required=False, help_text="As `title: What is wrong.`"
    )


class TakenSerializer(ErrorSerializer):
    freeUntil = serializers.DateTimeField(required=False, help_text="Where the next one begins")


def _build(refusal: Any, message: str, status: int) -> dict[str, Any]:
    return {"success": False, "message": message, "code": CODES.get(status, refusal.code)}


def _build_with_errors(refusal: Any, message: str, status: int) -> dict[str, Any]:
    found: list[str] = []
    if isinstance(refusal, errors.Invalid):
        for field, messages in refusal.errors.items():
            label = "" if field == "non_field_errors" else f"{FIELD_NAMES.get(field, field)}: "
            found += [label + each for each in messages]
        found = found or [refusal.detail]
    if known := refusal.data.get("known_by"):
        found = [f"{contract} answers {address}" for contract, address in known.items()]
    return _build(refusal, message, status) | ({"errors": found} if found else {})


message_only = kit.ErrorBody(_build, (ErrorSerializer,))
envelope = kit.ErrorBody(_build_with_errors, (ErrorSerializer,))


def _build_with_free_until(refusal: Any, message: str, status: int) -> dict[str, Any]:
    built = _build(refusal, message, status)
    if not refusal.conflicts:
        return built
    free_until = refusal.conflicts[0].starts_at
    message = f"{message} It is free until {free_until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}."
    return built | {"message": message, "freeUntil": free_until}


def taken_after() -> kit.ErrorResponse:
    """The room is taken before the end that was asked for: until when it is free."""
    return kit.ErrorBody(_build_with_free_until, (TakenSerializer,))(TAKEN)


ERROR_MESSAGES = kit.ErrorTable(
    {
        errors.Refusal: envelope(),
        errors.Invalid: envelope("Missing or invalid fields"),
        errors.Unfit: envelope(),
        errors.WrongCredentials: envelope("Invalid credentials"),
        errors.TokenRefused: envelope("Invalid or expired refresh token"),
        errors.EndsBeforeStart: envelope("endTime must be after startTime"),
        errors.SlotTaken: envelope(TAKEN),
        errors.CheckInClosed: envelope("Check-in is not open for this booking now."),
        # a state of the room, not a mistake of the caller
        errors.ResourceUnavailable: envelope(status=409),
        Broken: envelope(),
    }
)
