"""The same sums as `queries.analytics.aggregates`, read from stored sums where they are current.

The sums of a month or a day are current when they were counted with the hours and the capacity of
today, and no booking of theirs has changed since. The rest is counted from the bookings.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, TypeAlias

from api.models import DayRollup, MonthRollup, OutdatedPeriod
from api.policy import DAY
from api.queries.operations import replica
from api.queries.venues.opening_hours import (
    Days,
    Period,
    Scope,
    list_day_periods,
    list_month_periods,
)

from . import aggregates
from .aggregates import (
    HOURS,
    Aggregates,
    Heat,
    Span,
    build_columns,
    build_total_sql,
)

Rollup: TypeAlias = type[DayRollup] | type[MonthRollup]
GRAINS: Final[Sequence[tuple[Rollup, Callable[[Days], list[Period]]]]] = (
    (MonthRollup, list_month_periods),
    (DayRollup, list_day_periods),
)
# `part` numbers the rooms that share a clock and spans, and the periods within those. A date of a
# part is one number, `key`, so that the planner finds the sums of all dates first; `bit` is its
# position among all dates, so that those that hold come back as one short text.
PERIODS: Final = """room AS (
    SELECT * FROM unnest(%(rooms)s::bigint[], %(room_parts)s::int[], %(room_capacities)s::int[])
        AS p(id, part, capacity)),
    period AS (
    SELECT *, part + %(parts)s * (starts_on - date '2000-01-01') AS key,
        set_bit(repeat('0', cardinality(%(dates)s::date[]))::varbit,
            array_position(%(dates)s::date[], starts_on) - 1, 1) AS bit
    FROM unnest(%(period_parts)s::int[], %(starts_on)s::date[], %(ends_on)s::date[],
        %(period_starts)s::timestamptz[], %(period_ends)s::timestamptz[], %(bases)s::bigint[])
        AS d(part, starts_on, ends_on, starts, ends, basis))"""
JOINED: Final = """room p JOIN {table} r ON r.resource_id = p.id
    AND r.starts_on = ANY(%(dates)s::date[])
    JOIN period d ON d.key = p.part + %(parts)s * (r.starts_on - date '2000-01-01')"""
IS_CURRENT: Final = "r.basis = d.basis AND r.capacity = p.capacity"
CURRENT: Final = f"""FROM {JOINED} WHERE {IS_CURRENT}
    AND NOT EXISTS (SELECT FROM {OutdatedPeriod._meta.db_table} m WHERE m.resource_id = p.id
        AND m.starts_at < d.ends AND m.ends_at > d.starts)"""
STARTS: Final = "ARRAY[{}]".format(", ".join(f"sum(r.starts[{hour + 1}])::int" for hour in HOURS))


def compute_sums(
    scope: Scope, days: Sequence[Days], spans: Iterable[Span], wanted: Sequence[str]
) -> dict[int, Aggregates]:
    """As `aggregates.compute_sums`, in four statements at most."""
    found: dict[int, Aggregates] = {}
    early, spans = _split_spans(spans)
    outer = ", ".join(
        STARTS if name == "starts" else build_total_sql(f"r.{name}") for name in wanted
    )
    for model, periods in GRAINS:
        if not spans:
            break
        params = build_parameters(scope, days, spans, periods)
        rows = _fetch_rows(
            f"SELECT r.resource_id, bit_or(d.bit)::text, {outer} {_build_current_sql(model)}"
            " GROUP BY r.resource_id",
            params,
        )
        for pk, _, *values in rows:
            _add_sums(found, pk, dict(zip(wanted, values, strict=True)))
        spans = _subtract_periods(spans, {row[0]: row[1] for row in rows}, params["dates"], model)
    for pk, tally in aggregates.compute_sums(scope, days, early + spans, wanted).items():
        _add_sums(found, pk, tally)
    return found


def compute_heat(scope: Scope, days: Sequence[Days], spans: Iterable[Span]) -> Heat:
    """As `aggregates.compute_heat`, in four statements at most."""
    table = [[0] * 24 for _ in range(7)]
    early, spans = _split_spans(spans)
    for model, periods in GRAINS:
        if not spans:
            break
        params = build_parameters(scope, days, spans, periods)
        rows = _fetch_rows(
            "SELECT * FROM (WITH held AS MATERIALIZED"
            f" (SELECT r.resource_id, r.starts_on, r.heat, d.bit {_build_current_sql(model)})"
            " SELECT resource_id, bit_or(bit)::text AS bits, NULL::int AS weekday,"
            " NULL::bigint[] AS seconds FROM held GROUP BY resource_id"
            f" UNION ALL {_build_heat_sql(model)}) held",
            params,
        )
        for _, _, weekday, seconds in rows:
            for n, more in enumerate(seconds or ()):
                table[weekday + n // 24][n % 24] += more
        held = {row[0]: row[1] for row in rows if row[0] is not None}
        spans = _subtract_periods(spans, held, params["dates"], model)
    for weekday, row in enumerate(aggregates.compute_heat(scope, days, early + spans)):
        table[weekday] = [a + b for a, b in zip(table[weekday], row, strict=True)]
    return table


def _split_spans(spans: Iterable[Span]) -> tuple[list[Span], list[Span]]:
    """Split the spans at the first date that has stored sums: what lies before it, and the rest."""
    with replica.open_cursor() as cursor:
        cursor.execute(f"SELECT min(starts_on) FROM {DayRollup._meta.db_table}")
        first = cursor.fetchone()[0] or date.max
    early, rest = [], []
    for pk, first_on, last_on in spans:
        if first_on < first:
            early.append((pk, first_on, min(last_on, first - DAY)))
        if last_on >= first:
            rest.append((pk, max(first_on, first), last_on))
    return early, rest


def _build_heat_sql(model: Rollup) -> str:
    """Seconds of all that held: of a day by its hours, of a month by weekday and hour."""
    size, weekday = (
        (24, "extract(isodow FROM starts_on)::int - 1") if model is DayRollup else (168, "0")
    )
    seconds = ", ".join(f"coalesce(sum(heat[{n}]), 0)" for n in range(1, size + 1))
    return f"SELECT NULL, NULL, {weekday}, ARRAY[{seconds}]::bigint[] FROM held GROUP BY 3"


def _build_current_sql(model: Rollup) -> str:
    return CURRENT.format(table=model._meta.db_table)


def _fetch_rows(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with replica.open_cursor() as cursor:
        cursor.execute(f"WITH {PERIODS} {sql}", params)
        return list(cursor.fetchall())


def build_parameters(
    scope: Scope,
    days: Sequence[Days],
    spans: Sequence[Span],
    periods: Callable[[Days], list[Period]],
) -> dict[str, Any]:
    """Of PERIODS: the rooms of the spans, and the periods that lie within them."""
    spans_by_room: dict[int, list[tuple[date, date]]] = defaultdict(list)
    for pk, *edges in spans:
        spans_by_room[pk].append((edges[0], edges[1]))
    known = [periods(some) for some in days]
    parts: dict[tuple[Any, ...], int] = {}
    rooms = [
        (
            room.id,
            parts.setdefault((room.clock, *spans_by_room[room.id]), len(parts)),
            room.capacity,
        )
        for room in scope.rooms
        if room.id in spans_by_room
    ]
    rows = [
        (part, period.starts_on, period.ends_on, period.starts, period.ends, period.basis)
        for (clock, *inside), part in parts.items()
        for period in known[clock]
        if any(first <= period.starts_on and period.ends_on <= last for first, last in inside)
    ]
    names = ("period_parts", "starts_on", "ends_on", "period_starts", "period_ends", "bases")
    dates = sorted({row[1] for row in rows})
    return {
        **build_columns(rooms, ("rooms", "room_parts", "room_capacities")),
        **build_columns(rows, names),
        "parts": len(parts),
        "dates": dates,
    }


def _add_sums(found: dict[int, Aggregates], pk: int, more: Aggregates) -> None:
    known = found.get(pk)
    if known is None:
        found[pk] = more
        return
    found[pk] = {
        name: [a + b for a, b in zip(known[name], value, strict=True)]
        if isinstance(value, list)
        else known[name] + value
        for name, value in more.items()
    }


def _subtract_periods(
    spans: Sequence[Span], held: Mapping[int, str], dates: Sequence[date], model: Rollup
) -> list[Span]:
    """What of the spans is in none of the periods that held, by room."""
    left: list[Span] = []
    known: dict[tuple[date, date, str], list[tuple[date, date]]] = {}
    for pk, first_on, last_on in spans:
        key = (first_on, last_on, held.get(pk, ""))
        if key not in known:
            taken = (on for on, bit in zip(dates, key[2], strict=False) if bit == "1")
            known[key] = list(
                _iter_gaps(first_on, last_on, [(on, _get_last_date(on, model)) for on in taken])
            )
        left += [(pk, *gap) for gap in known[key]]
    return left


def _get_last_date(on: date, model: Rollup) -> date:
    return on if model is DayRollup else on.replace(day=monthrange(on.year, on.month)[1])


def _iter_gaps(
    first_on: date, last_on: date, taken: Sequence[tuple[date, date]]
) -> Iterable[tuple[date, date]]:
    for starts_on, ends_on in taken:
        if not first_on <= starts_on <= last_on:
            continue
        if first_on < starts_on:
            yield first_on, starts_on - DAY
        first_on = ends_on + DAY
    if first_on <= last_on:
        yield first_on, last_on
