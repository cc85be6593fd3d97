"""What is free. An expired hold is free at once, whether or not its sweep has run."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from heapq import nsmallest
from itertools import islice
from operator import itemgetter

from django.db import connection

from api import errors, policy
from api.effective_status import build_not_due_sql
from api.lifecycle import BOOKING
from api.models import Booking, Resource
from api.policy import Interval, Rules

NEARBY = timedelta(days=3)
STEPS = 24  # slots before and after what was asked for
MAX_TRIED = 100  # of the nearest times, how many are tried against the policy

# Said in SQL, because a taken slot is refused far more often in a storm than one is sold: the ORM
# takes 2 ms to put such a statement together.
_BLOCKING = (
    f"FROM {Booking._meta.db_table} WHERE resource_id = %s"
    " AND tstzrange(starts_at, ends_at) && tstzrange(%s, %s) AND id <> %s"
    f" AND status IN ({', '.join(repr(str(status)) for status in BOOKING.blocking)})"
    f" AND {build_not_due_sql(BOOKING)}"
)
_FIELDS = [field.attname for field in Booking._meta.concrete_fields]
_COLUMNS = ", ".join(str(field.column) for field in Booking._meta.concrete_fields)
_CONFLICTS = f"SELECT {_COLUMNS} {_BLOCKING} ORDER BY starts_at LIMIT 10"
_BUSY = f"SELECT starts_at, ends_at {_BLOCKING} ORDER BY starts_at"


def list_busy_intervals(
    resources: Sequence[Resource], starts_at: datetime, ends_at: datetime, ignore: int = 0
) -> dict[int, list[Interval]]:
    """Blocked intervals per resource id, by start: one statement. `ignore` is a booking's id."""
    rows = (
        Booking.objects.filter(resource__in=[r.pk for r in resources])
        .overlapping(starts_at, ends_at)
        .blocking()
        .exclude(pk=ignore)
        .order_by("starts_at")
        .values_list("resource_id", "starts_at", "ends_at")
    )
    found: dict[int, list[Interval]] = defaultdict(list)
    for pk, start, end in rows:
        found[pk].append((start, end))
    return found


def subtract_intervals(whole: Interval, busy: Iterable[Interval]) -> list[Interval]:
    """What is left of an interval; `busy` is by start."""
    left, (start, end) = [], whole
    for busy_start, busy_end in busy:
        if busy_start > start and start < end:
            left.append((start, min(busy_start, end)))
        start = max(start, busy_end)
    if start < end:
        left.append((start, end))
    return left


def list_free_intervals(
    rules: Rules, starts_at: datetime, ends_at: datetime, at_least: timedelta | None = None
) -> list[Interval]:
    """Free intervals within opening hours and the range, at least that long, by start."""
    resource = rules.resource
    if not resource.bookable:
        return []
    busy = list_busy_intervals([resource], starts_at, ends_at)[resource.pk]
    free = []
    for opens, closes in policy.list_open_intervals(rules, starts_at, ends_at):
        whole = max(opens, starts_at), min(closes, ends_at)
        free += subtract_intervals(whole, busy) if whole[0] < whole[1] else []
    return [i for i in free if at_least is None or i[1] - i[0] >= at_least]


def filter_free(
    slots: Iterable[Interval], busy: Sequence[Interval], now: datetime
) -> list[Interval]:
    """Those of the slots that nobody has and that have not begun. `taken` is by start and does not
    overlap."""
    free = []
    for start, end in slots:
        before = bisect_left(busy, (end,)) - 1  # the last that starts before the slot ends
        if start >= now and (before < 0 or busy[before][1] <= start):
            free.append((start, end))
    return free


def list_conflicts(
    resource: Resource, starts_at: datetime, ends_at: datetime, *, ignore: int = 0
) -> list[Booking]:
    """The first ten bookings that block that time, by start. `ignore` is a booking's id."""
    with connection.prepared() as cursor:  # type: ignore[attr-defined]
        cursor.execute(_CONFLICTS, (resource.pk, starts_at, ends_at, ignore))
        return [Booking.from_db(connection.alias, _FIELDS, row) for row in cursor.fetchall()]


def find_alternatives(
    rules: Rules,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    *,
    guests: int = 1,
    ignore: int = 0,
    limit: int = 3,
) -> list[Interval]:
    """The nearest free intervals of the same length that the policy allows, nearest first: one
    statement. Looked for three days to either side."""
    length, resource = ends_at - starts_at, rules.resource
    window = max(now, starts_at - NEARBY), ends_at + NEARBY
    if window[0] >= window[1]:
        return []
    with connection.prepared() as cursor:  # type: ignore[attr-defined]
        cursor.execute(_BUSY, (resource.pk, *window, ignore))
        busy = cursor.fetchall()
    free = [i for i in subtract_intervals(window, busy) if i[1] - i[0] >= length]
    # beside what blocks, and whole steps before and after what was asked for
    starts = {start for begins, ends in free for start in (begins, ends - length)}
    for n in range(-STEPS, STEPS + 1):
        start = starts_at + n * resource.slot_length
        before = bisect_right(free, start, key=itemgetter(0)) - 1
        if before >= 0 and start + length <= free[before][1]:
            starts.add(start)
    nearest = nsmallest(MAX_TRIED, starts, key=lambda start: (abs(start - starts_at), start))
    allowed = (i for s in nearest if _is_allowed(rules, i := (s, s + length), now, guests))
    return list(islice(allowed, limit))


def _is_allowed(rules: Rules, interval: Interval, now: datetime, guests: int) -> bool:
    try:
        policy.check_booking(rules, *interval, now, guests)
    except errors.Refusal:
        return False
    return True
