"""When a service can be booked, and with which resources: exactly what a booking would be given."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from operator import attrgetter, itemgetter
from typing import NamedTuple

from api import errors, policy
from api.opening_hours import DAY, Interval, Schedule, iter_local_dates
from api.policy import Rules
from api.queries.venues.services import ServiceRules

from .availability import Taken, count_taken
from .matching import count, fits
from .occupancy import list_occupied

NEARBY = timedelta(days=3)


class ServiceSlot(NamedTuple):
    """`free`: how many bookings of quantity 1 still fit. `resources`: the ids of those of which a
    unit is free."""

    starts_at: datetime
    ends_at: datetime
    price_minor: int
    free: int
    resources: list[int]


class Places:
    """What is free of one resource: its open times, and what is taken, with buffers."""

    def __init__(self, rules: Rules, open_: list[Interval], taken: Iterable[Taken]) -> None:
        self.units = rules.resource.units if rules.resource.bookable else 0
        self.before, self.after = rules.buffers
        self.open = open_  # the same list for all that have the same hours
        self.taken = list(count_taken(taken))

    def count_free(self, starts_at: datetime, ends_at: datetime) -> int:
        """How many units are free all the time, within the hours."""
        if not is_open(self.open, starts_at, ends_at):
            return 0
        return self.count_left(starts_at, ends_at)

    def count_left(self, starts_at: datetime, ends_at: datetime) -> int:
        """The same within the hours."""
        if not self.taken:
            return self.units
        return max(0, self.units - self._count_taken(starts_at, ends_at))

    def _count_taken(self, starts_at: datetime, ends_at: datetime) -> int:
        first = bisect_right(self.taken, starts_at - self.before, key=attrgetter("ends_at"))
        last = bisect_left(self.taken, ends_at + self.after, key=attrgetter("starts_at"))
        return max((piece.units for piece in self.taken[first:last]), default=0)


def is_open(intervals: Sequence[Interval], starts_at: datetime, ends_at: datetime) -> bool:
    n = bisect_right(intervals, starts_at, key=itemgetter(0)) - 1
    return n >= 0 and ends_at <= intervals[n][1]


def list_places(
    service: ServiceRules, starts_at: datetime, ends_at: datetime, ignore: int = 0
) -> dict[int, Places]:
    """What is free of each resource that may serve it, for bookings within these times: one
    statement. `ignore` is a booking's id."""
    buffers = [rules.buffers for rules in service.rules.values()]
    before = max((each[0] for each in buffers), default=timedelta(0))
    after = max((each[1] for each in buffers), default=timedelta(0))
    taken: dict[int, list[Taken]] = defaultdict(list)
    if service.rules:
        rows = list_occupied(list(service.rules), starts_at - before, ends_at + after, ignore)
        for pk, start, end, units in rows:
            taken[pk].append(Taken(start, end, units))
    by_schedule: dict[Schedule, list[Interval]] = {}
    for rules in service.rules.values():
        if rules.schedule not in by_schedule:
            open_ = policy.list_open_intervals(rules, starts_at, ends_at)
            by_schedule[rules.schedule] = open_
    return {
        pk: Places(rules, by_schedule[rules.schedule], taken[pk])
        for pk, rules in service.rules.items()
    }


def list_slots(
    service: ServiceRules,
    starts_at: datetime,
    ends_at: datetime,
    duration: timedelta,
    *,
    quantity: int = 1,
    ignore: int = 0,
) -> Iterator[ServiceSlot]:
    """The slots that begin within these times and of which `quantity` can be had, by start: one
    statement. The price is that of `quantity`."""
    if not service.needs or any(not need.candidates for need in service.needs):
        return
    places = list_places(service, starts_at, ends_at + duration, ignore)
    wanted, price = service.multiply_needs(quantity), quantity * service.prices[duration]
    every = list({id(each.open): each.open for each in places.values()}.values())
    for start in _list_starts(service, starts_at, ends_at, duration):
        end = start + duration
        opened = {id(hours): is_open(hours, start, end) for hours in every}
        free = {
            pk: each.count_left(start, end) if opened[id(each.open)] else 0
            for pk, each in places.items()
        }
        fitting = count(service.needs, free)
        if fitting >= quantity and (quantity == 1 or fits(wanted, free)):
            yield ServiceSlot(
                start, end, price, fitting, [pk for pk, units in free.items() if units]
            )


def _list_starts(
    service: ServiceRules, starts_at: datetime, ends_at: datetime, duration: timedelta
) -> list[datetime]:
    """On the grid of any of the resources, and as early and late as the venue takes bookings."""
    rules = next(iter(service.rules.values()))
    alike = {each.schedule: each for each in service.rules.values()}
    starts = {
        start
        for on in iter_local_dates(rules.zone, starts_at - DAY, ends_at)
        for each in alike.values()
        for start in policy.list_service_starts(each, on)
        if starts_at <= start < ends_at
    }
    return [
        start
        for start in sorted(starts)
        if _is_in_time(rules, start, start + duration, service.now)
    ]


def _is_in_time(rules: Rules, starts_at: datetime, ends_at: datetime, now: datetime) -> bool:
    try:
        policy.check_notice(rules, starts_at, ends_at, now)
    except errors.Refusal:
        return False
    return starts_at >= now or rules.venue.min_notice < timedelta(0)


def find_nearest(
    service: ServiceRules,
    starts_at: datetime,
    duration: timedelta,
    *,
    quantity: int = 1,
    ignore: int = 0,
    limit: int = 3,
) -> list[Interval]:
    """The slots that are nearest to a time, nearest first, within three days to either side."""
    window = max(service.now, starts_at - NEARBY), starts_at + NEARBY
    if window[0] >= window[1]:
        return []
    slots = list_slots(service, *window, duration, quantity=quantity, ignore=ignore)
    found = sorted(slots, key=lambda slot: (abs(slot.starts_at - starts_at), slot.starts_at))
    return [(slot.starts_at, slot.ends_at) for slot in found[:limit]]
