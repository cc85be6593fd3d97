"""What is answered, as types: mypy holds `shapes` to them, the OpenAPI document is made of them."""

from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

Status = Literal["pending", "confirmed", "completed", "cancelled", "expired"]
PaymentStatus = Literal["pending", "processing", "succeeded", "failed", "refunded"]


class Registered(TypedDict):
    message: str
    user_id: int


class SignedIn(TypedDict):
    message: str
    user_id: int
    email: str
    is_staff: bool
    is_superuser: bool
    access: str


class Refreshed(TypedDict):
    access: str
    message: str


class Message(TypedDict):
    message: str


class Room(TypedDict):
    id: int
    name: str
    description: str
    price_per_slot: float
    capacity: int
    amenities: list[str]
    is_available: bool
    slot_duration_minutes: int
    opening_time: str
    closing_time: str
    created_at: datetime
    updated_at: datetime


class Rooms(TypedDict):
    count: int
    rooms: list[Room]


class Booking(TypedDict):
    id: int
    user_id: int
    user_name: str
    user_email: str
    room_id: int
    room_name: str
    booking_date: str
    start_time: str
    end_time: str
    guest_count: int
    total_amount: float
    number_of_slots: int
    status: Status
    payment_status: PaymentStatus
    special_requests: str
    hold_expires_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Bookings(TypedDict):
    count: int
    bookings: list[Booking]


class Payment(TypedDict):
    payment_intent_id: str
    client_secret: str
    amount: float
    currency: str
    status: str
    booking_id: int


class Received(TypedDict):
    status: Literal["success"]


class CleanedUp(TypedDict):
    expired_count: int
    message: str


class Interval(TypedDict):
    start_time: str
    end_time: str


class Said(TypedDict):
    error: str
    detail: NotRequired[str]
    code: NotRequired[str]


class Wrong(TypedDict):
    """One of pydantic's findings."""

    type: str
    loc: list[str | int]
    msg: str
    input: Any
    ctx: NotRequired[dict[str, Any]]
    url: NotRequired[str]


class Unfit(TypedDict):
    error: str
    detail: list[Wrong]


class Taken(TypedDict):
    error: str
    conflicting_booking: Interval | None
