"""The nearest free times to those that are taken: within a day, and on no other occurrence."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from api import errors, policy
from api.policy import Interval, Rules
from api.queries.bookings.availability import (
    Taken,
    find_crowded,
    merge_intervals,
    subtract_intervals,
)
from api.queries.bookings.occupancy import Part
from api.queries.bookings.service_slots import list_slots
from api.queries.series.occupied import TakenUnit, list_taken_units
from api.queries.series.occurrences import OccurrenceOutcome
from api.queries.venues.services import ServiceRules
from api.services.bookings.parts import build_parts, check_all

if TYPE_CHECKING:
    from .plan import Wanted

REACH = timedelta(hours=24)
INSTANT = timedelta.resolution
LIMIT = 3
MAX_TRIED = 300  # of the nearest times, how many are tried against the policy
Find = Callable[[Sequence[Interval]], list[Interval]]
Item = TypeVar("Item")


def chunk(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """So many at a time."""
    return [items[n : n + size] for n in range(0, len(items), size)]


def find_nearest_of_resources(wanted: Wanted, taken: Sequence[OccurrenceOutcome]) -> list[Find]:
    """For each of the taken times a function that lists the nearest free ones, the earlier first
    on a tie, beside what is the series' own: one statement for all of them."""
    parts = [
        part
        for each in taken
        for part in build_parts(
            wanted.rules, each.starts_at - REACH, each.ends_at + REACH, wanted.quantity
        )
    ]
    rows = list_taken_units(parts, wanted.ignore)
    around = chunk(list(zip(parts, rows, strict=True)), len(wanted.rules))
    return [
        _build_find(wanted, each.interval, found) for each, found in zip(taken, around, strict=True)
    ]


def _build_find(
    wanted: Wanted, interval: Interval, around: Sequence[tuple[Part, list[TakenUnit]]]
) -> Find:
    def find(own: Sequence[Interval]) -> list[Interval]:
        busy: list[Interval] = []
        for rules, (part, rows) in zip(wanted.rules, around, strict=True):
            busy += _list_busy(rules, part, rows, own)
        allowed = (
            each
            for each in islice(_iter_free(wanted, interval, sorted(busy)), MAX_TRIED)
            if _is_allowed(wanted, each)
        )
        return list(islice(allowed, LIMIT))

    return find


def _list_busy(
    rules: Rules, part: Part, rows: Sequence[TakenUnit], own: Sequence[Interval]
) -> list[Interval]:
    """When another booking cannot lie: what is taken keeps its buffers, and it needs its own."""
    before, after = rules.buffers
    units = part.resource.units
    taken = [Taken(row.starts_at, row.ends_at, 1) for row in rows if row.counts]
    near = (each for each in own if each[0] < part.ends_at and each[1] > part.starts_at)
    taken += (Taken(start - before, end + after, units) for start, end in near)
    crowded = find_crowded(taken, units - part.quantity)
    return merge_intervals((start - after, end + before) for start, end in crowded)


def _iter_free(wanted: Wanted, interval: Interval, busy: Sequence[Interval]) -> Iterator[Interval]:
    """Nearest first: beside what is busy, and whole slots before and after."""
    starts_at, ends_at = interval
    length, step = ends_at - starts_at, wanted.rules[0].resource.slot_length
    window = starts_at - REACH, ends_at + REACH
    free = [each for each in subtract_intervals(window, busy) if each[1] - each[0] >= length]
    starts = {start for begins, ends in free for start in (begins, ends - length)}
    for n in range(-(REACH // step), REACH // step + 1):
        start = starts_at + n * step
        before = bisect_right(free, start, key=itemgetter(0)) - 1
        if before >= 0 and start + length <= free[before][1]:
            starts.add(start)
    reached = (start for start in starts if abs(start - starts_at) <= REACH)
    for start in sorted(reached, key=lambda start: (abs(start - starts_at), start)):
        yield start, start + length


def _is_allowed(wanted: Wanted, interval: Interval) -> bool:
    people: dict[str, Any] = {"guests": wanted.guests, "quantity": wanted.quantity}
    try:
        check_all(policy.check_booking, wanted.rules, *interval, wanted.now, **people)
    except errors.Refusal:
        return False
    return True


def find_nearest_of_service(wanted: Wanted, taken: Sequence[OccurrenceOutcome]) -> list[Find]:
    """The same of a service: a statement for each of them."""
    if wanted.service is None:
        return []
    return [_build_find_of_service(wanted, wanted.service, each) for each in taken]


def _build_find_of_service(wanted: Wanted, service: ServiceRules, taken: OccurrenceOutcome) -> Find:
    starts_at = taken.starts_at
    buffers = [each.buffers for each in wanted.any_rules]
    between = max((before + after for before, after in buffers), default=timedelta(0))

    def find(own: Sequence[Interval]) -> list[Interval]:
        window = max(service.now, starts_at - REACH), starts_at + REACH + INSTANT
        if window[0] >= window[1]:
            return []
        slots = list_slots(
            service,
            *window,
            taken.ends_at - starts_at,
            quantity=wanted.quantity,
            ignore=wanted.own.get(taken.recurrence_id, 0),
        )
        free = (
            (slot.starts_at, slot.ends_at)
            for slot in slots
            if all(
                slot.starts_at >= end + between or slot.ends_at + between <= start
                for start, end in own
            )
        )
        return sorted(free, key=lambda slot: (abs(slot[0] - starts_at), slot[0]))[:LIMIT]

    return find
