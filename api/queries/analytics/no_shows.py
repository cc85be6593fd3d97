"""Who books and does not come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Max
from django.db.models.functions import Now

from api.lifecycle import Status
from api.models import Booking, Caller, Guest, User
from api.queries.accounts.scope import limit_to_staff

PERIOD = timedelta(days=90)
MIN_NO_SHOWS = 2
LIMIT = 20


def list_repeated(caller: Caller) -> list[dict[str, Any]]:
    """People who did not come twice or more within the last 90 days, over the caller's venues, the
    most frequent first: two statements. A no-show that staff took back does not count."""
    missed = Booking.objects.filter(status=Status.NO_SHOW, starts_at__gte=Now() - PERIOD)
    rows = limit_to_staff(missed, caller)
    counts = (
        rows.filter(owner__erased_at=None)
        .values_list("owner", "guest_key")
        .annotate(
            *(Max(name) for name in ("guest_name", "guest_email")),
            times=Count("pk"),
            last=Max("starts_at"),
        )
        .filter(times__gte=MIN_NO_SHOWS)
        .order_by("-times", "-last")[:LIMIT]
    )
    found = list(counts)
    people = User.objects.in_bulk([row[0] for row in found])
    return [
        {"person": people.get(pk) or Guest(*guest), "times": times, "last_missed_at": last}
        for pk, _, *guest, times, last in found
    ]
