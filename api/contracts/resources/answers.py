"""What is answered, as types: mypy holds `shapes` to them, the OpenAPI document is made of them."""

from datetime import datetime
from typing import Literal, TypedDict

Status = Literal["pending", "confirmed", "cancelled", "rejected"]


class Lists(TypedDict):
    resources: str
    bookings: str


class Registered(TypedDict):
    id: int
    username: str
    email: str
    first_name: str
    last_name: str


class Person(TypedDict):
    id: int
    username: str
    email: str
    is_staff: bool
    is_active: bool
    profile_picture: str | None


class Token(TypedDict):
    auth_token: str


class Resource(TypedDict):
    id: int
    name: str
    description: str
    capacity: int
    is_available: bool
    availability_status: Literal["available", "pending", "unavailable"]


class Booking(TypedDict):
    id: int
    user: int
    username: str
    resource: int
    resource_name: str
    start_time: datetime
    end_time: datetime
    status: Status
    notes: str
    created_at: datetime
    updated_at: datetime


class Picture(TypedDict):
    profile_picture: str | None
    cloudinary_public_id: str
    updated_at: datetime


class Message(TypedDict):
    message: str


class Said(TypedDict):
    detail: str


Fields = dict[str, list[str]]
