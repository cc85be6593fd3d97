"""What is answered, as types: mypy holds `shapes` to them, the OpenAPI document is made of them."""

from datetime import datetime
from typing import Literal, TypedDict

Status = Literal["pending", "confirmed", "completed", "canceled"]


class Person(TypedDict):
    id: int
    username: str
    email: str
    first_name: str
    last_name: str
    phone: str
    is_admin: bool
    is_staff_member: bool
    is_active: bool


class Tokens(TypedDict):
    refresh: str
    access: str


class Access(TypedDict):
    access: str


class Reservation(TypedDict):
    id: int
    customer: int
    customer_details: Person
    customer_name: str
    start_time: datetime
    end_time: datetime
    status: Status
    notes: str
    created_at: datetime


class Stats(TypedDict):
    total_users: int
    total_reservations: int
    pending_reservations: int


class Healthy(TypedDict):
    status: Literal["healthy"]


Fields = dict[str, list[str]]


class Said(TypedDict):
    detail: str


class OfToken(TypedDict):
    token_class: str
    token_type: str
    message: str


class TokenSaid(TypedDict, total=False):
    """What is wrong with a token, in the words of its library."""

    detail: str
    code: str
    messages: list[OfToken]


class NotForYou(TypedDict):
    error: str
