"""A room of this frontend's venue, and clients with its tokens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from api.models import Booking, Resource, User, Venue
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.venues import venues
from tests.contracts.mailbox import mailbox

__all__ = ["mailbox"]

API = "/resources/api"


@pytest.fixture
def place(db: None) -> Venue:
    return venues.get_contract_venue("resources")


@pytest.fixture
def room(place: Venue) -> Resource:
    return Resource.objects.create(venue=place, name="Conference Room A", capacity=10)


@pytest.fixture
def at_desk(place: Venue) -> Callable[..., APIClient]:
    """A client of this contract's paths, with the token of that person or with none."""

    def make(user: User | None = None) -> APIClient:
        client = APIClient()
        if user is not None:
            token, _ = Token.objects.get_or_create(user=user)
            client.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")
        return client

    return make


@pytest.fixture
def body(room: Resource, soon: datetime) -> Callable[..., dict[str, Any]]:
    """What a booking is asked with: `body(1)` begins an hour after `soon` and lasts an hour."""

    def make(hours: float = 0, length: float = 1, **more: Any) -> dict[str, Any]:
        start = soon + timedelta(hours=hours)
        end = start + timedelta(hours=length)
        times = {"start_time": f"{start:%FT%TZ}", "end_time": f"{end:%FT%TZ}"}
        return {"resource": room.pk} | times | more

    return make


@pytest.fixture
def made(room: Resource, soon: datetime) -> Callable[..., Booking]:
    def make(owner: User, hours: float = 0, length: float = 1, **more: Any) -> Booking:
        start = soon + timedelta(hours=hours)
        return create_booking(
            BookingRequest(
                owner=owner,
                resource=room.pk,
                starts_at=start,
                ends_at=start + timedelta(hours=length),
                contract="resources",
                **more,
            ),
            actor=Actor.for_new_booking(owner),
        )

    return make


def minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"
