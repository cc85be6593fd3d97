"""An edit as forms send it: every field again, changed or not, and perhaps a status with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from django.db import transaction

from api.lifecycle import BOOKING, PENDING
from api.models import Booking
from api.services.actors import Actor

from . import bookings

FIELDS = {"resource": "resource_id"}


@transaction.atomic
def revise(
    booking: Booking,
    actor: Actor,
    *,
    status: str = "",
    by: Callable[..., Booking] = bookings.reschedule,
    how: Mapping[str, Any] = MappingProxyType({}),
    **changes: Any,
) -> Booking:
    """The booking with what differs changed and then brought to `status`, all of it or nothing;
    `how` is what `by` is told besides. Staff who move it need not approve it again. Refuses as
    `reschedule` and `set_status` do."""
    different = {
        name: value
        for name, value in changes.items()
        if value is not None and value != getattr(booking, FIELDS.get(name, name))
    }
    if status and booking.status not in BOOKING.blocking:
        booking = bookings.set_status(booking.pk, status, actor)  # open again before it is edited
    if different:
        settled = actor.is_staff and status != PENDING
        booking = by(booking.pk, actor, settled=settled, toward=status, **how, **different)
    if status:
        booking = bookings.set_status(booking.pk, status, actor)
    return booking
