"""What an edit is to make different of a booking."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from api import errors, policy
from api.models import Booking, User
from api.queries.venues.services import get_service_rules

from .choose import Wish
from .parts import list_other_ids

# what is shown of an edit in the history, by its column
RECORDED = {
    "resource": "resource_id",
    **{name: name for name in ("starts_at", "ends_at", "title", "notes", "guests", "quantity")},
    "service": "service_id",
}


def record_values(booking: Booking) -> dict[str, Any]:
    values = {name: getattr(booking, column) for name, column in RECORDED.items()}
    values["primetime"] = booking.primetime  # which follows from the time
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }


@dataclass(frozen=True)
class BookingChanges:
    """What is to be different; None leaves a field as it is. `resource` is an id, and `others` are
    of resources that it takes too: with another `resource` none, unless they are named. A booking
    of a service whose time changes keeps its `duration`, and its resources where they are free;
    with a `resource` it is one of a service no more."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None
    resource: int | None = None
    others: Sequence[int] | None = None
    quantity: int | None = None
    service: int | None = None
    duration: timedelta | None = None
    prefer: Sequence[int] | None = None
    title: str | None = None
    notes: str | None = None
    guests: int | None = None
    attendees: Iterable[User | int] | None = None

    def without_unchanged(self, booking: Booking) -> BookingChanges:
        """The same without what the booking has already."""
        unchanged = {
            name: None
            for name, column in RECORDED.items()
            if getattr(self, name) == getattr(booking, column)
        }
        return replace(self, **unchanged)

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) is not None for field in fields(self))


def is_chosen_anew(booking: Booking, changes: BookingChanges) -> bool:
    """Whether the resources of a service are to be chosen for it."""
    if changes.resource is not None:
        return False
    if booking.service_id is None:
        is_of_service = changes.duration is not None or changes.prefer is not None
        if is_of_service and changes.service is None:
            raise errors.Unfit(errors={"service": ["It is a booking of no service."]})
        return changes.service is not None
    wanted = {
        "service": booking.service_id,
        "starts_at": booking.starts_at,
        "ends_at": booking.ends_at,
        "duration": booking.ends_at - booking.starts_at,
        "quantity": booking.quantity,
    }
    different = (getattr(changes, name) not in (None, had) for name, had in wanted.items())
    return bool(changes.prefer) or any(different)


def build_wish(booking: Booking, changes: BookingChanges) -> Wish:
    """What a booking of a service, or one that becomes that, is to take; first what it has."""
    has_it = changes.service in (None, booking.service_id)
    service = get_service_rules(changes.service or booking.service_id or 0, retired=has_it)
    starts_at = changes.starts_at or booking.starts_at
    policy.check_plausible(starts_at)
    duration = changes.duration
    if changes.ends_at is not None and duration is None:
        duration = changes.ends_at - starts_at
    elif duration is None and has_it:
        duration = booking.ends_at - booking.starts_at
    return Wish(
        service,
        starts_at,
        service.get_duration(duration),
        quantity=changes.quantity or booking.quantity,
        guests=changes.guests or booking.guests,
        prefer=[*(changes.prefer or ()), booking.resource_id, *list_other_ids(booking)],
        ignore=booking.pk,
    )
