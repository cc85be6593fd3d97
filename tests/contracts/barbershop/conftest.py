"""The shop with two chairs, and its clients."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rest_framework.test import APIClient

from api.models import Booking, Resource, User, Venue
from api.services.accounts import tokens
from api.services.actors import Actor
from api.services.bookings.auto_assign import create_assigned_booking
from api.services.bookings.create import BookingRequest
from api.services.venues import venues
from tests.contracts.mailbox import mailbox

__all__ = ["mailbox"]

API = "/barbershop/api"
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def shop(db: None) -> Venue:
    return venues.get_contract_venue("barbershop")


@pytest.fixture
def two_chairs(shop: Venue) -> list[Resource]:
    return [Resource.objects.create(venue=shop, name=f"Chair {n}") for n in (1, 2)]


@pytest.fixture
def at_shop(shop: Venue) -> Callable[..., APIClient]:
    """A client of the barbershop's own paths, signed in as that person or as nobody."""

    def make(user: User | None = None) -> APIClient:
        client = APIClient()
        if user is not None:
            access = tokens.issue(user, "barbershop").access
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
        return client

    return make


@pytest.fixture
def times(soon: datetime) -> Callable[..., dict[str, str]]:
    """A body's two times, as the shop answers them: `times(1)` begins an hour after `soon` and
    lasts half an hour."""

    def make(hours: float = 0, minutes: int = 30) -> dict[str, str]:
        start = soon + timedelta(hours=hours)
        return {"start_time": local(start), "end_time": local(start + timedelta(minutes=minutes))}

    return make


def local(at: datetime) -> str:
    """The instant in the shop's offset."""
    return at.astimezone(BERLIN).isoformat()


@pytest.fixture
def reserved(shop: Venue, soon: datetime) -> Callable[..., Booking]:
    def make(owner: User, hours: float = 0, minutes: int = 30, **more: Any) -> Booking:
        start = soon + timedelta(hours=hours)
        return create_assigned_booking(
            shop,
            BookingRequest(
                owner=owner,
                starts_at=start,
                ends_at=start + timedelta(minutes=minutes),
                contract="barbershop",
                **more,
            ),
            actor=Actor.for_new_booking(owner),
        )

    return make
