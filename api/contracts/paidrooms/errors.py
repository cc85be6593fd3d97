"""How a refusal reads in the paid rooms: `{"error": …}`, what is invalid in pydantic's list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from pydantic import VERSION, ValidationError

from api import errors, money
from api.documents import Refusals
from api.errors import Refusal
from api.rest.parsers import Malformed
from api.services.payments import stripe_gateway as gateway

from . import answers, shapes

REFUSALS: Final[Refusals] = {
    400: answers.Said | answers.Unfit,
    409: answers.Taken | answers.Said,
    **dict.fromkeys((401, 403, 404, 405, 406, 413, 415, 429, 503), answers.Said),
}


class Said(Refusal):
    """A refusal in the contract's own words: `body` is the answer."""

    body: Mapping[str, Any] = {}


def said(text: str, status: int = 400, **more: Any) -> Said:
    refusal = Said(text, body={"error": text, **more})
    refusal.status = status
    return refusal


def invalid(error: ValidationError) -> Said:
    """What pydantic found, as plain JSON: it keeps the exceptions themselves beside their words."""
    found = orjson.loads(error.json())
    for item in found:
        if isinstance(item.get("ctx"), dict) and "error" in item["ctx"]:
            item["ctx"]["error"] = str(item["ctx"]["error"])
    return said("Validation failed", detail=found)


def unreadable() -> Said:
    """The item that pydantic has for a body that is not JSON."""
    url = f"https://errors.pydantic.dev/{'.'.join(VERSION.split('.')[:2])}/v/json_invalid"
    item = {"type": "json_invalid", "msg": "Invalid JSON", "input": None, "url": url}
    return said("Validation failed", detail=[item | {"loc": []}])


def _hours(refusal: Any) -> str:
    return f"Booking time must be between {refusal.opens_at:%H:%M} and {refusal.closes_at:%H:%M}"


def _slots(refusal: Any) -> str:
    minutes = int(refusal.slot.total_seconds() // 60)
    return f"Booking duration must be a whole number of {minutes}-minute slots"


def _amount(refusal: Any) -> str:
    due = f"{money.to_major(refusal.amount_minor, refusal.currency)} {refusal.currency}"
    return f"Amount must equal the booking total of {due}"


def _failed(refusal: Refusal) -> Said:
    return said("Payment processing failed", detail=refusal.detail)


def _not_signed_in(refusal: Refusal) -> Said:
    return said("Authentication required", 401, detail=refusal.detail, code="not_authenticated")


def _taken(refusal: Any) -> Said:
    text, first = "Time slot conflicts with existing booking", next(iter(refusal.conflicts), None)
    return said(text, 409, conflicting_booking=shapes.interval(first) if first else None)


def _field_errors(refusal: Any) -> Said:
    sentences = [text for texts in refusal.errors.values() for text in texts]
    return said(sentences[0] if sentences else refusal.detail)


# the first row that fits; a text keeps the status of the refusal, a function may choose another
WORDS: tuple[tuple[type[Refusal], Callable[[Any], Said] | str], ...] = (
    (Malformed, lambda _: unreadable()),
    (errors.NotSignedIn, _not_signed_in),
    (errors.Forbidden, "Permission denied. Admin access required."),
    (errors.EmailTaken, "Email already registered"),
    (errors.WrongCredentials, "Invalid email or password"),
    (errors.Invalid, _field_errors),
    (errors.ResourceUnavailable, lambda _: said("Room not found or not available", 404)),
    (errors.OutsideHours, lambda refusal: said(_hours(refusal))),
    (errors.NotWholeSlots, lambda refusal: said(_slots(refusal))),
    (errors.OverCapacity, lambda r: said(f"Guest count exceeds room capacity of {r.capacity}")),
    (errors.EndsBeforeStart, "End time must be after start time"),
    (errors.InThePast, "Booking time cannot be in the past"),
    (errors.AbsurdTime, "Booking date is too far ahead"),
    (errors.SlotTaken, _taken),
    (errors.AlreadyPaid, lambda _: said("Booking already paid")),
    (errors.NothingToPay, lambda _: said("There is nothing to pay for this booking")),
    (errors.HoldOver, lambda _: said("Booking hold has expired")),
    (errors.NotAllowedNow, lambda _: said("Booking is not awaiting payment")),
    (errors.WrongAmount, lambda refusal: said(_amount(refusal))),
    (gateway.PaymentsAway, _failed),
    (gateway.PaymentRefused, _failed),
    (gateway.BadPayload, "Invalid payload"),
    (gateway.BadSignature, "Invalid signature"),
)


def worded(refusal: Refusal) -> Said:
    """Every refusal in this contract's words; one without words of its own keeps the core's."""
    if isinstance(refusal, Said):
        return refusal
    for kind, words in WORDS:
        if isinstance(refusal, kind):
            return said(words, refusal.status) if isinstance(words, str) else words(refusal)
    return said(refusal.detail, refusal.status)
