"""What is answered, as types: mypy holds `shapes` to them, the OpenAPI document is made of them."""

from datetime import date, datetime
from typing import Literal, TypedDict

from api.queries.bookings.trades import Waiting

Status = Literal["PENDING", "CONFIRMED", "REJECTED", "CANCELLED", "COMPLETED"]
TradeStatus = Literal["PENDING", "ACCEPTED", "REJECTED", "CANCELLED"]
Kind = Literal["PRIMETIME", "FREE_FOR_ALL"]
Action = Literal["CREATED", "APPROVED", "REJECTED", "CANCELLED", "TRADED", "UPDATED"]


class Somebody(TypedDict):
    id: int
    email: str
    first_name: str
    last_name: str
    role: Literal["user", "staff", "admin"]


class Person(Somebody):
    username: str | None


class Tokens(TypedDict):
    access: str
    refresh: str


class SignedIn(TypedDict):
    message: str
    tokens: Tokens
    user: Person


class Access(TypedDict):
    access: str


class Message(TypedDict):
    message: str


class Counts(TypedDict):
    total_users: int
    by_role: dict[str, int]


class Reservation(TypedDict):
    id: int
    user: Somebody
    booking_name: str
    date: date
    start_time: str
    end_time: str
    status: Status
    status_display: str
    reservation_type: Kind
    reservation_type_display: str
    notes: str
    approved_by: Somebody | None
    approved_at: datetime | None
    rejection_reason: str
    is_editable: bool
    can_be_traded: bool
    created_at: datetime
    updated_at: datetime


class Hours(TypedDict):
    start_time: str
    end_time: str


class Slot(Hours):
    type: Kind
    available: bool


class Day(TypedDict):
    date: date
    is_primetime: bool
    primetime_hours: Hours | None
    business_hours: Hours
    available_slots: list[Slot]
    reserved_slots: list[Reservation]


class Calendar(TypedDict):
    start_date: date
    end_date: date
    calendar: list[Day]


class Settings(TypedDict):
    business_start_time: str
    business_end_time: str
    slot_duration_minutes: int
    max_advance_booking_days: int | None
    allow_same_day_booking: bool
    admin_email: str
    send_confirmation_emails: bool


class Window(TypedDict):
    id: int
    weekday: int
    weekday_display: str
    start_time: str
    end_time: str
    is_active: bool


class Trade(TypedDict):
    id: int
    requester: Somebody
    target_user: Somebody
    requester_reservation: Reservation
    target_reservation: Reservation
    status: TradeStatus
    status_display: str
    message: str
    response_message: str
    created_at: datetime
    updated_at: datetime
    responded_at: datetime | None


class Trades(TypedDict):
    sent_requests: list[Trade]
    received_requests: list[Trade]


class Made(TypedDict):
    initial_status: Status


class Traded(TypedDict):
    traded_with: str
    trade_id: int | None


class Approved(TypedDict):
    action: Literal["approve"]


class Rejected(TypedDict):
    action: Literal["reject"]
    rejection_reason: str


class Nothing(TypedDict):
    """No details."""


class Edited(TypedDict, total=False):
    """Only what an edit changed."""

    status: Status
    date: date
    start_time: str
    end_time: str
    booking_name: str
    notes: str
    guests: int
    resource: int


class Changed(TypedDict):
    old_data: Edited
    new_data: Edited


Details = Made | Traded | Approved | Rejected | Nothing | Changed


class Activity(TypedDict):
    id: int
    action: Action
    action_display: str
    performed_by: Somebody
    details: Details
    timestamp: datetime


class MyDashboard(TypedDict):
    upcoming_reservations: list[Reservation]
    pending_trades: Waiting
    recent_activity: list[Activity]


class AdminDashboard(TypedDict):
    pending_approvals: int
    todays_reservations: int
    recent_activity: list[Activity]


class Healthy(TypedDict):
    status: Literal["ok"]


class Said(TypedDict):
    error: str


Fields = dict[str, list[str]]
