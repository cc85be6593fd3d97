"""The figures of `analytics` by room, day, hour of the week and department, and the bookings that
they count. Those by anything but room come straight from the bookings, whose number the caller
bounds by the range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any, Literal

from api.effective_status import build_effective_status_case
from api.lifecycle import BOOKING
from api.models import Booking, Venue
from api.models.users import NAME_FIELDS, get_display_name
from api.opening_hours import to_instant
from api.policy import DAY
from api.queries.operations import replica
from api.queries.venues import opening_hours
from api.queries.venues.opening_hours import Days, Scope

from . import aggregates
from .aggregates import NO_BOOKINGS, NOT_COUNTED, Aggregates
from .analytics import (
    Figures,
    compute_capacity,
    compute_ghosting,
    compute_utilization,
    list_days,
    list_spans,
    percent,
    percent_of_time,
)

Metric = Literal["utilization", "ghosting", "bookings"]
SUMS: dict[Metric, tuple[str, ...]] = {
    "utilization": ("booked",),
    "ghosting": ("bookings", "no_shows"),
    "bookings": ("bookings",),
}


def compare_rooms(venue: Venue, first_on: date, last_on: date, ids: Sequence[int] = ()) -> Figures:
    """Per room: the rates of the three reports, and its bookings; of just those `ids` if given."""
    reports = (compute_utilization, compute_ghosting, compute_capacity)
    rows = [report(venue, first_on, last_on, ids=ids) for report in reports]
    by_id: dict[int, dict[str, Any]] = {}
    for row in (row for report in rows for row in report):
        by_id.setdefault(row["resource_id"], {}).update(row)
    return list(by_id.values())


@replica.may_lag()
def compute_trend(venue: Venue, metric: Metric, first_on: date, last_on: date) -> Figures:
    """Per local date, each of the range: the rate or number of all rooms together."""
    scope = opening_hours.get_scope(venue)
    days = list_days(scope, first_on, last_on)
    spans = list_spans(scope, first_on, last_on)
    sums = aggregates.sums_by_date(scope, days, spans, SUMS[metric])
    dates = [first_on + n * DAY for n in range((last_on - first_on).days + 1)]
    return [
        {"on": on, "value": _get_value(metric, sums.get(on, NO_BOOKINGS), scope, days, on)}
        for on in dates
    ]


def _get_value(
    metric: Metric, tally: Aggregates, scope: Scope, days: Sequence[Days], on: date
) -> float:
    if metric == "bookings":
        return int(tally["bookings"])
    if metric == "ghosting":
        return round(percent(tally["no_shows"], tally["bookings"]), 1)
    opened = (place.units * days[place.clock][on].open_time for place in scope.rooms)
    return round(percent_of_time(tally["booked"], sum(opened, timedelta(0))), 1)


@replica.may_lag()
def count_starts(venue: Venue, first_on: date, last_on: date) -> Figures:
    """How many bookings start in each hour of the week on the clock on the wall, Monday first:
    every hour in which some room is open, and any other in which one starts."""
    scope = opening_hours.get_scope(venue)
    days = list_days(scope, first_on, last_on)
    sums = aggregates.sums_by_date(scope, days, list_spans(scope, first_on, last_on), ("starts",))
    counts = _list_open_hours(scope, first_on)
    for on, tally in sums.items():
        for hour, count in enumerate(tally["starts"]):
            if count:
                key = on.weekday(), hour
                counts[key] = counts.get(key, 0) + count
    return [
        {"weekday": weekday, "hour": hour, "count": count}
        for (weekday, hour), count in sorted(counts.items())
    ]


def _list_open_hours(scope: Scope, first_on: date) -> dict[tuple[int, int], int]:
    """Weekday and hour of a week's opening hours, each with 0. Exceptions are no part of a week; of
    two weeks one at least has no change of clocks, which would skip an hour."""
    found = {}
    for clock in scope.clocks:
        weekly = replace(clock, schedule=clock.schedule.without_exceptions())
        for on, day in weekly.days(first_on, first_on + 13 * DAY).items():
            found.update({(on.weekday(), hour): 0 for hour, _, _ in weekly.cells(day)})
    return found


@replica.may_lag()
def compute_departments(venue: Venue, first_on: date, last_on: date, unnamed: str = "") -> Figures:
    """Per department of the owners, by name: its bookings, its no-shows and their rate. `unnamed`
    is that of people who have none."""
    scope = opening_hours.get_scope(venue)
    days = list_days(scope, first_on, last_on)
    spans = list_spans(scope, first_on, last_on)
    rows = aggregates.no_shows_by_department(scope, days, spans, unnamed)
    return [
        {
            "department": name,
            "total_bookings": bookings,
            "no_shows": missed,
            "ghosting_rate": round(percent(missed, bookings), 1),
        }
        for name, bookings, missed in sorted(rows)
    ]


def _build_name(row: Sequence[Any]) -> str:
    """Of a row that ends with the name and address of a guest and the names of an owner."""
    guest, names = row[-len(NAME_FIELDS) - 2 : -len(NAME_FIELDS)], row[-len(NAME_FIELDS) :]
    return get_display_name(*names) if names[-1] else guest[0] or guest[1]


@replica.may_lag()
def list_counted_bookings(venue: Venue, first_on: date, last_on: date) -> Figures:
    """The bookings that count, by start: those of a venue that start on these local dates."""
    starts = to_instant(venue.zone, first_on, time())
    ends = to_instant(venue.zone, last_on + DAY, time())
    owner = [f"owner__{name}" for name in NAME_FIELDS]
    columns = ("pk", "resource__name", "title", "starts_at", "ends_at", "ended_at", "checked_in_at")
    guest = "guest_name", "guest_email"
    rows = (
        Booking.objects.filter(venue=venue, starts_at__gte=starts, starts_at__lt=ends)
        .annotate(effective=build_effective_status_case(BOOKING))
        .exclude(effective__in=NOT_COUNTED)
        .order_by("starts_at", "pk")
        .values_list(*columns, "effective", *guest, *owner)
    )
    names = ("id", "room", *columns[2:], "status")
    return [dict(zip(names, row, strict=False)) | {"organizer": _build_name(row)} for row in rows]
