"""What the paid rooms read and write: pydantic in, pictures of their JSON out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import Annotated, Any, Final, TypedDict

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from api import money
from api.lifecycle import Status

from . import answers

BIGGEST: Final = 2**63 - 1


# in


def no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("Text cannot hold null characters")
    return text


def not_past(on: date, info: ValidationInfo) -> date:
    if info.context and on < info.context["today"]:
        raise ValueError("Booking date cannot be in the past")
    return on


def wall(at: time) -> time:
    if at.tzinfo is not None:
        raise ValueError("Times are the room's own, without an offset")
    return at


Id = Annotated[int, Field(le=BIGGEST)]
Text = Annotated[str, StringConstraints(max_length=5000), AfterValidator(no_nul)]
WallTime = Annotated[time, AfterValidator(wall)]


class Registration(TypedDict):
    email: str
    password: str
    confirm_password: str


class Credentials(TypedDict):
    email: str
    password: str


class NewBooking(BaseModel):
    room_id: Id
    booking_date: Annotated[date, AfterValidator(not_past)]
    start_time: WallTime
    end_time: WallTime
    guest_count: Annotated[int, Field(gt=0, le=2**31 - 1)]
    special_requests: Text | None = None
    user_id: Id | None = None

    @field_validator("end_time")
    @classmethod
    def ends_after_start(cls, at: time, info: ValidationInfo) -> time:
        if "start_time" in info.data and at <= info.data["start_time"]:
            raise ValueError("End time must be after start time")
        return at


class NewPayment(BaseModel):
    booking_id: Annotated[int, Field(gt=0, le=BIGGEST)]
    amount: Annotated[Decimal, Field(gt=0, le=10**15, decimal_places=2)]
    currency: Annotated[
        str, StringConstraints(min_length=3, max_length=3, pattern="^[A-Za-z]*$", to_lower=True)
    ] = "usd"


# out


STATUSES: Final[Mapping[str, answers.Status]] = {
    Status.HELD: "pending",
    Status.PENDING: "pending",
    Status.CONFIRMED: "confirmed",
    Status.CHECKED_IN: "confirmed",
    Status.COMPLETED: "completed",
    Status.NO_SHOW: "completed",
    Status.CANCELLED: "cancelled",
    Status.REJECTED: "cancelled",
    Status.EXPIRED: "expired",
}
# nothing to pay reads as paid: the page offers to pay whatever is pending
PAYMENTS: Final[Mapping[str, answers.PaymentStatus]] = {
    "none": "succeeded",
    "pending": "pending",
    "processing": "processing",
    "succeeded": "succeeded",
    "failed": "failed",
    "refunded": "refunded",
}


def major(minor: int, currency: str) -> float:
    return float(money.to_major(minor, currency))


def room(resource: Any) -> answers.Room:
    opens, closes = resource.hours
    return {
        "id": resource.pk,
        "name": resource.name,
        "description": resource.description,
        "price_per_slot": major(resource.price_minor, resource.venue.currency),
        "capacity": resource.capacity,
        "amenities": resource.amenities,
        "is_available": resource.bookable,
        "slot_duration_minutes": int(resource.slot_length.total_seconds() // 60),
        "opening_time": opens.isoformat("seconds"),
        "closing_time": closes.isoformat("seconds"),
        "created_at": resource.created_at,
        "updated_at": resource.updated_at,
    }


def booking(row: Any, status: str, payment_status: str) -> answers.Booking:
    """`status` and `payment_status` are ours, as the clock has them."""
    zone = row.venue.zone
    starts, ends = row.starts_at.astimezone(zone), row.ends_at.astimezone(zone)
    return {
        "id": row.pk,
        "user_id": row.owner_id,
        "user_name": row.owner.name,
        "user_email": row.owner.email,
        "room_id": row.resource_id,
        "room_name": row.resource.name,
        "booking_date": starts.date().isoformat(),
        "start_time": starts.time().isoformat("seconds"),
        "end_time": ends.time().isoformat("seconds"),
        "guest_count": row.guests,
        "total_amount": major(row.price_minor, row.currency),
        "number_of_slots": -(-(row.ends_at - row.starts_at) // row.resource.slot_length),
        "status": STATUSES[Status(status)],
        "payment_status": PAYMENTS[payment_status],
        "special_requests": row.notes,
        "hold_expires_at": row.hold_expires_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def payment(row: Any) -> answers.Payment:
    return {
        "payment_intent_id": row.intent_id,
        "client_secret": row.client_secret,
        "amount": major(row.amount_minor, row.currency),
        "currency": row.currency,
        "status": row.status,
        "booking_id": row.booking_id,
    }


def interval(row: Any) -> answers.Interval:
    zone = row.venue.zone
    return {
        "start_time": f"{row.starts_at.astimezone(zone):%H:%M}",
        "end_time": f"{row.ends_at.astimezone(zone):%H:%M}",
    }
