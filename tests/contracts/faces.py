"""The five contracts and our own API as doors to one system: how each signs in, books, shows.

The rule: a face speaks its README's paths and bodies, and knows nothing of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from api.models import Resource, User
from api.services.accounts import tokens

HOUR = timedelta(hours=1)


def bearer(contract: str) -> Callable[[User], str]:
    return lambda user: f"Bearer {tokens.issue(user, contract).access}"


def token(user: User) -> str:
    return f"Token {Token.objects.get_or_create(user=user)[0].key}"


@dataclass(frozen=True)
class Face:
    """`credentials` of a person; `path` and `body` book; `refused` is what a taken slot answers.

    `first` is the word of a new booking, `words` those that its README knows; `hides` are the
    words that its list leaves out. `listed` reads the person's own bookings as id -> word."""

    name: str
    credentials: Callable[[User], str]
    path: str
    body: Callable[[Resource, datetime, datetime], dict[str, Any]]
    refused: int
    first: str
    words: frozenset[str]
    listed: Callable[[APIClient, Resource, datetime], list[Mapping[str, Any]]]
    place: Mapping[str, Any] = field(default_factory=dict)
    hides: tuple[str, ...] = ()

    def client(self, user: User) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=self.credentials(user))
        return client

    def book(self, user: User, place: Resource, start: datetime) -> Any:
        body = self.body(place, start, start + HOUR)
        return self.client(user).post(self.path, body)

    def booked(self, user: User, place: Resource, start: datetime) -> int:
        """The id of the booking made, as a number."""
        answer = self.book(user, place, start)
        assert answer.status_code == 201, answer.content
        made = answer.json()
        return int(made["data"]["id"] if "data" in made else made["id"])

    def shown(self, user: User, place: Resource, on: datetime) -> dict[int, str]:
        """What the person finds at this door on that day: id -> the word of the status."""
        rows = self.listed(self.client(user), place, on)
        return {int(row["id"]): row["status"] for row in rows}


def stamp(at: datetime) -> str:
    return f"{at:%FT%TZ}"


def at_wall(date: str, place: Resource, start: datetime, end: datetime) -> dict[str, str]:
    """Date and wall times of the venue."""
    zone = place.venue.zone
    local = start.astimezone(zone)
    ends = end.astimezone(zone)
    return {date: f"{local:%F}", "start_time": f"{local:%T}", "end_time": f"{ends:%T}"}


def read(path: str, inside: str = "") -> Callable[[APIClient, Resource, datetime], Any]:
    """What a list holds; `path` may name the place and the day."""

    def rows(client: APIClient, place: Resource, on: datetime) -> Any:
        answer = client.get(path.format(place=place.pk, on=f"{on:%F}"))
        assert answer.status_code == 200, answer.content
        found = answer.json()
        return found[inside] if inside else found

    return rows


def one_by_one(client: APIClient, place: Resource, on: datetime) -> list[Any]:
    """Paid rooms have no list of one's own: each booking is asked for by its id."""
    ids = place.bookings.values_list("pk", flat=True)
    answers = [client.get(f"/paidrooms/api/bookings/{pk}/") for pk in ids]
    return [answer.json() for answer in answers if answer.status_code == 200]


OWN = Face(
    "v1",
    bearer("v1"),
    "/api/v1/bookings/",
    lambda place, start, end: {
        "resource": place.pk,
        "starts_at": stamp(start),
        "ends_at": stamp(end),
    },
    refused=409,
    first="",  # as the venue has it
    words=frozenset(),
    listed=read("/api/v1/bookings/", "results"),
)
PRIMETIME = Face(
    "primetime",
    bearer("primetime"),
    "/primetime/api/reservations/",
    lambda place, start, end: at_wall("date", place, start, end),
    refused=400,
    first="CONFIRMED",
    words=frozenset({"PENDING", "CONFIRMED", "REJECTED", "CANCELLED", "COMPLETED"}),
    listed=read("/primetime/api/reservations/"),
)
BARBERSHOP = Face(
    "barbershop",
    bearer("barbershop"),
    "/barbershop/api/reservations/",
    lambda place, start, end: {"start_time": stamp(start), "end_time": stamp(end)},
    refused=400,
    first="pending",
    words=frozenset({"pending", "confirmed", "canceled", "completed"}),
    listed=read("/barbershop/api/reservations/"),
)
CIRCLETIME = Face(
    "circletime",
    bearer("circletime"),
    "/circletime/api/bookings",
    lambda place, start, end: {
        "roomId": str(place.pk),
        "title": "Standup",
        "startTime": stamp(start),
        "endTime": stamp(end),
    },
    refused=409,
    first="confirmed",
    words=frozenset({"confirmed", "pending", "cancelled", "completed", "no_show"}),
    listed=read("/circletime/api/rooms/{place}/bookings?date={on}", "data"),
    hides=("cancelled",),
)
RESOURCES = Face(
    "resources",
    token,
    "/resources/api/bookings/",
    lambda place, start, end: {
        "resource": place.pk,
        "start_time": stamp(start),
        "end_time": stamp(end),
    },
    refused=400,
    first="pending",
    words=frozenset({"pending", "confirmed", "cancelled", "rejected"}),
    listed=read("/resources/api/bookings/"),
)
PAIDROOMS = Face(
    "paidrooms",
    bearer("paidrooms"),
    "/paidrooms/api/bookings/",
    lambda place, start, end: {
        "room_id": place.pk,
        "guest_count": 1,
        **at_wall("booking_date", place, start, end),
    },
    refused=409,
    first="pending",
    words=frozenset({"pending", "confirmed", "cancelled", "expired", "completed"}),
    listed=one_by_one,
    place={"price_minor": 5000},
)
FACES = (PRIMETIME, BARBERSHOP, CIRCLETIME, RESOURCES, PAIDROOMS)
