"""Bookings as they stand afterwards, written straight to the table: the verbs refuse the past."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from api.models import Booking, Resource, User

MINUTE = timedelta(minutes=1)


def at(resource: Resource, on: date, clock: str = "09:00", fold: int = 0) -> datetime:
    """The instant of a wall time of the resource's venue."""
    wall = datetime.combine(on, time.fromisoformat(clock), resource.venue.zone)
    return wall.replace(fold=fold).astimezone(UTC)


def meeting(
    resource: Resource,
    owner: User,
    starts_at: datetime,
    minutes: float = 60,
    status: str = "completed",
    **more: Any,
) -> Booking:
    """A row that meets the constraints of its status."""
    ends_at = starts_at + minutes * MINUTE
    columns: dict[str, Any] = {"completes_at": ends_at, "lapses_at": starts_at}
    if status == "offered":
        columns["offer_expires_at"] = starts_at
    if status == "held":
        columns["hold_expires_at"] = starts_at
    if status == "checked_in":
        columns["checked_in_at"] = starts_at
    return Booking.objects.create(
        venue=resource.venue,
        resource=resource,
        owner=owner,
        starts_at=starts_at,
        ends_at=ends_at,
        status=status,
        **columns | more,
    )
