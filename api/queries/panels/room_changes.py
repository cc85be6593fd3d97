"""Which rooms show something else because time went by, without anybody having done anything."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q

from api.models import Booking, Job, Panel
from api.queries.bookings.occupancy import list_taken_by_blocks
from api.queries.clock import database_now

from .panels import MOMENTS, UPCOMING_WINDOW

FIRST_RUN, LONGEST_GAP = timedelta(seconds=10), timedelta(hours=1)


def list_rooms_changed_since(job: str) -> set[int]:
    """Return the rooms with a panel where, since that job last began, the start or end of a
    booking or of its check-in, a deadline, or the announcement ahead of it has passed, or the start
    or end of a block."""
    now = database_now()
    ran_at = Job.objects.filter(name=job).values_list("started_at", flat=True).first()
    since = max(ran_at or now - FIRST_RUN, now - LONGEST_GAP)
    passed = Q(starts_at__gt=since + UPCOMING_WINDOW, starts_at__lte=now + UPCOMING_WINDOW)
    for moment in MOMENTS:
        passed |= Q(**{f"{moment}__gt": since, f"{moment}__lte": now})
    watched = Panel.objects.filter(revoked_at=None).values("resource")
    near = Booking.objects.occupying(watched, since, now + UPCOMING_WINDOW)
    near = near.overlapping(since, now + UPCOMING_WINDOW)
    blocks = list_taken_by_blocks(watched, since, now)
    begun_or_over = Q(span__startswith__gt=since) | Q(span__endswith__lte=now)
    rooms = blocks.filter(begun_or_over).values_list("resource", flat=True)
    return set(near.filter(passed).values_list("allocations__resource", flat=True)) | set(rooms)
