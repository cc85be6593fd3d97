"""What is counted of bookings, computed from the bookings themselves in one statement.

The one place that says what counts: `api.queries.analytics` makes figures of the sums, and
`services.rollups` keeps the same sums per day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection

from api.lifecycle import BOOKING, Status
from api.models import Booking
from api.policy import LONGEST

from .open_hours import Days, Scope

HOURS: Final = range(24)
Span = tuple[int, date, date]  # a place's id, first and last local date
Tally = Mapping[str, Any]

# What a booking is by now, whether or not the clock's sweep has run.
STANDING: Final = "CASE {} ELSE b.status END".format(
    " ".join(
        f"WHEN b.status IN ({', '.join(repr(str(s)) for s in move.sources)})"
        f" AND b.{move.deadline} <= statement_timestamp()"
        + (f" AND b.{move.unless} IS NULL" if move.unless else "")
        + f" THEN '{move.target}'"
        for move in BOOKING.clocked
    )
)
NOT_COUNTED: Final = (Status.CANCELLED.value, Status.REJECTED.value, Status.EXPIRED.value)

# Until when it took the room: a meeting that was ended, until then; one that nobody came to, until
# its grace was over and the room free again; any other until its end.
UNTIL: Final = (
    f"greatest(b.starts_at, least(b.ends_at, CASE WHEN {STANDING} = 'completed' THEN b.ended_at"
    f" WHEN {STANDING} = 'no_show' THEN b.no_show_at END))"
)
# The people listed and the organizer; without a list, how many were expected.
PEOPLE: Final = (
    "(SELECT CASE WHEN count(*) > 0 THEN count(*) + 1 ELSE b.guests END"
    f" FROM {Booking.attendees.through._meta.db_table} a WHERE a.booking_id = b.id)"
)

# A booking is counted on the local date of its start; its time on each date in which it falls.
BEGAN: Final = "c.n = 0 AND coalesce(o.nth, 1) = 1"
ZERO: Final = "interval '0'"
SUMS: Final[dict[str, str]] = {
    "bookings": f"count(*) FILTER (WHERE {BEGAN})",
    "no_shows": f"count(*) FILTER (WHERE {BEGAN} AND c.no_show)",
    "wasted": f"coalesce(sum(c.ends_at - c.starts_at) FILTER (WHERE {BEGAN} AND c.no_show), {ZERO})",
    "attendees": f"coalesce(sum(c.people) FILTER (WHERE {BEGAN}), 0)::bigint",
    "oversized": f"count(*) FILTER (WHERE {BEGAN} AND c.people * 2 < c.capacity)",
    "undersized": f"count(*) FILTER (WHERE {BEGAN} AND c.people > c.capacity)",
    "booked": "coalesce(sum(greatest("
    f"least(c.until, o.closes) - greatest(c.starts_at, o.opens), {ZERO})), {ZERO})",
    "starts": "ARRAY[{}]".format(
        ", ".join(f"count(*) FILTER (WHERE {BEGAN} AND c.hour = {h})" for h in HOURS)
    ),
}
NOTHING: Final[Tally] = {
    "wasted": timedelta(0),
    "booked": timedelta(0),
    "starts": [0] * 24,
    **dict.fromkeys(("bookings", "no_shows", "attendees", "oversized", "undersized"), 0),
}

PLACES: Final = (
    "place AS (SELECT * FROM unnest(%(places)s::bigint[], %(clocks)s::int[], %(zones)s::text[],"
    " %(capacities)s::int[]) AS p(id, clock, zone, capacity)),"
    " span AS (SELECT * FROM unnest(%(span_places)s::bigint[], %(span_firsts)s::date[],"
    " %(span_lasts)s::date[]) AS s(id, first_on, last_on))"
)
OPENING: Final = (
    "opening AS (SELECT * FROM unnest(%(open_clocks)s::int[], %(open_dates)s::date[],"
    " %(open_nths)s::int[], %(opens)s::timestamptz[], %(closes)s::timestamptz[])"
    ' AS o(clock, "on", nth, opens, closes))'
)


def counted(people: bool) -> str:
    """The bookings that count, one row for each local date `c.on` in which they take time."""
    return (
        f"(SELECT b.id, b.resource_id, b.starts_at, b.ends_at, {UNTIL} AS until,"
        f" {STANDING} = 'no_show' AS no_show, {PEOPLE if people else '0'} AS people,"
        " p.clock, p.capacity, extract(hour FROM l.began) AS hour, n,"
        ' l.began::date + n AS "on"'
        f" FROM {Booking._meta.db_table} b JOIN place p ON p.id = b.resource_id"
        " CROSS JOIN LATERAL (SELECT b.starts_at AT TIME ZONE p.zone AS began) l"
        " CROSS JOIN LATERAL generate_series(0, greatest(0,"
        f" (({UNTIL} - interval '1 microsecond') AT TIME ZONE p.zone)::date - l.began::date)) n"
        " WHERE b.starts_at >= %(since)s - %(longest)s AND b.starts_at < %(until)s"
        f" AND b.ends_at > %(since)s AND {STANDING} <> ALL(%(not_counted)s)) c"
        ' JOIN span s ON s.id = c.resource_id AND c."on" BETWEEN s.first_on AND s.last_on'
    )


def direct(
    scope: Scope, days: Sequence[Days], spans: Iterable[Span], wanted: Sequence[str]
) -> dict[int, Tally]:
    """The sums named in `wanted` per place, over the local dates of its spans, in one statement.
    `days` belongs to `scope.clocks` and covers the spans. A place without bookings is left out."""
    sql = (
        f"WITH {PLACES}, {OPENING} SELECT c.resource_id,"  # noqa: S608
        f" {', '.join(SUMS[name] for name in wanted)} FROM {counted('attendees' in wanted)}"
        ' LEFT JOIN opening o ON o.clock = c.clock AND o."on" = c."on" GROUP BY c.resource_id'
    )
    params = parameters(scope, days, spans)
    if params is None:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return {row[0]: dict(zip(wanted, row[1:], strict=True)) for row in cursor.fetchall()}


def parameters(scope: Scope, days: Sequence[Days], spans: Iterable[Span]) -> dict[str, Any] | None:
    """What the statements of this module are given, as columns; None when nothing is asked."""
    spans = list(spans)
    if not spans:
        return None
    first, last = min(span[1] for span in spans), max(span[2] for span in spans)
    inside = [[day for day in some.values() if first <= day.on <= last] for some in days]
    opening = [
        (clock, day.on, nth, *interval)
        for clock, some in enumerate(inside)
        for day in some
        for nth, interval in enumerate(day.open, 1)
    ]
    asked = {span[0] for span in spans}
    places = [place for place in scope.places if place.id in asked]
    return {
        "places": [place.id for place in places],
        "clocks": [place.clock for place in places],
        "zones": [scope.clocks[place.clock].zone for place in places],
        "capacities": [place.capacity for place in places],
        **_columns(spans, ("span_places", "span_firsts", "span_lasts")),
        **_columns(opening, ("open_clocks", "open_dates", "open_nths", "opens", "closes")),
        "since": min(some[0].starts for some in inside),
        "until": max(some[-1].ends for some in inside),
        "longest": LONGEST + timedelta(days=1),
        "not_counted": list(NOT_COUNTED),
    }


def _columns(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: [row[n] for row in rows] for n, name in enumerate(names)}


HEAT: Final = (
    "cell AS (SELECT * FROM unnest(%(cell_clocks)s::int[], %(cell_dates)s::date[],"
    " %(cell_hours)s::int[], %(cell_starts)s::timestamptz[], %(cell_ends)s::timestamptz[])"
    ' AS h(clock, "on", hour, opens, closes))'
)
# whole seconds of each booking in each hour, so that sums of sums are the same sums
SECONDS: Final = (
    "sum(floor(extract(epoch FROM least(c.until, h.closes) - greatest(c.starts_at, h.opens))))"
    "::bigint"
)
IN_CELL: Final = (
    ' JOIN cell h ON h.clock = c.clock AND h."on" = c."on"'
    " AND h.opens < c.until AND h.closes > c.starts_at"
)


def cells(scope: Scope, days: Sequence[Days], first_on: date, last_on: date) -> dict[str, Any]:
    """The open time of every date, cut at the hours of the clock on the wall."""
    rows = [
        (clock, day.on, *cell)
        for clock, (some, hours) in enumerate(zip(days, scope.clocks, strict=True))
        for day in some.values()
        if first_on <= day.on <= last_on
        for cell in hours.cells(day)
    ]
    names = ("cell_clocks", "cell_dates", "cell_hours", "cell_starts", "cell_ends")
    return _columns(rows, names)


def heat(scope: Scope, days: Sequence[Days], spans: Iterable[Span]) -> list[list[int]]:
    """Booked seconds by weekday (Monday first) and hour of the clock on the wall."""
    table = [[0] * 24 for _ in range(7)]
    spans = list(spans)
    params = parameters(scope, days, spans)
    if params is None:
        return table
    first, last = min(span[1] for span in spans), max(span[2] for span in spans)
    sql = (
        f'WITH {PLACES}, {HEAT} SELECT extract(isodow FROM c."on")::int - 1, h.hour, {SECONDS}'  # noqa: S608
        f" FROM {counted(False)} {IN_CELL} GROUP BY 1, 2"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, params | cells(scope, days, first, last))
        for weekday, hour, seconds in cursor.fetchall():
            table[weekday][hour] = seconds
    return table
