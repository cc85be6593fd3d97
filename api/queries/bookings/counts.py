"""How many bookings a venue has: one statement."""

from __future__ import annotations

from django.db.models import Count, Q

from api.effective_status import build_current_q
from api.lifecycle import BOOKING, OFFERED, PENDING
from api.models import Booking, Venue


def count_bookings(venue: Venue) -> dict[str, int]:
    """`bookings` in all but offers and those of people who were forgotten, and `pending`: those
    whose request still waits for an answer."""
    return Booking.objects.filter(venue=venue, owner__erased_at=None).aggregate(
        bookings=Count("pk", filter=~Q(status=OFFERED)),
        pending=Count("pk", filter=build_current_q(BOOKING, PENDING)),
    )
