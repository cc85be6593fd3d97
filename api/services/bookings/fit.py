"""Fits what is booked into the units that a resource has, after their number has changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection

from api.models import Allocation, Block, Resource
from api.models.allocations import Kind

from .places import lock_units
from .renumber import Row, assign_units, write_units

_AHEAD = (
    f"SELECT id, unit, lower(span), upper(span), booking_id FROM {Allocation._meta.db_table}"
    " WHERE resource_id = %s::bigint AND span && tstzrange(statement_timestamp(), NULL)"
    " AND blocking ORDER BY resource_id, unit, lower(span) FOR NO KEY UPDATE"
)

_WAIT = (
    f"INSERT INTO {Allocation._meta.db_table}"
    " (block_id, resource_id, unit, span, blocking, kind) SELECT k.id, k.resource_id, n,"
    " span, false, 'block'"
    f" FROM {Block._meta.db_table} k, generate_series(%s::bigint, %s::bigint) n,"
    " unnest(array_prepend(tstzrange(k.starts_at, k.ends_at), k.repeats)) span"
    " WHERE k.id = ANY(%s::bigint[])"
)
_WAIT_AT = (
    f"INSERT INTO {Allocation._meta.db_table}"
    " (block_id, resource_id, unit, span, blocking, kind) SELECT k.id, k.resource_id, n,"
    f" span, false, 'block' FROM {Block._meta.db_table} k,"
    " generate_series(1::bigint, %s::bigint) n, unnest(%s::tstzrange[]) span"
    " WHERE k.id = %s::bigint"
)
_COVER = "SELECT api_cover_blocks(%s::bigint, tstzrange(%s, %s))"


def fit_units(resource: Resource) -> None:
    """Numbers all that is ahead anew. What does not fit, the bookings made last, gets units beyond
    those that there are, and nobody new gets in beside it: `crowded_until`. In a transaction."""
    lock_units([resource.pk])
    _fit_blocks(resource)
    with connection.cursor() as cursor:
        cursor.execute(_AHEAD, [resource.pk])
        rows = cursor.fetchall()
    by_booking: dict[int, list[Row]] = defaultdict(list)
    for pk, unit, starts_at, ends_at, booking in rows:
        by_booking[booking or 0].append(Row(starts_at, ends_at, unit, pk))
    fitting, crowding = _divide(by_booking, resource.units)
    numbers = assign_units(fitting, resource.units) or {}
    beyond = assign_units(crowding, len(crowding)) or {}
    numbers |= {pk: resource.units + unit for pk, unit in beyond.items()}
    was = {row.id: row.unit for some in by_booking.values() for row in some}
    write_units({pk: unit for pk, unit in numbers.items() if unit != was[pk]})
    until = max((row.ends_at for row in crowding), default=None)
    if until != resource.crowded_until:
        resource.crowded_until = until
        resource.save(update_fields=["crowded_until"])


def list_crowded() -> list[Resource]:
    """Those of which more units are booked than there are, or were when they were looked at."""
    return list(Resource.objects.filter(crowded_until__isnull=False).order_by("pk"))


def _fit_blocks(resource: Resource) -> None:
    """Blocks take the units that there are now: all of them."""
    rows = Allocation.objects.filter(resource=resource, kind=Kind.BLOCK)
    rows.filter(unit__gt=resource.units).delete()
    for block in Block.objects.filter(resource=resource):
        mine = rows.filter(block=block).order_by("-unit")
        most = mine.values_list("unit", flat=True).first() or 0
        if most < resource.units:
            wait_for_units([block.pk], most + 1, resource.units)
            cover_blocks(resource.pk, block.starts_at, block.last_ends_at)


def _divide(by_booking: dict[int, list[Row]], units: int) -> tuple[list[Row], list[Row]]:
    """The rows that fit, of blocks and of the bookings made first, and the rest."""
    fitting: list[Row] = []
    crowding: list[Row] = []
    for booking in sorted(by_booking):  # 0 is blocks; ids are counted up
        rows = by_booking[booking]
        fits = not booking or _count_most(fitting, rows) + len(rows) <= units
        (fitting if fits else crowding).extend(rows)
    return fitting, crowding


def _count_most(rows: Iterable[Row], beside: list[Row]) -> int:
    """The most of the rows that are there at once while those beside are."""
    starts, ends = beside[0].starts_at, beside[0].ends_at
    changes: list[tuple[datetime, int]] = []
    for row in rows:
        if row.starts_at < ends and row.ends_at > starts:
            changes += [(max(row.starts_at, starts), 1), (row.ends_at, -1)]
    count = most = 0
    for _, change in sorted(changes):
        count += change
        most = max(most, count)
    return most


def wait_for_units(blocks: Iterable[int], first: int, last: int) -> None:
    """Lets these blocks wait for the units from `first` to `last`."""
    with connection.cursor() as cursor:
        cursor.execute(_WAIT, [first, last, list(blocks)])


def wait_at(block: int, units: int, times: Iterable[Any]) -> None:
    """Lets the block wait for all units at these times (ranges)."""
    with connection.cursor() as cursor:
        cursor.execute(_WAIT_AT, [units, list(times), block])


def cover_blocks(resource_id: int, starts_at: datetime, ends_at: datetime) -> None:
    """Gives blocks what is free of what they wait for at that time."""
    with connection.cursor() as cursor:
        cursor.execute(_COVER, [resource_id, starts_at, ends_at])
