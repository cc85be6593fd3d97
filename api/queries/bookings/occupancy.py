"""What occupies resources now: allocations of bookings that the clock should not already have
ended. Said in SQL, because a taken slot is refused far more often in a storm than one is sold: the
ORM takes 2 ms to put such a statement together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import OuterRef, QuerySet

from api.effective_status import build_not_due_sql
from api.lifecycle import BOOKING
from api.models import Allocation, Block, Booking, Resource
from api.models.allocations import Kind
from api.models.bookings import Span
from api.queries.waitlist.line import WANTS_SPAN

_ALLOCATIONS, _BOOKINGS = Allocation._meta.db_table, Booking._meta.db_table


class Part(NamedTuple):
    """A resource that a booking occupies: how many of its units, and for how long, buffers
    included."""

    resource: Resource
    quantity: int
    starts_at: datetime
    ends_at: datetime
    kind: str = Kind.BOOKING.value


class Occupied(NamedTuple):
    """How many units are taken for the same time."""

    resource_id: int
    starts_at: datetime
    ends_at: datetime
    units: int


@dataclass(frozen=True)
class BlockedTime:
    """What a block takes, as a conflict beside bookings."""

    pk: int
    venue_id: int
    starts_at: datetime
    ends_at: datetime
    reason: str
    status: str = "blocked"


_SPAN = "a.span && tstzrange(%s, %s) AND a.blocking AND a.booking_id IS DISTINCT FROM %s::bigint"
_NOW = f"LEFT JOIN {_BOOKINGS} b ON b.id = a.booking_id"
_NOT_DUE = build_not_due_sql(BOOKING, "b.")
_OCCUPIED = (
    f"SELECT a.resource_id, lower(a.span), upper(a.span), count(*) FROM {_ALLOCATIONS} a {_NOW}"
    f" WHERE a.resource_id = ANY(%s::bigint[]) AND {_SPAN} AND ({_NOT_DUE} OR {WANTS_SPAN})"
    " GROUP BY a.resource_id, a.span ORDER BY 2"
)
# of one resource: a plain index scan, where that of several is a bitmap
_OCCUPIED_ONE = _OCCUPIED.replace("= ANY(%s::bigint[])", "= %s::bigint")


def list_taken_by_blocks(resources: Any, starts_at: Any, ends_at: Any) -> QuerySet[Allocation]:
    """What blocks take of these resources within the interval. `resources` are ids, a query of
    them, or a reference to an outer one."""
    which = "" if isinstance(resources, OuterRef) else "__in"
    rows = Allocation.objects.filter(**{f"resource{which}": resources}, kind=Kind.BLOCK)
    return rows.filter(blocking=True, span__overlap=Span(starts_at, ends_at))


def list_occupied(
    resource_ids: Sequence[int], starts_at: datetime, ends_at: datetime, ignore: int = 0
) -> list[Occupied]:
    """What is taken at that time, with buffers, by start: one statement. `ignore` is a booking.
    An expired hold for which somebody waits counts: whoever meets it first makes them the offer."""
    one = len(resource_ids) == 1
    with connection.prepared() as cursor:  # type: ignore[attr-defined]  # of backend.postgresql
        cursor.execute(
            _OCCUPIED_ONE if one else _OCCUPIED,
            (resource_ids[0] if one else list(resource_ids), starts_at, ends_at, ignore),
        )
        return list(map(Occupied._make, cursor.fetchall()))


_FIELDS = [field.attname for field in Booking._meta.concrete_fields]
_COLUMNS = ", ".join(f"b.{field.column}" for field in Booking._meta.concrete_fields)
_BLOCKS = Block._meta.db_table
_CONFLICTS = (
    f"SELECT a.block_id, lower(a.span), upper(a.span), k.reason, {_COLUMNS}"
    f" FROM {_ALLOCATIONS} a {_NOW} LEFT JOIN {_BLOCKS} k ON k.id = a.block_id"
    f" WHERE a.resource_id = %s::bigint AND {_SPAN} AND {_NOT_DUE}"
)
_FIRST_CONFLICTS = f"{_CONFLICTS} ORDER BY lower(a.span) LIMIT 10"
_SOME_CONFLICTS = f"{_CONFLICTS} LIMIT 10"  # of a thousand nobody sorts them


def list_conflicts(parts: Sequence[Part], ignore: int = 0) -> list[Booking | BlockedTime]:
    """The first ten bookings and blocks that take some of it, by start; of a resource with several
    units some of them. `ignore` is a booking's id."""
    found: dict[tuple[str, Any], Booking | BlockedTime] = {}
    with connection.prepared() as cursor:  # type: ignore[attr-defined]
        for part in parts:
            cursor.execute(
                _FIRST_CONFLICTS if part.resource.units == 1 else _SOME_CONFLICTS,
                (part.resource.pk, part.starts_at, part.ends_at, ignore),
            )
            for block, starts_at, ends_at, reason, *row in cursor.fetchall():
                if block is None:
                    booking = Booking.from_db(connection.alias, _FIELDS, row)
                    found["booking", booking.pk] = booking
                else:
                    blocked = BlockedTime(block, part.resource.venue_id, starts_at, ends_at, reason)
                    found["block", (block, starts_at)] = blocked
    return sorted(found.values(), key=lambda each: each.starts_at)[:10]


# the most units that are taken at once, at any moment of the time
_MOST = (
    "SELECT p.n FROM unnest(%s::int[], %s::bigint[], %s::bigint[], %s::timestamptz[],"
    " %s::timestamptz[]) AS p(n, resource, room, starts, ends) WHERE p.room <"
    " (SELECT coalesce(max(taken), 0) FROM (SELECT sum(e.change) OVER (ORDER BY e.at, e.change)"
    f" AS taken FROM {_ALLOCATIONS} a {_NOW}"
    " CROSS JOIN LATERAL (VALUES (greatest(lower(a.span), p.starts), 1), (upper(a.span), -1))"
    " AS e(at, change) WHERE a.resource_id = p.resource"
    " AND a.span && tstzrange(p.starts, p.ends) AND a.blocking"
    f" AND a.booking_id IS DISTINCT FROM %s::bigint AND {_NOT_DUE}) s)"
)


def list_full(parts: Sequence[Part], ignore: int = 0) -> list[Part]:
    """Those of the parts of which fewer units are left, at some moment of their time, than they
    take: by the count, whatever the numbers of the units."""
    columns = zip(
        *(
            (n, p.resource.pk, p.resource.units - p.quantity, p.starts_at, p.ends_at)
            for n, p in enumerate(parts)
        ),
        strict=True,
    )
    with connection.prepared() as cursor:  # type: ignore[attr-defined]
        cursor.execute(_MOST, (*map(list, columns), ignore))
        return [parts[n] for (n,) in cursor.fetchall()]


def pick_free_units(part: Part) -> list[int]:
    """As many units as the part takes that nothing blocks, chosen at random; fewer if there are no
    more."""
    with connection.prepared() as cursor:  # type: ignore[attr-defined]
        cursor.execute(
            "SELECT api_pick_units(%s::bigint, %s::bigint, %s, %s)",
            (part.resource.pk, part.quantity, part.starts_at, part.ends_at),
        )
        units: list[int] = cursor.fetchone()[0]
        return units
