"""The same sums as `queries.analytics.aggregates`, at the cost of the periods that are asked for.

Sums kept of a month or a day are taken where they hold: counted with the hours and the
capacity of today, and no booking of theirs changed since. The rest is counted from the bookings.
"""
# ruff: noqa: S608 - the statements are put together from the constants of this module alone

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, TypeAlias

from api.models import DayRollup, MonthRollup, RollupMark
from api.policy import DAY
from api.queries.operations import replica
from api.queries.venues.opening_hours import (
    Days,
    Period,
    Scope,
    day_periods,
    month_periods,
)

from . import aggregates
from .aggregates import (
    HOURS,
    Aggregates,
    Heat,
    Span,
    build_columns,
    total_sql,
)

Kept: TypeAlias = type[DayRollup] | type[MonthRollup]
GRAINS: Final[Sequence[tuple[Kept, Callable[[Days], list[Period]]]]] = (
    (MonthRollup, month_periods),
    (DayRollup, day_periods),
)
# `part` numbers the places that share a clock and spans, and the periods within those. A date of a
# part is one number, `key`, so that the planner finds the sums of all dates first; `bit` is its
# place among all dates, so that those that hold come back as one short text.
PERIODS: Final = """place AS (
    SELECT * FROM unnest(%(places)s::bigint[], %(place_parts)s::int[], %(place_capacities)s::int[])
        AS p(id, part, capacity)),
    period AS (
    SELECT *, part + %(parts)s * (starts_on - date '2000-01-01') AS key,
        set_bit(repeat('0', cardinality(%(dates)s::date[]))::varbit,
            array_position(%(dates)s::date[], starts_on) - 1, 1) AS bit
    FROM unnest(%(period_parts)s::int[], %(starts_on)s::date[], %(ends_on)s::date[],
        %(period_starts)s::timestamptz[], %(period_ends)s::timestamptz[], %(bases)s::bigint[])
        AS d(part, starts_on, ends_on, starts, ends, basis))"""
KEPT: Final = """place p JOIN {table} r ON r.resource_id = p.id
    AND r.starts_on = ANY(%(dates)s::date[])
    JOIN period d ON d.key = p.part + %(parts)s * (r.starts_on - date '2000-01-01')"""
HOLDS: Final = "r.basis = d.basis AND r.capacity = p.capacity"
HOLDING: Final = f"""FROM {KEPT} WHERE {HOLDS}
    AND NOT EXISTS (SELECT FROM {RollupMark._meta.db_table} m WHERE m.resource_id = p.id
        AND m.starts_at < d.ends AND m.ends_at > d.starts)"""
STARTS: Final = "ARRAY[{}]".format(", ".join(f"sum(r.starts[{hour + 1}])::int" for hour in HOURS))


def sums(
    scope: Scope, days: Sequence[Days], spans: Iterable[Span], wanted: Sequence[str]
) -> dict[int, Aggregates]:
    """As `aggregates.sums`, in four statements at most."""
    found: dict[int, Aggregates] = {}
    early, spans = _since_kept(spans)
    outer = ", ".join(STARTS if name == "starts" else total_sql(f"r.{name}") for name in wanted)
    for kept, periods in GRAINS:
        if not spans:
            break
        params = parameters(scope, days, spans, periods)
        rows = _read(
            f"SELECT r.resource_id, bit_or(d.bit)::text, {outer} {_holding(kept)}"
            " GROUP BY r.resource_id",
            params,
        )
        for pk, _, *values in rows:
            _add(found, pk, dict(zip(wanted, values, strict=True)))
        spans = _without(spans, {row[0]: row[1] for row in rows}, params["dates"], kept)
    for pk, tally in aggregates.sums(scope, days, early + spans, wanted).items():
        _add(found, pk, tally)
    return found


def heat(scope: Scope, days: Sequence[Days], spans: Iterable[Span]) -> Heat:
    """As `aggregates.heat`, in four statements at most."""
    table = [[0] * 24 for _ in range(7)]
    early, spans = _since_kept(spans)
    for kept, periods in GRAINS:
        if not spans:
            break
        params = parameters(scope, days, spans, periods)
        rows = _read(
            "SELECT * FROM (WITH held AS MATERIALIZED"
            f" (SELECT r.resource_id, r.starts_on, r.heat, d.bit {_holding(kept)})"
            " SELECT resource_id, bit_or(bit)::text AS bits, NULL::int AS weekday,"
            " NULL::bigint[] AS seconds FROM held GROUP BY resource_id"
            f" UNION ALL {_hot(kept)}) held",
            params,
        )
        for _, _, weekday, seconds in rows:
            for n, more in enumerate(seconds or ()):
                table[weekday + n // 24][n % 24] += more
        held = {row[0]: row[1] for row in rows if row[0] is not None}
        spans = _without(spans, held, params["dates"], kept)
    for weekday, row in enumerate(aggregates.heat(scope, days, early + spans)):
        table[weekday] = [a + b for a, b in zip(table[weekday], row, strict=True)]
    return table


def _since_kept(spans: Iterable[Span]) -> tuple[list[Span], list[Span]]:
    """What of the spans lies before the first date of which sums are kept, and the rest."""
    with replica.cursor() as cursor:
        cursor.execute(f"SELECT min(starts_on) FROM {DayRollup._meta.db_table}")
        first = cursor.fetchone()[0] or date.max
    early, rest = [], []
    for pk, first_on, last_on in spans:
        if first_on < first:
            early.append((pk, first_on, min(last_on, first - DAY)))
        if last_on >= first:
            rest.append((pk, max(first_on, first), last_on))
    return early, rest


def _hot(kept: Kept) -> str:
    """Seconds of all that held: of a day by its hours, of a month by weekday and hour."""
    size, weekday = (
        (24, "extract(isodow FROM starts_on)::int - 1") if kept is DayRollup else (168, "0")
    )
    seconds = ", ".join(f"coalesce(sum(heat[{n}]), 0)" for n in range(1, size + 1))
    return f"SELECT NULL, NULL, {weekday}, ARRAY[{seconds}]::bigint[] FROM held GROUP BY 3"


def _holding(kept: Kept) -> str:
    return HOLDING.format(table=kept._meta.db_table)


def _read(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with replica.cursor() as cursor:
        cursor.execute(f"WITH {PERIODS} {sql}", params)
        return list(cursor.fetchall())


def parameters(
    scope: Scope,
    days: Sequence[Days],
    spans: Sequence[Span],
    periods: Callable[[Days], list[Period]],
) -> dict[str, Any]:
    """Of PERIODS: the places of the spans, and the periods that lie within them."""
    asked: dict[int, list[tuple[date, date]]] = defaultdict(list)
    for pk, *edges in spans:
        asked[pk].append((edges[0], edges[1]))
    known = [periods(some) for some in days]
    parts: dict[tuple[Any, ...], int] = {}
    places = [
        (place.id, parts.setdefault((place.clock, *asked[place.id]), len(parts)), place.capacity)
        for place in scope.places
        if place.id in asked
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
        **build_columns(places, ("places", "place_parts", "place_capacities")),
        **build_columns(rows, names),
        "parts": len(parts),
        "dates": dates,
    }


def _add(found: dict[int, Aggregates], pk: int, more: Aggregates) -> None:
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


def _without(
    spans: Sequence[Span], held: Mapping[int, str], dates: Sequence[date], kept: Kept
) -> list[Span]:
    """What of the spans is in none of the periods that held, by place."""
    left: list[Span] = []
    known: dict[tuple[date, date, str], list[tuple[date, date]]] = {}
    for pk, first_on, last_on in spans:
        key = (first_on, last_on, held.get(pk, ""))
        if key not in known:
            taken = (on for on, bit in zip(dates, key[2], strict=False) if bit == "1")
            known[key] = list(_gaps(first_on, last_on, [(on, _last(on, kept)) for on in taken]))
        left += [(pk, *gap) for gap in known[key]]
    return left


def _last(on: date, kept: Kept) -> date:
    return on if kept is DayRollup else on.replace(day=monthrange(on.year, on.month)[1])


def _gaps(
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
