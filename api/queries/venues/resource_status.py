"""Whether a resource could be had now, as a list shows it, and the next time it is free."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Case, CharField, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Now

from api import errors, policy
from api.lifecycle import CHECKED_IN, CONFIRMED
from api.models import Allocation, Booking, Resource, Venue
from api.models.allocations import Kind
from api.policy import DAY, Interval, Rules
from api.queries.bookings.availability import list_busy_intervals

from . import rules as rules_query

AHEAD = 30 * DAY
STEPS = 20


def list_resources_with_availability(venue: Venue) -> QuerySet[Resource]:
    """Return the venue's resources by id, each with its `availability`.

    `unavailable` when it is switched off, blocked now or a confirmed booking of it is not over,
    `pending` when only requests are, else `available`; of several units no booking takes all."""
    ahead = Booking.objects.occupying(OuterRef("pk"), Now(), None)
    ahead = ahead.filter(ends_at__gt=Now()).blocking()
    firm = Exists(ahead.filter(status__in=[CONFIRMED, CHECKED_IN]))
    blocks = Allocation.objects.filter(resource=OuterRef("pk"), kind=Kind.BLOCK, blocking=True)
    blocked = Exists(blocks.filter(span__contains=Now()))
    off = Q(is_available=False) | Q(maintenance=True) | Q(blocked)
    availability = Case(
        When(off | Q(firm, units=1), then=Value("unavailable")),
        When(Exists(ahead), units=1, then=Value("pending")),
        default=Value("available"),
        output_field=CharField(),
    )
    return (
        rules_query.list_resources_with_rules()
        .filter(venue=venue)
        .order_by("pk")
        .annotate(availability=availability)
    )


def find_next_free(
    rules: Rules, wanted: Interval, now: datetime, *, guests: int = 1, ignore: int = 0
) -> Interval | None:
    """The first free interval of the same length after what blocks the wanted one, or None if
    it is not within twenty bookings and thirty days, or not allowed by the policy."""
    start, length = wanted[0], wanted[1] - wanted[0]
    resource = rules.resource
    busy = list_busy_intervals([resource], start, start + AHEAD, ignore=ignore)[resource.pk]
    for began, ended in busy[:STEPS]:
        if began < start + length and ended > start:
            start = ended
    found = start, start + length
    if start == wanted[0] or any(s < found[1] and e > start for s, e in busy[STEPS:]):
        return None
    try:
        policy.check_booking(rules, *found, now, guests)
    except errors.Refusal:
        return None
    return found
