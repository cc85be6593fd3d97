"""When rooms are open, local date by local date: what booked time is measured against.

Rooms that share their hours share a clock. A date's open time is what of that date lies in opening
hours, so hours past midnight count for the date in which they fall.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from itertools import groupby, pairwise
from typing import TypeAlias

from django.db.models.functions import Now

from api.models import Resource, Venue
from api.opening_hours import DAY, Interval, Schedule, join_intervals, to_instant

from .rules import build_rules, list_venues_with_rules

MIDNIGHT = time.min
Days = dict[date, "Day"]
Venues: TypeAlias = Venue | Collection[int] | None  # one, those with these ids, or all


@dataclass(frozen=True)
class Day:
    """One local date of a clock: from its midnight to the next, and when it is open."""

    on: date
    starts: datetime
    ends: datetime
    open: tuple[Interval, ...]

    @property
    def open_time(self) -> timedelta:
        return sum((closes - opens for opens, closes in self.open), timedelta(0))

    @property
    def basis(self) -> int:
        """A number that changes when the day's bounds or hours do; figures kept for the day hold
        only as long as it stays the same."""
        bounds = [self.starts, self.ends, *(moment for pair in self.open for moment in pair)]
        return hash_to_int(" ".join(str(moment.timestamp()) for moment in bounds))


@dataclass(frozen=True)
class Period:
    """Local dates of a clock for which sums are stored: a day or a calendar month."""

    starts_on: date
    ends_on: date
    starts: datetime
    ends: datetime
    basis: int


def list_day_periods(days: Days) -> list[Period]:
    return [Period(d.on, d.on, d.starts, d.ends, d.basis) for d in days.values()]


def list_month_periods(days: Days) -> list[Period]:
    """The calendar months of which every day is there."""
    found = []
    for first_on, some in groupby(days.values(), key=lambda day: day.on.replace(day=1)):
        inside = list(some)
        if len(inside) == monthrange(first_on.year, first_on.month)[1]:
            first, last = inside[0], inside[-1]
            basis = hash_to_int(" ".join(str(day.basis) for day in inside))
            found.append(Period(first.on, last.on, first.starts, last.ends, basis))
    return found


def hash_to_int(text: str) -> int:
    """Any text as a signed 64-bit number, the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True)


@dataclass(frozen=True)
class Clock:
    """The time zone and hours that several rooms share."""

    zone: str
    schedule: Schedule

    def days(self, first_on: date, last_on: date) -> Days:
        """Every local date, first to last inclusive."""
        schedule, found = self.schedule, {}
        starts = to_instant(schedule.zone, first_on, MIDNIGHT)
        before = schedule.list_intervals(first_on - DAY)
        for n in range((last_on - first_on).days + 1):
            on = first_on + timedelta(days=n)
            ends = to_instant(schedule.zone, on + DAY, MIDNIGHT)
            hours = schedule.list_intervals(on)
            found[on] = Day(on, starts, ends, _clip((*before, *hours), starts, ends))
            starts, before = ends, hours
        return found

    def cells(self, day: Day) -> Iterator[tuple[int, datetime, datetime]]:
        """The open time of a date by hours of the wall clock. An hour that is shown twice is one
        long cell, one that is skipped is none."""
        if not day.open:
            return
        marks = [to_instant(self.schedule.zone, day.on, time(h)) for h in range(1, 24)]
        for hour, whole in enumerate(pairwise([day.starts, *marks, day.ends])):
            for starts, ends in _clip(day.open, *whole):
                yield hour, starts, ends


def _clip(hours: Iterable[Interval], starts: datetime, ends: datetime) -> tuple[Interval, ...]:
    inside = [(max(h[0], starts), min(h[1], ends)) for h in hours]
    return tuple(join_intervals(interval for interval in inside if interval[0] < interval[1]))


@dataclass(frozen=True)
class Room:
    """A resource as the analytics see it; `clock` is an index into `Scope.clocks`."""

    id: int
    name: str
    capacity: int
    clock: int
    units: int


@dataclass(frozen=True)
class Scope:
    """The rooms that are looked at, their clocks, and the database's now."""

    rooms: Sequence[Room]
    clocks: Sequence[Clock]
    now: datetime | None


def get_scope(venue: Venues, building: str | None = None, ids: Sequence[int] = ()) -> Scope:
    """Places that are not retired, by id, in two statements: of a venue or several (of all when
    None), in a building (exact, case-insensitive), or just those `ids`."""
    rows = Resource.objects.filter(retired_at=None).order_by("id")
    venues = list_venues_with_rules()
    if venue is not None:
        wanted = [venue.pk] if isinstance(venue, Venue) else venue
        rows, venues = rows.filter(venue__in=wanted), venues.filter(pk__in=wanted)
    if building is not None:
        rows = rows.filter(building__iexact=building)
    if ids:
        rows = rows.filter(pk__in=ids)
    by_id = {found.pk: found for found in venues}
    columns = rows.values_list(
        "id", "name", "capacity", "units", "venue_id", "opens_at", "closes_at", Now()
    )
    known: dict[Schedule, int] = {}
    rooms: list[Room] = []
    now = None
    for pk, name, capacity, units, venue_id, opens, closes, now in columns:  # noqa: B007 - `now` is wanted after the loop
        venue = by_id[venue_id]
        resource = Resource(pk=pk, venue=venue, opens_at=opens, closes_at=closes)
        schedule = build_rules(resource).schedule
        rooms.append(Room(pk, name, capacity, known.setdefault(schedule, len(known)), units))
    return Scope(rooms, [Clock(schedule.zone.key, schedule) for schedule in known], now)
