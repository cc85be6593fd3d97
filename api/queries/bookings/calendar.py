"""The calendar of a venue: days, hours, primetime, free slots and bookings, in five statements;
one more where there are blocks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import F, QuerySet

from api import policy
from api.errors import AbsurdTime, NotFound
from api.models import Booking, PrimetimeWindow, Resource, Venue
from api.opening_hours import ExceptionDays, Schedule, Span, build_schedule, to_instant
from api.policy import DAY, Interval, Rules
from api.queries.clock import database_now
from api.queries.venues import rules as rules_query
from api.queries.venues.rules import build_rules

from .availability import filter_free, list_busy_intervals
from .blocked_times import Blocked, list_blocked

MAX_DAYS = 92
MAX_SLOTS = 100_000  # free or not, of all resources; ten megabytes of JSON and half a second
NEVER = datetime.min.replace(tzinfo=UTC)


class Slot(NamedTuple):
    resource: Resource
    starts_at: datetime
    ends_at: datetime
    primetime: bool


@dataclass
class Day:
    date: date
    closed: ExceptionDays | None  # what closes the venue
    hours: Sequence[Span]  # of the venue, in its wall time
    window: PrimetimeWindow | None
    slots: list[Slot] = field(default_factory=list)
    bookings: list[Any] = field(default_factory=list)
    blocked: list[Blocked] = field(default_factory=list)


def list_venue_resources(venue_slug: str) -> list[Resource]:
    """The venue's resources with their rules; refuses `NotFound` for an unknown venue."""
    found = list(rules_query.list_resources_with_rules().filter(venue__slug=venue_slug))
    if not found and not Venue.objects.filter(slug=venue_slug).exists():
        raise NotFound("There is no such venue.")
    return found


def list_days(
    resources: Sequence[Resource],
    first_on: date,
    last_on: date,
    venue: Venue | None = None,
    only: Sequence[str] = (),
    begun: bool = False,
) -> list[Day]:
    """One entry per local date, first to last inclusive; bookings by start, dead ones left out.
    Raises `AbsurdTime` for more slots than anybody can look at.
    A venue without resources has its days nevertheless, if it is given. `only`: the columns that
    are wanted of the bookings, which are then named tuples of them; making thousands of objects
    takes longer than all the rest. `begun`: free slots that have begun are listed too."""
    if not resources and venue is not None:
        resources = [Resource(venue=venue, is_available=False)]
        resources[0].now = database_now()
    if not resources:
        return []
    rules = [build_rules(resource) for resource in resources]
    _check_size(rules, (last_on - first_on).days + 1)
    zone = rules[0].zone
    since = NEVER if begun else resources[0].now
    dates = [first_on + timedelta(days=n) for n in range((last_on - first_on).days + 1)]
    midnights = [to_instant(zone, on, datetime.min.time()) for on in (*dates, last_on + DAY)]
    starts, ends = midnights[0], midnights[-1]
    rows: Iterable[Any]
    if only:
        found = _filter_blocking(resources, starts, ends).values_list(
            "place", "span", *only, named=True
        )
        rows = list(_drop_repeated(found))
    else:
        rows = list_blocking_bookings(resources, starts, ends)
    busy = _list_busy(resources, rows, starts, ends)
    by_day: dict[date, list[Any]] = defaultdict(list)
    for row in rows:
        first = max(bisect_right(midnights, row.starts_at) - 1, 0)
        for on in dates[first : bisect_left(midnights, row.ends_at)]:
            by_day[on].append(row)
    found_days = _Days(rules, busy, since)
    days = [found_days.build(on, by_day.get(on, [])) for on in dates]
    for blocked in list_blocked(resources, starts, ends):
        first = max(bisect_right(midnights, blocked.starts_at) - 1, 0)
        for day in days[first : bisect_left(midnights, blocked.ends_at)]:
            day.blocked.append(blocked)
    return days


def _check_size(rules: Sequence[Rules], days: int) -> None:
    slots = sum(DAY // rule.resource.slot_length for rule in rules if rule.resource.bookable)
    if days > 1 and days * slots > MAX_SLOTS:
        most = max(1, MAX_SLOTS // slots)
        raise AbsurdTime(f"At most {most} days of so many slots.")


def list_blocking_bookings(
    resources: Sequence[Resource], starts_at: datetime, ends_at: datetime
) -> list[Booking]:
    """By start, with their people; the resources and venues are those given. One that takes several
    of them is listed with each."""
    by_id = {resource.pk: resource for resource in resources}
    rows = _filter_blocking(resources, starts_at, ends_at)
    found = list(_drop_repeated(rows.select_related("owner", "approved_by", "service")))
    for row in found:
        row.resource = resource = by_id[row.place]
        row.now = resource.now
        if row.venue_id == resource.venue_id:
            row.venue = resource.venue
    return found


def _list_busy(
    resources: Sequence[Resource], rows: Iterable[Any], starts_at: datetime, ends_at: datetime
) -> dict[int, list[Interval]]:
    """As `list_busy_intervals`, from the bookings at hand where there is nothing else to know."""
    known = [each for each in resources if each.pk]
    if any(
        each.units > 1 or each.buffer_before or each.buffer_after or getattr(each, "has_blocks", 1)
        for each in known
    ):
        return list_busy_intervals(known, starts_at, ends_at)
    busy: dict[int, list[Interval]] = defaultdict(list)
    for row in rows:
        busy[row.place].append((row.span.lower, row.span.upper))
    return busy


def _drop_repeated(rows: Iterable[Any]) -> Iterator[Any]:
    """Each booking once with each resource, however many units of it it takes."""
    seen = set()
    for row in rows:
        if (key := (row.id, row.place)) not in seen:
            seen.add(key)
            yield row


def _filter_blocking(
    resources: Sequence[Resource], starts_at: datetime, ends_at: datetime
) -> QuerySet[Booking]:
    return (
        Booking.objects.occupying([r.pk for r in resources if r.pk], starts_at, ends_at)
        .annotate(span=F("allocations__span"))
        .overlapping(starts_at, ends_at)
        .blocking()
        .order_by("starts_at", "id")
    )


class _Days:
    """Builds days. Most resources of a venue have the same hours: what is the same for them is
    worked out once."""

    def __init__(
        self, rules: Sequence[Rules], busy: dict[int, list[Interval]], since: datetime
    ) -> None:
        first = rules[0]
        self.hours = build_schedule(Resource(venue=first.venue), first.hours, first.exceptions)
        self.windows = [window for window in first.primetime if window.is_active]
        self.busy, self.since = busy, since
        alike: dict[tuple[Schedule, timedelta], Rules] = {}
        self.resources = [
            (rule.resource, alike.setdefault((rule.schedule, rule.resource.slot_length), rule))
            for rule in rules
            if rule.resource.bookable
        ]

    def build(self, on: date, bookings: list[Any]) -> Day:
        windows = (window for window in self.windows if window.weekday == on.weekday())
        closed, hours = self.hours.find_closed(on), self.hours.list_spans(on)
        return Day(on, closed, hours, next(windows, None), self._list_slots(on), bookings)

    def _list_slots(self, on: date) -> list[Slot]:
        grids: dict[int, dict[Interval, bool]] = {}
        slots = []
        for resource, rules in self.resources:
            key = rules.resource.pk
            if key not in grids:
                found = policy.iter_slots(rules, on)
                grids[key] = {slot: policy.is_primetime(rules, *slot) for slot in found}
            free = filter_free(grids[key], self.busy.get(resource.pk, []), self.since)
            slots += [Slot(resource, *slot, grids[key][slot]) for slot in free]
        return slots
