"""The court of the tests: UTC, primetime on every evening from 17 to 19."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from api.models import Booking, PrimetimeWindow, Resource, User, Venue
from api.services.accounts import tokens
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.venues import venues
from tests.contracts.mailbox import mailbox

__all__ = ["mailbox"]

ROOT = "/primetime/api"


@pytest.fixture
def site(db: None) -> Venue:
    venue = venues.get_contract_venue("primetime")
    for weekday in range(7):
        PrimetimeWindow.objects.create(
            venue=venue, weekday=weekday, starts_at=time(17), ends_at=time(19)
        )
    return venue


@pytest.fixture
def place(site: Venue) -> Resource:
    return venues.get_only_resource(site, "The Court")


@pytest.fixture
def on() -> date:
    """A week from now."""
    return datetime.now(UTC).date() + timedelta(days=7)


class Caller:
    """Somebody at the frontend."""

    def __init__(self, user: User | None) -> None:
        self.client = APIClient()
        if user is not None:
            access = tokens.issue(user, "primetime").access
            self.client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and body; None for an empty one."""
        call = getattr(self.client, method.lower())
        response = call(ROOT + path, body) if body is not None else call(ROOT + path)
        return response.status_code, response.json() if response.content else None


@pytest.fixture
def call() -> Callable[..., Caller]:
    return Caller


@pytest.fixture
def take(place: Resource, on: date) -> Callable[..., Booking]:
    """A booking from `hour`, of that person, on that day."""

    def make(owner: User, hour: int = 10, days: int = 0, **more: Any) -> Booking:
        start = datetime.combine(on + timedelta(days=days), time(hour), UTC)
        return create_booking(
            BookingRequest(
                owner=owner,
                resource=place.pk,
                starts_at=start,
                ends_at=start + timedelta(hours=1),
                contract="primetime",
                **more,
            ),
            actor=Actor.for_new_booking(owner),
        )

    return make


def somebody(user: User) -> dict[str, Any]:
    return {
        "id": user.pk,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "role": "admin" if user.is_superuser else "staff" if user.is_staff else "user",
    }


def stamp(at: datetime | None) -> str | None:
    return at and at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def reservation(booking: Booking, **other: Any) -> dict[str, Any]:
    """The whole object as the frontend knows it: confirmed and outside primetime, but for what is
    told otherwise."""
    booking.refresh_from_db()
    return {
        "id": booking.pk,
        "user": somebody(booking.owner),
        "booking_name": "",
        "date": booking.starts_at.date().isoformat(),
        "start_time": f"{booking.starts_at:%H:%M:%S}",
        "end_time": f"{booking.ends_at:%H:%M:%S}",
        "status": "CONFIRMED",
        "status_display": "Confirmed",
        "reservation_type": "FREE_FOR_ALL",
        "reservation_type_display": "Free for All",
        "notes": "",
        "approved_by": None,
        "approved_at": None,
        "rejection_reason": "",
        "is_editable": True,
        "can_be_traded": True,
        "created_at": stamp(booking.created_at),
        "updated_at": stamp(booking.updated_at),
        **other,
    }


PENDING = {
    "status": "PENDING",
    "status_display": "Pending Approval",
    "reservation_type": "PRIMETIME",
    "reservation_type_display": "Primetime",
    "can_be_traded": False,
}
APPROVED = {"reservation_type": "PRIMETIME", "reservation_type_display": "Primetime"}


@pytest.fixture
def shape() -> Callable[..., dict[str, Any]]:
    return reservation
