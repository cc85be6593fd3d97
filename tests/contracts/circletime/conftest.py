"""Rooms of Circle Time and clients of its frontend."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from api.models import Booking, Resource, User, Venue
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.venues import venues

API = "/circletime/api"


@pytest.fixture
def circle(db: None) -> Venue:
    return venues.get_contract_venue("circletime")


@pytest.fixture
def room(circle: Venue) -> Resource:
    return Resource.objects.create(
        venue=circle,
        name="Aquarium",
        building="North",
        floor=2,
        capacity=8,
        amenities=["projector", "whiteboard"],
    )


@pytest.fixture
def other_room(circle: Venue) -> Resource:
    return Resource.objects.create(venue=circle, name="Boardroom", building="South", capacity=20)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def as_(client_of: Callable[..., APIClient]) -> Callable[[User | None], APIClient]:
    """A client of this frontend, signed in as that person."""
    return lambda user=None: client_of(user, "circletime")


@pytest.fixture
def met(room: Resource, now: datetime) -> Callable[..., Booking]:
    """A meeting that begins in so many minutes: `met(ana, -5)` has begun."""

    def make(
        owner: User,
        minutes: float = 0,
        length: float = 60,
        place: Resource | None = None,
        **more: Any,
    ) -> Booking:
        start = now + timedelta(minutes=minutes)
        return create_booking(
            BookingRequest(
                owner=owner,
                resource=(place or room).pk,
                starts_at=start,
                ends_at=start + timedelta(minutes=length),
                **{"title": "Standup"} | more,
            ),
            actor=Actor.for_new_booking(owner),
        )

    return make


@pytest.fixture
def z() -> Callable[[datetime | None], str | None]:
    """An instant as it is written here."""

    def write(moment: datetime | None) -> str | None:
        return moment and moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

    return write
