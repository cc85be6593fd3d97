"""Stores the sums of days that are over, so that a year need not be counted again.

No figure needs this to be right, only to be fast: what is missing, outdated or counted with other
hours is counted from the bookings by the query.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection, transaction

from api.lifecycle import BOOKING, Status
from api.models import Booking, DayRollup, MonthRollup, OutdatedPeriod
from api.models.analytics import SETTLED
from api.policy import DAY
from api.queries.analytics import aggregates
from api.queries.analytics.aggregates import ALLOCATIONS, HOURS, SPANS, Span
from api.queries.analytics.rollups import IS_CURRENT, JOINED, PERIODS, build_parameters
from api.queries.venues import opening_hours
from api.queries.venues.opening_hours import (
    Days,
    Period,
    Scope,
    list_day_periods,
    list_month_periods,
)

RETENTION: Final = timedelta(days=5 * 366 + 31)  # older days are counted by the query
BUDGET: Final = 120.0  # seconds; what is left is for the next run
ROOMS_AT_ONCE: Final = 1000
LOCK: Final = opening_hours.hash_to_int("roll_up_analytics")

DAYS, MONTHS, OUTDATED_PERIODS, BOOKINGS = (
    model._meta.db_table for model in (DayRollup, MonthRollup, OutdatedPeriod, Booking)
)
SUMS: Final = (
    "bookings",
    "no_shows",
    "wasted",
    "attendees",
    "units",
    "oversized",
    "undersized",
    "booked",
)
COLUMNS: Final = f"resource_id, starts_on, basis, capacity, {', '.join(SUMS)}, starts, heat"

# A local date is a day more on either side in some zone: too much is dropped, never too little.
DELETE_OUTDATED: Final = f"""
    WITH changed AS (DELETE FROM {OUTDATED_PERIODS} RETURNING *),
    stale AS (SELECT DISTINCT resource_id, (starts_at AT TIME ZONE 'UTC')::date - 1 AS first_on,
        (ends_at AT TIME ZONE 'UTC')::date + 1 AS last_on FROM changed),
    months AS (DELETE FROM {MONTHS} r USING stale s WHERE r.resource_id = s.resource_id
        AND r.starts_on BETWEEN date_trunc('month', s.first_on)::date AND s.last_on)
    DELETE FROM {DAYS} r USING stale s WHERE r.resource_id = s.resource_id
        AND r.starts_on BETWEEN s.first_on AND s.last_on"""

# Statuses that time alone would still change into one with other sums.
UNSETTLED: Final = " OR ".join(
    f"b.status IN ({', '.join(repr(str(source)) for source in move.sources)})"
    f" AND b.{move.deadline} IS NOT NULL"
    for move in BOOKING.time_driven
    if move.target != Status.COMPLETED
)
DELETE_STALE: Final = f"""DELETE FROM {{table}} o USING {JOINED}
    WHERE o.id = r.id AND NOT ({IS_CURRENT})"""
SELECT_MISSING: Final = f"""SELECT p.id, d.starts_on FROM room p JOIN period d ON d.part = p.part
    WHERE NOT EXISTS (SELECT FROM {DAYS} r
        WHERE r.resource_id = p.id AND r.starts_on = d.starts_on)
    AND NOT EXISTS (SELECT FROM {BOOKINGS} b WHERE b.resource_id = p.id AND ({UNSETTLED})
        AND b.starts_at < d.ends AND b.ends_at > d.starts)
    AND NOT EXISTS (SELECT FROM {ALLOCATIONS} a JOIN {BOOKINGS} b ON b.id = a.booking_id
        WHERE a.kind = 'part' AND a.resource_id = p.id AND lower(a.span) < d.ends
        AND ({UNSETTLED}) AND b.starts_at < d.ends AND b.ends_at > d.starts)
    ORDER BY 1, 2"""
SELECT_FINISHED: Final = f"""SELECT d.starts_on, array_agg(p.id) FROM {JOINED.format(table=MONTHS)}
    WHERE {IS_CURRENT} GROUP BY 1"""

HEAT: Final = "ARRAY[{}]".format(
    ", ".join(f"coalesce(sum(seconds) FILTER (WHERE hour = {hour}), 0)::int" for hour in HOURS)
)
NO_HOURS: Final = "array_fill(0, ARRAY[24])"
DAY_SUMS: Final = aggregates.build_sums_sql(
    (*SUMS, "starts"), "resource_id, day_on", aggregates.NARROW
)
WRITE_DAYS: Final = f"""INSERT INTO {DAYS} ({COLUMNS})
    SELECT p.id, d.starts_on, d.basis, p.capacity,
        {", ".join(f"coalesce(c.{name}, {aggregates.build_zero_sql(name)})" for name in SUMS)},
        coalesce(c.starts, {NO_HOURS}), coalesce(h.heat, {NO_HOURS})
    FROM room p JOIN period d ON d.part = p.part
    LEFT JOIN ({DAY_SUMS}) c
        ON c.resource_id = p.id AND c.day_on = d.starts_on
    LEFT JOIN (SELECT resource_id, day_on, {HEAT} AS heat FROM (
        SELECT c.resource_id, c.day_on, h.hour, {aggregates.SECONDS} AS seconds
        FROM {aggregates.build_counted_sql(("heat",), aggregates.NARROW)} {aggregates.IN_CELL}
        GROUP BY 1, 2, 3) g GROUP BY 1, 2) h
        ON h.resource_id = p.id AND h.day_on = d.starts_on
    ON CONFLICT DO NOTHING"""

MONTH_STARTS: Final = ", ".join(f"sum(r.starts[{hour + 1}])::int" for hour in HOURS)
MONTH_HEAT: Final = ", ".join(
    f"coalesce(sum(r.heat[{hour + 1}]) FILTER (WHERE extract(isodow FROM r.starts_on) = {weekday}),"
    " 0)::int"
    for weekday in range(1, 8)
    for hour in HOURS
)
WRITE_MONTHS: Final = f"""INSERT INTO {MONTHS} ({COLUMNS})
    SELECT p.id, d.starts_on, d.basis, p.capacity, {", ".join(f"sum(r.{name})" for name in SUMS)},
        ARRAY[{MONTH_STARTS}], ARRAY[{MONTH_HEAT}]
    FROM room p JOIN period d ON d.part = p.part
    JOIN {DAYS} r ON r.resource_id = p.id AND r.starts_on BETWEEN d.starts_on AND d.ends_on
    GROUP BY p.id, d.starts_on, d.ends_on, d.basis, p.capacity
    HAVING count(*) = d.ends_on - d.starts_on + 1
    ON CONFLICT DO NOTHING"""


def roll_up() -> int:
    """How many days were summed up in this run, newest first. Safe to run twice or at once with
    itself: a second run leaves the work to the first."""
    until = time.monotonic() + BUDGET
    with transaction.atomic():
        if not _try_lock():
            return 0
        _execute(DELETE_OUTDATED)
        first_on = _get_first_date()
    scope = opening_hours.get_scope(None)
    if first_on is None or scope.now is None:
        return 0
    last_on = (scope.now - SETTLED).date() + DAY  # in the zone that is furthest ahead
    if last_on < first_on:
        return 0
    days = [clock.days(first_on, last_on) for clock in scope.clocks]
    written = 0
    for spans in _iter_unfinished(scope, days):
        if time.monotonic() > until:
            break
        written += _sum_up(scope, days, spans)
    return written


def _try_lock() -> bool:
    """Whether no other run is between its look and its commit; until our transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def _get_first_date() -> date | None:
    """The first day of the month of the first booking, and not before what is kept; None without
    bookings. What is older is forgotten."""
    now = "(statement_timestamp() AT TIME ZONE 'UTC')::date"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT date_trunc('month', greatest({now} - %s,"
            f" (SELECT min(starts_at) FROM {BOOKINGS}) AT TIME ZONE 'UTC'))::date,"
            f" EXISTS (SELECT FROM {BOOKINGS})",
            [RETENTION.days],
        )
        first_on, any_booking = cursor.fetchone()
        for table in (DAYS, MONTHS):
            cursor.execute(f"DELETE FROM {table} WHERE starts_on < %s", [first_on])
    return first_on if any_booking else None


def _iter_unfinished(scope: Scope, days: Sequence[Days]) -> Iterator[list[Span]]:
    """Calendar months, newest first, of up to ROOMS_AT_ONCE rooms whose sums of the month do not
    hold or are not there yet."""
    spans = [(p.id, min(days[p.clock]), max(days[p.clock])) for p in scope.rooms]
    done = dict(_execute(SELECT_FINISHED, build_parameters(scope, days, spans, list_month_periods)))
    months = sorted({on.replace(day=1) for some in days for on in some}, reverse=True)
    for first_on in months:
        finished = set(done.get(first_on, ()))
        last_on = min(_get_month_end(first_on), *(max(some) for some in days))
        left = [(p.id, first_on, last_on) for p in scope.rooms if p.id not in finished]
        for n in range(0, len(left), ROOMS_AT_ONCE):
            yield left[n : n + ROOMS_AT_ONCE]


def _get_month_end(first_on: date) -> date:
    return (first_on + 31 * DAY).replace(day=1) - DAY


@transaction.atomic
def _sum_up(scope: Scope, days: Sequence[Days], spans: Sequence[Span]) -> int:
    """Days written; those of the spans that are over, settled and not there yet, then the
    months that they complete."""
    if not _try_lock():
        return 0
    settled = build_parameters(scope, days, spans, lambda some: _list_settled(some, scope))
    months = build_parameters(scope, days, spans, list_month_periods)
    # a month is made of what days there are, so none of them may be outdated
    _execute(
        DELETE_STALE.format(table=DAYS), build_parameters(scope, days, spans, list_day_periods)
    )
    _execute(DELETE_STALE.format(table=MONTHS), months)
    missing = list(_iter_runs(_execute(SELECT_MISSING, settled)))
    if missing:
        params = build_parameters(scope, days, missing, list_day_periods)
        params |= (
            aggregates.build_bounds(scope, days, missing)
            | aggregates.build_openings(days, missing)
            | aggregates.build_cells(scope, days, missing)
        )
        _execute(WRITE_DAYS, params, (SPANS, PERIODS, aggregates.OPENING, aggregates.CELLS))
    _execute(WRITE_MONTHS, months)
    return sum((last_on - first_on).days + 1 for _, first_on, last_on in missing)


def _list_settled(days: Days, scope: Scope) -> list[Period]:
    """The days that have been over for long enough that later changes leave a mark."""
    return [p for p in list_day_periods(days) if scope.now and p.ends <= scope.now - SETTLED]


def _iter_runs(dates: Iterable[tuple[int, date]]) -> Iterator[Span]:
    """Dates of rooms, in order, as spans of consecutive ones."""
    span: Span | None = None
    for pk, on in dates:
        if span is not None and span[0] == pk and span[2] + DAY == on:
            span = (pk, span[1], on)
            continue
        if span is not None:
            yield span
        span = (pk, on, on)
    if span is not None:
        yield span


def _execute(
    sql: str, params: Mapping[str, Any] | None = None, tables: Sequence[str] = (PERIODS,)
) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {', '.join(tables)} {sql}" if params else sql, params)
        return cursor.fetchall() if cursor.description else []
