"""Rooms that show something else because time went by, with nobody having done anything.

The rule: looks only at rooms that have a panel, and at what is booked there now.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q

from api.lifecycle import BOOKING
from api.models import Booking, Job, Panel
from api.queries.clock import database_now

from .panels import CLOCKS, SOON

MOMENTS = ("starts_at", "ends_at", "check_in_opens_at", "check_in_closes_at", *CLOCKS)
FIRST, FURTHEST = timedelta(seconds=10), timedelta(hours=1)


def turned(job: str) -> set[int]:
    """The rooms with a panel where, since that job last began, an instant of a booking has passed:
    its begin or end, its check-in, a deadline, or the quarter of an hour ahead of it."""
    now = database_now()
    ran_at = Job.objects.filter(name=job).values_list("started_at", flat=True).first()
    since = max(ran_at or now - FIRST, now - FURTHEST)
    passed = Q(starts_at__gt=since + SOON, starts_at__lte=now + SOON)
    for moment in MOMENTS:
        passed |= Q(**{f"{moment}__gt": since, f"{moment}__lte": now})
    watched = Panel.objects.filter(revoked_at=None).values("resource")
    shown = Booking.objects.filter(resource__in=watched, status__in=BOOKING.blocking)
    near = shown.overlapping(since, now + SOON)
    return set(near.filter(passed).values_list("resource_id", flat=True))
