"""One resource over a week, for the staff site: its bookings, when it is open, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from api.models import Booking, Resource
from api.opening_hours import to_instant, to_interval
from api.policy import DAY, Interval, Rules
from api.queries.venues import rules

from . import calendar


@dataclass(frozen=True)
class Day:
    """A local date: when it is open, its primetime, why it is closed, and what takes the resource.
    All instants are in the venue's zone."""

    on: date
    open: Sequence[Interval]
    primetime: Interval | None
    closed_because: str
    bookings: Sequence[Booking]


@dataclass(frozen=True)
class Week:
    resource: Resource
    monday: date
    today: date
    days: Sequence[Day]


def get_week(pk: int, some_day: date | None = None) -> Week:
    """The week of that local date, or of today: four statements. Refuses `NotFound`."""
    resource = rules.get_resource(pk, retired=True)
    rule = rules.build_rules(resource)
    today = resource.now.astimezone(rule.zone).date()
    on = some_day or today
    monday = on - on.weekday() * DAY
    starts, ends = _get_midnight(rule, monday), _get_midnight(rule, monday + 7 * DAY)
    rows = calendar.list_blocking_bookings([resource], starts, ends)
    days = [_build_day(rule, monday + timedelta(days=n), rows) for n in range(7)]
    return Week(resource, monday, today, days)


def _get_midnight(rule: Rules, on: date) -> datetime:
    return to_instant(rule.zone, on, datetime.min.time())


def _build_day(rule: Rules, on: date, rows: Sequence[Booking]) -> Day:
    starts, ends = _get_midnight(rule, on), _get_midnight(rule, on + DAY)
    closed = rule.schedule.find_closed(on)
    return Day(
        on=on,
        open=rule.schedule.list_intervals(on),
        primetime=_get_primetime(rule, on),
        closed_because=(closed.reason or "Closed") if closed else "",
        bookings=[row for row in rows if row.starts_at < ends and row.ends_at > starts],
    )


def _get_primetime(rule: Rules, on: date) -> Interval | None:
    for window in rule.primetime:
        if window.is_active and window.weekday == on.weekday():
            return to_interval(rule.zone, on, window.starts_at, window.ends_at)
    return None
