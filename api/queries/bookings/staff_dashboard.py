"""What staff need first: today's bookings by venue, the requests that wait, and
how the last four weeks went. A day is a venue's own.

The rule: a constant number of statements, and none reads more than the days it shows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db import connection

from api.effective_status import build_current_q
from api.lifecycle import BOOKING, PENDING, Status
from api.models import Booking, Caller, Venue
from api.queries.accounts.scope import limit_to_staff
from api.queries.analytics import analytics
from api.queries.analytics.aggregates import EFFECTIVE_STATUS, NOT_COUNTED
from api.queries.clock import database_now
from api.queries.venues import opening_hours

MAX_BOOKINGS = 6  # bookings of a venue, and
MAX_REQUESTS = 8  # requests
WEEKS = 4
DAYS_AHEAD = 7  # days
DAY = timedelta(days=1)
_BOOKINGS, _VENUES = Booking._meta.db_table, Venue._meta.db_table

# the venue's today, as an interval that an index on (venue, starts_at) finds
_TODAY = """b.venue_id = v.id
    AND b.starts_at >= date_trunc('day', statement_timestamp() AT TIME ZONE v.time_zone)
        AT TIME ZONE v.time_zone
    AND b.starts_at < (date_trunc('day', statement_timestamp() AT TIME ZONE v.time_zone)
        + interval '1 day') AT TIME ZONE v.time_zone"""


@dataclass
class Today:
    """One venue: how many bookings begin today, how many of them are under way, are still to come
    and were missed; and those that are next."""

    venue: Venue
    bookings: int
    under_way: int
    to_come: int
    missed: int
    next: list[Booking] = field(default_factory=list)


def list_venues_today(caller: Caller) -> list[Today]:
    """The caller's venues by name, in three statements."""
    rows = limit_to_staff(Venue.objects.order_by("name", "pk"), caller)
    venues = {venue.pk: venue for venue in rows}
    found = {pk: Today(venue, 0, 0, 0, 0) for pk, venue in venues.items()}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT v.id, count(*), count(*) FILTER (WHERE t.alive AND b.starts_at <= t.now),
                count(*) FILTER (WHERE t.alive AND b.starts_at > t.now),
                count(*) FILTER (WHERE t.effective = 'no_show'),
                (array_agg(b.id ORDER BY b.starts_at, b.id)
                    FILTER (WHERE t.alive AND b.ends_at > t.now))[:{MAX_BOOKINGS}]
            FROM {_VENUES} v JOIN {_BOOKINGS} b ON {_TODAY}
            CROSS JOIN LATERAL (SELECT {EFFECTIVE_STATUS} AS effective) s
            CROSS JOIN LATERAL (SELECT s.effective, s.effective = ANY(%s) AS alive,
                statement_timestamp() AS now) t
            WHERE t.effective <> ALL(%s) AND v.id = ANY(%s) GROUP BY v.id""",
            [[str(status) for status in BOOKING.blocking], list(NOT_COUNTED), list(venues)],
        )
        figures = cursor.fetchall()
    ids = [pk for row in figures for pk in row[-1] or ()]
    booked = Booking.objects.select_related("resource", "owner").in_bulk(ids)
    for pk, bookings, under_way, to_come, missed, first in figures:
        rest = [booked[i] for i in first or ()]
        found[pk] = Today(venues[pk], bookings, under_way, to_come, missed, rest)
    return list(found.values())


def list_requests(caller: Caller) -> tuple[list[Booking], int]:
    """Those that lapse first, and how many there are in all: two statements."""
    pending = Booking.objects.filter(build_current_q(BOOKING, PENDING))
    waiting = limit_to_staff(pending, caller)
    rows = waiting.select_related("venue", "resource", "owner").order_by("lapses_at", "id")
    return list(rows[:MAX_REQUESTS]), waiting.count()


# how it went


@dataclass(frozen=True)
class Count:
    """What began on one local date."""

    on: date
    bookings: int
    no_shows: int


@dataclass(frozen=True)
class Recently:
    """Day by day, oldest first, with a week ahead; `today` is the last day that is not ahead.
    `heat` is used time as a share of open time, from 0 to 1: seven weekdays, Monday first, of 24
    hours; None where nothing is open."""

    today: date
    days: list[Count]
    heat: list[list[float | None]]


def get_recent_days(venues: Collection[int] | None) -> Recently:
    """The last four weeks of these venues together (None: of all) and the week ahead: a constant
    number of statements. Today is UTC's."""
    on = database_now().date()
    first, last = on - WEEKS * 7 * DAY + DAY, on + DAYS_AHEAD * DAY
    heat = _compute_heat(venues, on - WEEKS * 7 * DAY, on - DAY)
    return Recently(on, _count_by_day(venues, first, last), heat)


def _count_by_day(venues: Collection[int] | None, first: date, last: date) -> list[Count]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT (b.starts_at AT TIME ZONE v.time_zone)::date, count(*),
                count(*) FILTER (WHERE t.effective = %s)
            FROM {_BOOKINGS} b JOIN {_VENUES} v ON v.id = b.venue_id
            CROSS JOIN LATERAL (SELECT {EFFECTIVE_STATUS} AS effective) t
            WHERE b.starts_at >= %s AND b.starts_at < %s AND t.effective <> ALL(%s)
                AND (%s::bigint[] IS NULL OR b.venue_id = ANY(%s)) GROUP BY 1""",
            [
                *(Status.NO_SHOW.value, first - DAY, last + 2 * DAY, list(NOT_COUNTED)),
                *(2 * [None if venues is None else list(venues)]),
            ],
        )
        found = {row[0]: Count(*row) for row in cursor.fetchall()}
    dates = [first + n * DAY for n in range((last - first).days + 1)]
    return [found.get(on, Count(on, 0, 0)) for on in dates]


def _compute_heat(
    venues: Collection[int] | None, first: date, last: date
) -> list[list[float | None]]:
    used = analytics.compute_heat_map(venues, first, last)
    open_ = _compute_open_time(opening_hours.get_scope(venues), first, last)
    return [
        [
            min(1.0, hours * 3600 / whole) if whole else None
            for hours, whole in zip(*weekday, strict=True)
        ]
        for weekday in zip(used, open_, strict=True)
    ]


def _compute_open_time(scope: opening_hours.Scope, first: date, last: date) -> list[list[float]]:
    """Seconds that the units of all rooms together were open, by weekday and hour."""
    table = [[0.0] * 24 for _ in range(7)]
    for index, clock in enumerate(scope.clocks):
        units = sum(room.units for room in scope.rooms if room.clock == index)
        for day in clock.days(first, last).values():
            for hour, starts, ends in clock.cells(day):
                table[day.on.weekday()][hour] += units * (ends - starts).total_seconds()
    return table
