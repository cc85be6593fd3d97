"""Numbers the bookings of a resource anew, so that one fits which the count permits."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from api.models import Allocation
from api.queries.bookings.occupancy import Part, pick_free_units

_TABLE = Allocation._meta.db_table
_OF_TIME = "resource_id = %s::bigint AND span && tstzrange(%s, %s) AND blocking"
_REACH = f"SELECT min(lower(span)), max(upper(span)) FROM {_TABLE} WHERE {_OF_TIME}"
# in the order of their units, like everything that writes several
_LOCK = (
    f"SELECT id, unit, lower(span), upper(span) FROM {_TABLE} WHERE {_OF_TIME}"
    " ORDER BY resource_id, unit, lower(span) FOR NO KEY UPDATE"
)
# out and in again: a constraint that is looked at row by row knows no swap
_TAKE_OUT = f"UPDATE {_TABLE} SET blocking = false WHERE id = ANY(%s::bigint[])"
_PUT_IN = (
    f"UPDATE {_TABLE} a SET unit = n.unit, blocking = true"
    " FROM unnest(%s::bigint[], %s::bigint[]) AS n(id, unit) WHERE a.id = n.id"
)


class Row(NamedTuple):
    starts_at: datetime
    ends_at: datetime
    unit: int
    id: int


def make_room(part: Part) -> list[int]:
    """Units that nothing blocks for the time of the part, as many as it takes; moves others to
    other units if it must. Fewer if the count does not permit it. Under the resource's lock."""
    if part.resource.units == 1:
        return [1]
    free = pick_free_units(part)
    if len(free) >= part.quantity:
        return free
    rows = _lock_rows(part)
    wanted = [Row(part.starts_at, part.ends_at, 0, -n) for n in range(1, part.quantity + 1)]
    numbers = assign_units([*rows, *wanted], part.resource.units)
    if numbers is None:
        return []
    write_units({row.id: numbers[row.id] for row in rows if numbers[row.id] != row.unit})
    return [numbers[row.id] for row in wanted]


def _lock_rows(part: Part) -> list[Row]:
    """Whatever hangs together with the part's time by overlaps: nothing else can be in the way."""
    starts, ends = part.starts_at, part.ends_at
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_REACH, (part.resource.pk, starts, ends))
            first, last = cursor.fetchone()
            wider = min(starts, first or starts), max(ends, last or ends)
            if wider == (starts, ends):
                break
            starts, ends = wider
        cursor.execute(_LOCK, (part.resource.pk, starts, ends))
        return [Row(start, end, unit, pk) for pk, unit, start, end in cursor.fetchall()]


def assign_units(rows: Iterable[Row], units: int) -> dict[int, int] | None:
    """A unit for every row, none twice at a time, by id; None if there are more rows than units at
    some moment. By start, each keeps its unit where it can, so that few have to move: and one is
    always left, because rows that overlap at all overlap at the start of one of them."""
    free_from: dict[int, datetime] = {}
    free = set(range(1, units + 1))
    busy: list[tuple[datetime, int]] = []
    found: dict[int, int] = {}
    for row in sorted(rows):
        while busy and busy[0][0] <= row.starts_at:
            ended_at, unit = heapq.heappop(busy)
            free.add(unit)
            free_from[unit] = ended_at
        if not free:
            return None
        unit = row.unit if row.unit in free else _find_tightest(free, free_from)
        free.remove(unit)
        heapq.heappush(busy, (row.ends_at, unit))
        found[row.id] = unit
    return found


def _find_tightest(free: Iterable[int], free_from: dict[int, datetime]) -> int:
    """The one that became free last: it leaves the longest gaps to others."""
    return max(free, key=lambda unit: (unit in free_from, free_from.get(unit) or 0, -unit))


def write_units(numbers: dict[int, int]) -> None:
    """Gives allocations other units, by id."""
    if numbers:
        ids: list[Any] = list(numbers)
        with connection.cursor() as cursor:
            # nothing becomes free by that, so that no block gets it
            cursor.execute("SELECT set_config('holdfast.renumbering', 'on', true)")
            cursor.execute(_TAKE_OUT, [ids])
            cursor.execute(_PUT_IN, [ids, list(numbers.values())])
            cursor.execute("SELECT set_config('holdfast.renumbering', '', true)")
