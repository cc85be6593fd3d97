"""One resource over a week, for the staff site: its bookings, when it is open, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from django.db.models import Count

from api.models import Allocation, Booking, Caller, Resource, WaitlistEntry
from api.opening_hours import to_instant, to_interval
from api.policy import DAY, Interval, Rules
from api.queries.venues import rules
from api.queries.waitlist.line import list_line

from . import calendar
from .availability import Taken, count_taken
from .blocked_times import Blocked, list_blocked


@dataclass(frozen=True)
class Day:
    """A local date: when it is open, its primetime, why it is closed, and what takes the resource.
    All instants are in the venue's zone."""

    on: date
    open: Sequence[Interval]
    primetime: Interval | None
    closed_because: str
    bookings: Sequence[Booking]
    blocked: Sequence[Blocked]
    taken: Sequence[Taken] = ()  # units, where there are several


@dataclass(frozen=True)
class Week:
    resource: Resource
    monday: date
    today: date
    days: Sequence[Day]
    bookings: Sequence[Booking]


def get_week(pk: int, some_day: date | None = None) -> Week:
    """The week of that local date, or of today: four statements, one more where there
    are blocks. Refuses `NotFound`."""
    resource = rules.get_resource(pk, retired=True)
    rule = rules.build_rules(resource)
    today = resource.now.astimezone(rule.zone).date()
    on = some_day or today
    monday = on - on.weekday() * DAY
    starts, ends = _get_midnight(rule, monday), _get_midnight(rule, monday + 7 * DAY)
    rows = calendar.list_blocking_bookings([resource], starts, ends)
    blocked = list_blocked([resource], starts, ends)
    days = [_build_day(rule, monday + timedelta(days=n), rows, blocked) for n in range(7)]
    if resource.units > 1:
        days = _count_units(resource, days, rows)
    return Week(resource, monday, today, days, rows)


def _get_midnight(rule: Rules, on: date) -> datetime:
    return to_instant(rule.zone, on, datetime.min.time())


def list_week_line(week: Week, caller: Caller) -> list[WaitlistEntry]:
    """Who waits for the resource, or for what it may serve, within the week: one statement."""
    zone, monday = week.resource.venue.zone, week.monday
    starts, ends = (to_instant(zone, on, time.min) for on in (monday, monday + 7 * DAY))
    return list_line(caller, [week.resource], starts, ends)


def _build_day(rule: Rules, on: date, rows: Sequence[Booking], blocked: Sequence[Blocked]) -> Day:
    starts, ends = _get_midnight(rule, on), _get_midnight(rule, on + DAY)
    closed = rule.schedule.find_closed(on)
    return Day(
        on=on,
        open=rule.schedule.list_intervals(on),
        primetime=_get_primetime(rule, on),
        closed_because=(closed.reason or "Closed") if closed else "",
        bookings=[row for row in rows if row.starts_at < ends and row.ends_at > starts],
        blocked=[each for each in blocked if each.starts_at < ends and each.ends_at > starts],
    )


def _count_units(resource: Resource, days: Sequence[Day], rows: Sequence[Booking]) -> list[Day]:
    """The days with the units that are taken at once: one statement."""
    places = Allocation.objects.filter(resource=resource, booking__in=[row.pk for row in rows])
    units = dict(places.order_by().values_list("booking").annotate(units=Count("pk")))

    def count(day: Day) -> list[Taken]:
        mine = (Taken(r.starts_at, r.ends_at, units.get(r.pk, 1)) for r in day.bookings)
        return list(count_taken(mine))

    return [replace(day, taken=count(day)) for day in days]


def _get_primetime(rule: Rules, on: date) -> Interval | None:
    for window in rule.primetime:
        if window.is_active and window.weekday == on.weekday():
            return to_interval(rule.zone, on, window.starts_at, window.ends_at)
    return None
