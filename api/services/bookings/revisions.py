"""An edit as forms send it: every field again, changed or not, and perhaps a status with them."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from api.lifecycle import BOOKING, PENDING
from api.models import Booking
from api.policy import Check
from api.services.actors import Actor

from .changes import BookingChanges
from .reschedule import reschedule_booking
from .status_changes import set_booking_status


@transaction.atomic
def revise_booking(
    booking: Booking,
    actor: Actor,
    changes: BookingChanges,
    *,
    status: str = "",
    reschedule: Callable[..., Booking] = reschedule_booking,
    check: Check | None = None,
) -> Booking:
    """Changes what differs and then brings the booking to `status`, all of it or nothing. Staff who
    move it need not approve it again. Refuses as `reschedule` and `set_booking_status` do."""
    changes = changes.without_unchanged(booking)
    if status and booking.status not in BOOKING.blocking:
        # it takes its slot again before it is edited
        booking = set_booking_status(booking.pk, status, actor)
    if changes:
        booking = reschedule(
            booking.pk,
            actor,
            changes,
            check=check,
            pre_approved=actor.is_staff and status != PENDING,
            next_status=status,
        )
    if status:
        booking = set_booking_status(booking.pk, status, actor)
    return booking
