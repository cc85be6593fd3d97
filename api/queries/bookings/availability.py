"""What is free. An expired hold is free at once, whether or not its sweep has run."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush, nsmallest
from itertools import islice, pairwise
from operator import itemgetter
from typing import NamedTuple

from api import errors, policy
from api.models import Resource
from api.policy import Interval, Rules

from .occupancy import list_occupied

NEARBY = timedelta(days=3)
STEPS = 24  # slots before and after what was asked for
NONE = timedelta(0)
MAX_TRIED = 100  # of the nearest times, how many are tried against the policy


def list_busy_intervals(
    resources: Sequence[Resource],
    starts_at: datetime,
    ends_at: datetime,
    ignore: int = 0,
    quantity: int = 1,
) -> dict[int, list[Interval]]:
    """When fewer than `quantity` units of each resource are left for another booking, by resource
    id, by start, not overlapping: one statement. `ignore` is a booking's id.

    What is there keeps its buffers, and the other booking needs its own beside them: so the
    intervals are longer than the bookings."""
    before = max((r.buffer_before for r in resources), default=NONE)
    after = max((r.buffer_after for r in resources), default=NONE)
    occupied = list_occupied(
        [r.pk for r in resources], starts_at - before, ends_at + after, ignore=ignore
    )
    by_id: dict[int, list[Taken]] = defaultdict(list)
    for pk, start, end, units in occupied:
        by_id[pk].append(Taken(start, end, units))
    found: dict[int, list[Interval]] = defaultdict(list)
    for resource in resources:
        rows = by_id.get(resource.pk, [])
        taken: Sequence[Interval] = [(row.starts_at, row.ends_at) for row in rows]
        if resource.units > 1 or quantity > 1:
            taken = find_crowded(rows, resource.units - quantity)
        before, after = resource.buffer_before, resource.buffer_after
        if before or after:
            taken = merge_intervals((start - after, end + before) for start, end in taken)
        taken = [(start, end) for start, end in taken if start < ends_at and end > starts_at]
        if taken:
            found[resource.pk] = taken
    return found


def list_unit_counts(resource: Resource, starts_at: datetime, ends_at: datetime) -> list[Taken]:
    """How many units are left for another booking, in pieces by start: one statement. Where nothing
    is taken there is no piece."""
    before, after = resource.buffer_before, resource.buffer_after
    rows = list_occupied([resource.pk], starts_at - before, ends_at + after)
    taken = count_taken(Taken(start, end, units) for _, start, end, units in rows)
    # as long as a buffer before or after it would be in the way
    around = [Taken(start - after, end + before, units) for start, end, units in taken]
    return [
        Taken(start, end, resource.units - units)
        for start, end, units in _find_most(around)
        if start < ends_at and end > starts_at
    ]


def _find_most(pieces: Sequence[Taken]) -> Iterator[Taken]:
    """The most units of all pieces that hold a moment, in pieces that do not overlap."""
    edges = sorted({edge for piece in pieces for edge in (piece.starts_at, piece.ends_at)})
    running: list[tuple[int, datetime]] = []  # minus units, end
    ahead = deque(pieces)
    for start, end in pairwise(edges):
        while ahead and ahead[0].starts_at <= start:
            piece = ahead.popleft()
            heappush(running, (-piece.units, piece.ends_at))
        while running and running[0][1] <= start:
            heappop(running)
        if running:
            yield Taken(start, end, -running[0][0])


class Taken(NamedTuple):
    starts_at: datetime
    ends_at: datetime
    units: int


def find_crowded(taken: Iterable[Taken], room: int) -> list[Interval]:
    """When more than `room` units are taken at once, by start."""
    crowded = ((start, end) for start, end, count in count_taken(taken) if count > room)
    return merge_intervals(crowded)


def count_taken(taken: Iterable[Taken]) -> Iterator[Taken]:
    """How many units are taken at once, in pieces that meet, by start."""
    changes: Counter[datetime] = Counter()
    for start, end, units in taken:
        changes[start] += units
        changes[end] -= units
    count, since = 0, None
    for at in sorted(changes):
        if since is not None and count:
            yield Taken(since, at, count)
        count, since = count + changes[at], at


def merge_intervals(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time in intervals that do not touch; they are by start."""
    merged: list[Interval] = []
    for start, end in intervals:
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


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


def find_alternatives(
    rules: Sequence[Rules],
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    *,
    guests: int = 1,
    quantity: int = 1,
    ignore: int = 0,
    limit: int = 3,
) -> list[Interval]:
    """The nearest intervals of the same length at which all of the resources are free and that the
    policy allows, nearest first: one statement. Looked for three days to either side. `guests`: of
    a unit."""
    length, resources = ends_at - starts_at, [each.resource for each in rules]
    window = max(now, starts_at - NEARBY), ends_at + NEARBY
    if window[0] >= window[1]:
        return []
    by_resource = list_busy_intervals(resources, *window, ignore=ignore, quantity=quantity)
    busy = sorted(interval for each in by_resource.values() for interval in each)
    free = [i for i in subtract_intervals(window, busy) if i[1] - i[0] >= length]
    # beside what blocks, and whole steps before and after what was asked for
    starts = {start for begins, ends in free for start in (begins, ends - length)}
    for n in range(-STEPS, STEPS + 1):
        start = starts_at + n * resources[0].slot_length
        before = bisect_right(free, start, key=itemgetter(0)) - 1
        if before >= 0 and start + length <= free[before][1]:
            starts.add(start)
    nearest = nsmallest(MAX_TRIED, starts, key=lambda start: (abs(start - starts_at), start))
    allowed = (i for s in nearest if _is_allowed(rules, i := (s, s + length), now, guests))
    return list(islice(allowed, limit))


def _is_allowed(rules: Sequence[Rules], interval: Interval, now: datetime, guests: int) -> bool:
    try:
        for each in rules:
            policy.check_booking(each, *interval, now, guests)
    except errors.Refusal:
        return False
    return True
