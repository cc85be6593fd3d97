"""How the rooms are used. docs/analytics.md gives the definitions.

Dates are local dates of the venue, first to last inclusive; `venue` None means all venues, or
those with some ids, each in its own zone. `ids` narrows a figure to some rooms; `source` says where
the sums come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, Protocol

from api.queries.operations import replica
from api.queries.venues import opening_hours
from api.queries.venues.opening_hours import Days, Scope, Venues

from . import rollups
from .aggregates import NO_BOOKINGS, Aggregates, Heat, Span

Figures = list[dict[str, Any]]


class Source(Protocol):
    """Where sums come from: `rollups`, or `aggregates` straight from the bookings."""

    def compute_sums(
        self, scope: Scope, days: Sequence[Days], spans: Iterable[Span], wanted: Sequence[str]
    ) -> dict[int, Aggregates]: ...

    def compute_heat(self, scope: Scope, days: Sequence[Days], spans: Iterable[Span]) -> Heat: ...


MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MAX_DAYS = 5 * 366  # of a range, at every API: a second at most


@replica.may_lag()
def compute_kpi(
    venue: Venues, first_on: date, last_on: date, *, source: Source = rollups
) -> dict[str, Any]:
    """The figures of all rooms together, and how they changed against the preceding range of equal
    length: rates by percentage points, the count by percent (None when there was nothing)."""
    scope = opening_hours.get_scope(venue)
    now = _compute_totals(scope, first_on, last_on, source)
    length = last_on - first_on + timedelta(days=1)
    then = _compute_totals(scope, first_on - length, last_on - length, source)
    bookings, before = now["bookings"], then["bookings"]
    return {
        "total_rooms": len(scope.rooms),
        "avg_utilization": round(now["utilization"], 1),
        "utilization_change": round(now["utilization"] - then["utilization"], 1),
        "ghosting_rate": round(now["ghosting"], 1),
        "ghosting_change": round(now["ghosting"] - then["ghosting"], 1),
        "total_bookings": bookings,
        "bookings_change": round(100 * (bookings - before) / before, 1) if before else None,
    }


@replica.may_lag()
def compute_utilization(
    venue: Venues,
    first_on: date,
    last_on: date,
    building: str | None = None,
    *,
    ids: Sequence[int] = (),
    source: Source = rollups,
) -> Figures:
    """Per room: booked time within opening hours, as a rate of the time that its units were open
    and in hours; bookings by start date; the up to three hours in which most of them start, the
    most frequent first. A no-show took the room until it was released, an ended meeting until its
    end. A booking of several rooms takes the time of each, and counts at the first."""
    scope = opening_hours.get_scope(venue, building, ids)
    days, sums = _get_sums(scope, first_on, last_on, ("bookings", "booked", "starts"), source)
    open_time = _sum_open_time(days, first_on, last_on)
    return [
        {
            "resource_id": room.id,
            "name": room.name,
            "utilization_rate": round(
                percent_of_time(tally["booked"], room.units * open_time[room.clock]), 1
            ),
            "total_bookings": tally["bookings"],
            "total_hours": round(tally["booked"] / HOUR, 2),
            "peak_hours": _list_peak_hours(tally["starts"]),
        }
        for room, tally in ((room, sums.get(room.id, NO_BOOKINGS)) for room in scope.rooms)
    ]


@replica.may_lag()
def compute_ghosting(
    venue: Venues,
    first_on: date,
    last_on: date,
    *,
    ids: Sequence[int] = (),
    source: Source = rollups,
) -> Figures:
    """Per room: no-shows as a rate of the bookings, and the mean scheduled length of the no-shows
    in minutes. What should have been released by now counts, whether or not its sweep has run."""
    scope = opening_hours.get_scope(venue, ids=ids)
    _, sums = _get_sums(scope, first_on, last_on, ("bookings", "no_shows", "wasted"), source)
    return [
        {
            "resource_id": room.id,
            "name": room.name,
            "ghosting_rate": round(percent(tally["no_shows"], tally["bookings"]), 1),
            "no_shows": tally["no_shows"],
            "total_bookings": tally["bookings"],
            "average_wasted_minutes": round(
                tally["wasted"] / MINUTE / tally["no_shows"] if tally["no_shows"] else 0.0, 1
            ),
        }
        for room, tally in ((room, sums.get(room.id, NO_BOOKINGS)) for room in scope.rooms)
    ]


@replica.may_lag()
def compute_capacity(
    venue: Venues,
    first_on: date,
    last_on: date,
    *,
    ids: Sequence[int] = (),
    source: Source = rollups,
) -> Figures:
    """Per room: people a booking on average, as a rate of the places of the units that it took, and
    how many bookings left more than half of them empty (`oversized`) or had too few
    (`undersized`)."""
    scope = opening_hours.get_scope(venue, ids=ids)
    wanted = ("bookings", "attendees", "units", "oversized", "undersized")
    _, sums = _get_sums(scope, first_on, last_on, wanted, source)
    return [
        {
            "resource_id": room.id,
            "name": room.name,
            "capacity": room.capacity,
            "average_attendees": round(
                tally["attendees"] / tally["bookings"] if tally["bookings"] else 0.0, 1
            ),
            "capacity_utilization": round(
                percent(tally["attendees"], tally["units"] * room.capacity), 1
            ),
            "oversized": tally["oversized"],
            "undersized": tally["undersized"],
        }
        for room, tally in ((room, sums.get(room.id, NO_BOOKINGS)) for room in scope.rooms)
    ]


@replica.may_lag()
def compute_heat_map(
    venue: Venues, first_on: date, last_on: date, *, source: Source = rollups
) -> list[list[float]]:
    """Booked hours within opening hours, of all rooms: seven weekdays, Monday first, of 24 hours of
    the clock on the wall."""
    scope = opening_hours.get_scope(venue)
    days = list_days(scope, first_on, last_on)
    table = source.compute_heat(scope, days, list_spans(scope, first_on, last_on))
    return [[round(seconds / 3600, 2) for seconds in row] for row in table]


def _get_sums(
    scope: Scope, first_on: date, last_on: date, wanted: Sequence[str], source: Source
) -> tuple[list[Days], dict[int, Aggregates]]:
    days = list_days(scope, first_on, last_on)
    return days, source.compute_sums(scope, days, list_spans(scope, first_on, last_on), wanted)


def list_days(scope: Scope, first_on: date, last_on: date) -> list[Days]:
    return [clock.days(first_on, last_on) for clock in scope.clocks]


def list_spans(scope: Scope, first_on: date, last_on: date) -> list[Span]:
    return [(room.id, first_on, last_on) for room in scope.rooms]


def _compute_totals(scope: Scope, first_on: date, last_on: date, source: Source) -> dict[str, Any]:
    days, sums = _get_sums(scope, first_on, last_on, ("bookings", "no_shows", "booked"), source)
    open_time = _sum_open_time(days, first_on, last_on)
    bookings = sum(tally["bookings"] for tally in sums.values())
    booked = sum((tally["booked"] for tally in sums.values()), timedelta(0))
    return {
        "bookings": bookings,
        "ghosting": percent(sum(tally["no_shows"] for tally in sums.values()), bookings),
        "utilization": percent_of_time(
            booked, sum((room.units * open_time[room.clock] for room in scope.rooms), timedelta(0))
        ),
    }


def _sum_open_time(days: Sequence[Days], first_on: date, last_on: date) -> list[timedelta]:
    """Per clock."""
    return [
        sum((d.open_time for d in some.values() if first_on <= d.on <= last_on), timedelta(0))
        for some in days
    ]


def percent_of_time(part: timedelta, whole: timedelta) -> float:
    return min(100.0, 100 * (part / whole)) if whole else 0.0


def percent(part: int, whole: int) -> float:
    return min(100.0, 100 * part / whole) if whole else 0.0


def _list_peak_hours(starts: Sequence[int]) -> list[str]:
    busiest = sorted((-count, hour) for hour, count in enumerate(starts) if count)
    return [f"{hour:02d}:00" for _, hour in busiest[:3]]
