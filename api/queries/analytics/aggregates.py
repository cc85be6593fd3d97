"""What is counted of bookings, computed from the bookings themselves in one statement.

The only module that says what counts: `queries.analytics.analytics` makes figures of these sums,
and `services.analytics.rollups` keeps the same sums day by day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from api.effective_status import build_effective_status_sql
from api.lifecycle import BOOKING, Status
from api.models import Allocation, Booking, User
from api.models.allocations import Kind
from api.policy import DAY, MAX_LENGTH
from api.queries.operations import replica
from api.queries.venues.opening_hours import Day, Days, Scope

HOURS: Final = range(24)
EPOCH: Final = date(2000, 1, 1)
Span = tuple[int, date, date]  # a room's id, its first and last local date
Aggregates = Mapping[str, Any]
Heat = list[list[int]]

# What a booking is by now, whether or not the clock's sweep has run.
EFFECTIVE_STATUS: Final = build_effective_status_sql(BOOKING, "b.")
NOT_COUNTED: Final = (Status.CANCELLED.value, Status.REJECTED.value, Status.EXPIRED.value)

# Until when it took the room: a meeting that was ended, until then; one that nobody came to, until
# its grace was over and the room free again; any other until its end.
UNTIL: Final = """greatest(b.starts_at, least(b.ends_at,
    CASE t.effective WHEN 'completed' THEN b.ended_at WHEN 'no_show' THEN b.no_show_at END))"""
# The people listed and the organizer; without a list, how many were expected.
PEOPLE: Final = f"""(SELECT CASE WHEN count(*) > 0 THEN count(*) + 1 ELSE b.guests END
    FROM {Booking.attendees.through._meta.db_table} a WHERE a.booking_id = b.id)"""

# One row for each booking that counts, each resource of it and each local date of a span in which
# it takes time; `n` is 0 on the date of its start, `own` true for the resource that was named
# first. A date of a clock is one number, `day`, so that the planner joins on both at once; unnest
# of a slice, because it thinks of generate_series as of a thousand rows.
COUNTED: Final = f"""(
    SELECT s.id AS resource_id, b.own, b.owner_id, b.starts_at, b.ends_at, u.until,
        t.effective = 'no_show' AS no_show, {{people}} AS people, b.taken AS units, s.capacity,
        extract(hour FROM l.began)::int AS hour, n, l.began::date + n AS day_on,
        (l.began::date + n - date '2000-01-01') * %(clocks)s + s.clock AS day
    FROM span s {{bookings}}
    CROSS JOIN LATERAL (SELECT {EFFECTIVE_STATUS} AS effective) t
    CROSS JOIN LATERAL (SELECT {UNTIL} AS until) u
    CROSS JOIN LATERAL (SELECT b.starts_at AT TIME ZONE s.zone AS began,
        (u.until - interval '1 microsecond') AT TIME ZONE s.zone AS ended) l
    CROSS JOIN LATERAL unnest((%(steps)s::int[])[
        1 + greatest(0, s.first_on - l.began::date)
        : 1 + least(s.last_on, greatest(l.began, l.ended)::date) - l.began::date]) n
    WHERE t.effective <> ALL(%(not_counted)s)) c"""
BOOKINGS: Final = Booking._meta.db_table
ALLOCATIONS: Final = Allocation._meta.db_table
LONG: Final = "b.ends_at - b.starts_at > interval '24 hours'"
# How many units it takes of its first resource: what a service takes of each stands nowhere else.
UNITS: Final = f"""CASE WHEN b.service_id IS NULL THEN b.quantity ELSE (SELECT count(*)
    FROM {ALLOCATIONS} a WHERE a.booking_id = b.id AND a.resource_id = b.resource_id) END"""
# Other resources; their allocations are longer than the booking by a buffer of a day at most.
PARTS_OF: Final = f"""SELECT a.resource_id AS place, a.booking_id, count(*) AS units
    FROM {ALLOCATIONS} a WHERE a.kind = '{Kind.PART.value}'"""
# Of long spans, all bookings are read at once; of short ones, each span's are looked up: those that
# begin within it or the day before, and the few that last longer than a day.
WIDE: Final = f"""JOIN (
    SELECT b.resource_id AS place, true AS own, {{units}} AS taken, b.* FROM {BOOKINGS} b
        WHERE b.starts_at >= %(since)s AND b.starts_at < %(until)s
    UNION ALL
    SELECT p.place, false, p.units, b.* FROM ({PARTS_OF}
        AND a.resource_id = ANY(%(ids)s::bigint[]) AND lower(a.span) < %(until)s
        AND lower(a.span) >= %(since)s::timestamptz - interval '24 hours' GROUP BY 1, 2) p
        JOIN {BOOKINGS} b ON b.id = p.booking_id) b ON b.place = s.id
    AND b.starts_at < s.ends AND b.starts_at >= s.starts - %(longest)s AND b.ends_at > s.starts"""
NARROW: Final = f"""CROSS JOIN LATERAL (
    SELECT true AS own, {{units}} AS taken, b.* FROM {BOOKINGS} b
        WHERE b.resource_id = s.id AND b.starts_at < s.ends
        AND b.starts_at >= s.starts - interval '24 hours' AND b.ends_at > s.starts
    UNION ALL
    SELECT true, {{units}}, b.* FROM {BOOKINGS} b
        WHERE b.resource_id = s.id AND b.ends_at > s.starts
        AND b.starts_at < s.starts - interval '24 hours'
        AND b.starts_at >= s.starts - %(longest)s AND {LONG}
    UNION ALL
    SELECT false, p.units, b.* FROM ({PARTS_OF} AND a.resource_id = s.id
        AND lower(a.span) < s.ends AND upper(a.span) > s.starts
        AND lower(a.span) >= s.starts - %(longest)s - interval '24 hours' GROUP BY 1, 2) p
        JOIN {BOOKINGS} b ON b.id = p.booking_id
        AND b.starts_at < s.ends AND b.ends_at > s.starts OFFSET 0) b"""
SPANS: Final = """span AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(span_clocks)s::int[], %(zones)s::text[],
        %(capacities)s::int[], %(firsts)s::date[], %(lasts)s::date[],
        %(starts)s::timestamptz[], %(ends)s::timestamptz[])
        AS s(id, clock, zone, capacity, first_on, last_on, starts, ends))"""
OPENING: Final = """opening AS (
    SELECT * FROM unnest(%(open_days)s::int[], %(open_nths)s::int[],
        %(opens)s::timestamptz[], %(closes)s::timestamptz[]) AS o(day, nth, opens, closes))"""
CELLS: Final = """cell AS (
    SELECT * FROM unnest(%(cell_days)s::int[], %(cell_hours)s::int[],
        %(cell_opens)s::timestamptz[], %(cell_closes)s::timestamptz[])
        AS h(day, hour, opens, closes))"""
IN_CELL: Final = """JOIN cell h ON h.day = c.day
    AND h.opens < c.until AND h.closes > c.starts_at"""

# A booking is counted at its first resource on the local date of its start; its time at each of its
# resources on each date in which it falls, once for every unit.
BEGAN: Final = "c.own AND c.n = 0 AND coalesce(o.nth, 1) = 1"
ZERO: Final = "interval '0'"
PARTS: Final[dict[str, str]] = {
    "bookings": f"count(*) FILTER (WHERE {BEGAN})",
    "no_shows": f"count(*) FILTER (WHERE {BEGAN} AND c.no_show)",
    "wasted": f"sum(c.ends_at - c.starts_at) FILTER (WHERE {BEGAN} AND c.no_show)",
    "attendees": f"sum(c.people) FILTER (WHERE {BEGAN})",
    "units": f"sum(c.units) FILTER (WHERE {BEGAN})",
    "oversized": f"count(*) FILTER (WHERE {BEGAN} AND c.people * 2 < c.capacity * c.units)",
    "undersized": f"count(*) FILTER (WHERE {BEGAN} AND c.people > c.capacity * c.units)",
    "booked": f"""sum(c.units
        * greatest(least(c.until, o.closes) - greatest(c.starts_at, o.opens), {ZERO}))
        FILTER (WHERE o.day IS NOT NULL)""",
}
STARTS: Final = "ARRAY[{}]".format(
    ", ".join(f"coalesce(sum(bookings) FILTER (WHERE hour = {h}), 0)::int" for h in HOURS)
)
# whole seconds of each booking in each hour, so that sums of sums are the same sums
SECONDS: Final = """sum(c.units * floor(extract(epoch FROM
    least(c.until, h.closes) - greatest(c.starts_at, h.opens))))::bigint"""
NO_BOOKINGS: Final[Aggregates] = {
    "wasted": timedelta(0),
    "booked": timedelta(0),
    "starts": [0] * 24,
    **dict.fromkeys(("bookings", "no_shows", "attendees", "units", "oversized", "undersized"), 0),
}


def build_counted_sql(wanted: Sequence[str], bookings: str) -> str:
    """The bookings that count, found as WIDE or NARROW says; people and units are looked up only
    when a sum needs them."""
    names = set(wanted)
    people = PEOPLE if {"attendees", "oversized", "undersized"} & names else "0"
    units = UNITS if {"units", "oversized", "undersized", "booked", "heat"} & names else "1"
    return COUNTED.format(people=people, bookings=bookings.format(units=units))


def choose_lookup(spans: Sequence[Span]) -> str:
    longest = max(last_on - first_on for _, first_on, last_on in spans)
    return WIDE if longest > MAX_LENGTH else NARROW


def build_sums_sql(wanted: Sequence[str], key: str, bookings: str) -> str:
    """A query of the sums by `key`, which is made of columns of COUNTED."""
    parts = dict.fromkeys(["bookings", *(name for name in wanted if name != "starts")])
    inner = ", ".join(f"{PARTS[name]} AS {name}" for name in parts)
    totals = {name: STARTS if name == "starts" else build_total_sql(name) for name in wanted}
    outer = ", ".join(f"{sql} AS {name}" for name, sql in totals.items())
    return f"""SELECT {key}, {outer} FROM (
        SELECT {key}, hour, {inner} FROM {build_counted_sql(wanted, bookings)}
        LEFT JOIN opening o ON o.day = c.day GROUP BY {key}, hour) g GROUP BY {key}"""


def build_zero_sql(name: str) -> str:
    """The sum of no bookings."""
    return ZERO if name.endswith(("wasted", "booked")) else "0"


def build_total_sql(name: str) -> str:
    """A sum of sums, of the same type."""
    kind = "interval" if build_zero_sql(name) == ZERO else "bigint"
    return f"coalesce(sum({name}), {build_zero_sql(name)})::{kind}"


def compute_sums(
    scope: Scope, days: Sequence[Days], spans: Iterable[Span], wanted: Sequence[str]
) -> dict[int, Aggregates]:
    """The sums named in `wanted` per room, over the local dates of its spans. `days` belongs to
    `scope.clocks` and covers the spans. A room without bookings is left out."""
    return _sums_by("resource_id", scope, days, spans, wanted)


def sums_by_date(
    scope: Scope, days: Sequence[Days], spans: Iterable[Span], wanted: Sequence[str]
) -> dict[date, Aggregates]:
    """The same of all rooms together per local date."""
    return _sums_by("day_on", scope, days, spans, wanted)


def _sums_by(
    key: str, scope: Scope, days: Sequence[Days], spans: Iterable[Span], wanted: Sequence[str]
) -> dict[Any, Aggregates]:
    if not (spans := list(spans)):
        return {}
    sql = f"WITH {SPANS}, {OPENING} {build_sums_sql(wanted, key, choose_lookup(spans))}"
    with replica.open_cursor() as cursor:
        cursor.execute(sql, build_bounds(scope, days, spans) | build_openings(days, spans))
        return {row[0]: dict(zip(wanted, row[1:], strict=True)) for row in cursor.fetchall()}


def no_shows_by_department(
    scope: Scope, days: Sequence[Days], spans: Iterable[Span], unnamed: str
) -> list[tuple[str, int, int]]:
    """Each department of the owners, its bookings and no-shows; who has none is in `unnamed`."""
    if not (spans := list(spans)):
        return []
    sql = f"""WITH {SPANS} SELECT coalesce(nullif(btrim(u.department), ''), %(unnamed)s),
        count(*), count(*) FILTER (WHERE c.no_show)
        FROM {build_counted_sql((), choose_lookup(spans))}
        LEFT JOIN {User._meta.db_table} u ON u.id = c.owner_id WHERE c.own AND c.n = 0
        GROUP BY 1"""
    with replica.open_cursor() as cursor:
        cursor.execute(sql, build_bounds(scope, days, spans) | {"unnamed": unnamed})
        return list(cursor.fetchall())


def compute_heat(scope: Scope, days: Sequence[Days], spans: Iterable[Span]) -> Heat:
    """Booked seconds of all rooms by weekday, Monday first, and hour of the wall clock."""
    table = [[0] * 24 for _ in range(7)]
    if not (spans := list(spans)):
        return table
    sql = f"""WITH {SPANS}, {CELLS}
        SELECT extract(isodow FROM c.day_on)::int - 1, h.hour, {SECONDS}
        FROM {build_counted_sql(("heat",), choose_lookup(spans))} {IN_CELL} GROUP BY 1, 2"""
    with replica.open_cursor() as cursor:
        cursor.execute(sql, build_bounds(scope, days, spans) | build_cells(scope, days, spans))
        for weekday, hour, seconds in cursor.fetchall():
            table[weekday][hour] = seconds
    return table


# parameters, as columns


def build_bounds(scope: Scope, days: Sequence[Days], spans: Sequence[Span]) -> dict[str, Any]:
    """Of SPANS and COUNTED."""
    by_id, rows = {room.id: room for room in scope.rooms}, []
    for pk, first_on, last_on in spans:
        room = by_id[pk]
        some, zone = days[room.clock], scope.clocks[room.clock].zone
        edges = first_on, last_on, some[first_on].starts, some[last_on].ends
        rows.append((pk, room.clock, zone, room.capacity, *edges))
    names = ("ids", "span_clocks", "zones", "capacities", "firsts", "lasts", "starts", "ends")
    return build_columns(rows, names) | {
        "clocks": len(scope.clocks),
        "steps": list(range(2 * MAX_LENGTH.days)),
        "longest": MAX_LENGTH + DAY,
        "since": min(row[-2] for row in rows) - MAX_LENGTH - DAY,
        "until": max(row[-1] for row in rows),
        "not_counted": list(NOT_COUNTED),
    }


def build_openings(days: Sequence[Days], spans: Sequence[Span]) -> dict[str, Any]:
    rows = [
        (key, nth, *interval)
        for _, key, day in list_touched_dates(days, spans)
        for nth, interval in enumerate(day.open, 1)
    ]
    return build_columns(rows, ("open_days", "open_nths", "opens", "closes"))


def build_cells(scope: Scope, days: Sequence[Days], spans: Sequence[Span]) -> dict[str, Any]:
    """The open time of every date, cut at the hours of the wall clock."""
    rows = [
        (key, *cell)
        for clock, key, day in list_touched_dates(days, spans)
        for cell in scope.clocks[clock].cells(day)
    ]
    return build_columns(rows, ("cell_days", "cell_hours", "cell_opens", "cell_closes"))


def list_touched_dates(
    days: Sequence[Days], spans: Sequence[Span]
) -> Iterable[tuple[int, int, Day]]:
    """Every date that some span touches, of every clock, with the clock and its `day`."""
    dates: set[date] = set()
    for first_on, last_on in {span[1:] for span in spans}:
        dates.update(first_on + n * DAY for n in range((last_on - first_on).days + 1))
    for clock, some in enumerate(days):
        for on in dates & some.keys():
            yield clock, (on - EPOCH).days * len(days) + clock, some[on]


def build_columns(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> dict[str, str]:
    """The columns of the rows as array literals: of numbers, dates, instants and names of zones,
    nothing that would need quoting. Making them costs a tenth of what a list of parameters does."""
    return {name: build_array(row[n] for row in rows) for n, name in enumerate(names)}


def build_array(values: Iterable[Any]) -> str:
    return "{" + ",".join(map(str, values)) + "}"
