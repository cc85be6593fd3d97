"""What occupies resources at many times at once: one statement for all occurrences of a series."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from api.effective_status import build_not_due_sql
from api.lifecycle import BOOKING
from api.models import Allocation, Block, Booking
from api.queries.bookings.availability import Taken, count_taken
from api.queries.bookings.occupancy import BlockedTime, Part

MAX_CONFLICTS = 10
# one look into the index for each time: as a join it may read all of a resource for each
_TAKEN = (
    "SELECT p.n, a.unit, lower(a.span), upper(a.span), a.booking_id, a.block_id,"
    f" {build_not_due_sql(BOOKING, 'b.')}"
    " FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[])"
    " WITH ORDINALITY AS p(resource, starts, ends, n)"
    f" CROSS JOIN LATERAL (SELECT * FROM {Allocation._meta.db_table} a"
    " WHERE a.resource_id = p.resource AND a.span && tstzrange(p.starts, p.ends) AND a.blocking"
    " OFFSET 0) a"
    f" LEFT JOIN {Booking._meta.db_table} b ON b.id = a.booking_id"
    " WHERE a.booking_id IS NULL OR a.booking_id <> ALL(%s::bigint[]) ORDER BY 3"
)


class TakenUnit(NamedTuple):
    """A unit that is taken. `counts` is false where the clock should have ended it."""

    unit: int
    starts_at: datetime
    ends_at: datetime
    booking_id: int | None
    block_id: int | None
    counts: bool


def list_taken_units(parts: Sequence[Part], ignore: Collection[int] = ()) -> list[list[TakenUnit]]:
    """For each of the parts the units of its resource that are taken within its time, by start: one
    statement. `ignore` are ids of bookings."""
    found: list[list[TakenUnit]] = [[] for _ in parts]
    if not parts:
        return found
    columns = zip(*((p.resource.pk, p.starts_at, p.ends_at) for p in parts), strict=True)
    with connection.prepared() as cursor:  # type: ignore[attr-defined]  # of backend.postgresql
        cursor.execute(_TAKEN, (*map(list, columns), list(ignore)))
        for n, *row in cursor.fetchall():
            found[n - 1].append(TakenUnit(*row))
    return found


def is_free(part: Part, rows: Iterable[TakenUnit]) -> bool:
    """Whether enough units are left all the time, by the count."""
    room = part.resource.units - part.quantity
    inside = (
        Taken(max(row.starts_at, part.starts_at), min(row.ends_at, part.ends_at), 1)
        for row in rows
        if row.counts and row.starts_at < part.ends_at and row.ends_at > part.starts_at
    )
    return all(units <= room for _, _, units in count_taken(inside))


def list_free_units(part: Part, rows: Iterable[TakenUnit]) -> list[int]:
    """The units that no row has at all, by number."""
    taken = {
        row.unit for row in rows if row.starts_at < part.ends_at and row.ends_at > part.starts_at
    }
    return [unit for unit in range(1, part.resource.units + 1) if unit not in taken]


Taking = tuple[Part, TakenUnit]


def list_conflicts_of(taken: Sequence[Sequence[Taking]]) -> list[list[Booking | BlockedTime]]:
    """The first bookings and blocks behind each of the lists, by start: two statements at most."""
    rows = [row for each in taken for _, row in each]
    bookings = {row.booking_id for row in rows if row.booking_id}
    blocks = {row.block_id for row in rows if row.block_id}
    by_id = Booking.objects.select_related("owner").in_bulk(bookings) if bookings else {}
    reasons = {}
    if blocks:
        reasons = dict(Block.objects.filter(pk__in=blocks).values_list("pk", "reason"))
    return [_list_conflicts(each, by_id, reasons) for each in taken]


def _list_conflicts(
    taken: Sequence[Taking], bookings: Mapping[int, Booking], reasons: Mapping[int, str]
) -> list[Booking | BlockedTime]:
    found: dict[Any, Booking | BlockedTime] = {}
    for part, row in taken:
        if row.booking_id is not None and row.booking_id in bookings:
            found[row.booking_id] = bookings[row.booking_id]
        elif row.block_id is not None and row.block_id in reasons:
            found["block", row.block_id, row.starts_at] = BlockedTime(
                row.block_id,
                part.resource.venue_id,
                row.starts_at,
                row.ends_at,
                reasons[row.block_id],
            )
    return sorted(found.values(), key=lambda each: each.starts_at)[:MAX_CONFLICTS]
