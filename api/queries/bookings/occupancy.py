"""What occupies resources now: allocations of bookings that the clock should not already have
ended. Said in SQL, because a taken slot is refused far more often in a storm than one is sold: the
ORM takes 2 ms to put such a statement together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from api.effective_status import build_not_due_sql
from api.lifecycle import BOOKING
from api.models import Allocation, Booking, Resource
from api.models.allocations import Kind

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
    resource_id: int
    starts_at: datetime
    ends_at: datetime


_SPAN = "a.span && tstzrange(%s, %s) AND a.blocking AND a.booking_id IS DISTINCT FROM %s::bigint"
_NOW = f"LEFT JOIN {_BOOKINGS} b ON b.id = a.booking_id"
_NOT_DUE = build_not_due_sql(BOOKING, "b.")
_OCCUPIED = (
    f"SELECT a.resource_id, lower(a.span), upper(a.span) FROM {_ALLOCATIONS} a {_NOW}"
    f" WHERE a.resource_id = ANY(%s::bigint[]) AND {_SPAN} AND {_NOT_DUE} ORDER BY 2"
)
# of one resource: a plain index scan, where that of several is a bitmap
_OCCUPIED_ONE = _OCCUPIED.replace("= ANY(%s::bigint[])", "= %s::bigint")


def list_occupied(
    resource_ids: Sequence[int], starts_at: datetime, ends_at: datetime, ignore: int = 0
) -> list[Occupied]:
    """Each unit that is taken at that time, buffers included, by start: one statement. `ignore` is
    a booking's id."""
    one = len(resource_ids) == 1
    with connection.prepared() as cursor:  # type: ignore[attr-defined]  # of backend.postgresql
        cursor.execute(
            _OCCUPIED_ONE if one else _OCCUPIED,
            (resource_ids[0] if one else list(resource_ids), starts_at, ends_at, ignore),
        )
        return list(map(Occupied._make, cursor.fetchall()))


_FIELDS = [field.attname for field in Booking._meta.concrete_fields]
_COLUMNS = ", ".join(f"b.{field.column}" for field in Booking._meta.concrete_fields)
_CONFLICTS = (
    f"SELECT {_COLUMNS} FROM {_BOOKINGS} b WHERE b.id IN (SELECT a.booking_id"
    f" FROM {_ALLOCATIONS} a WHERE a.resource_id = %s::bigint AND {_SPAN}) AND {_NOT_DUE}"
    " ORDER BY b.starts_at LIMIT 10"
)


def list_conflicts(parts: Sequence[Part], ignore: int = 0) -> list[Booking]:
    """The first ten bookings that take some of it, by start. `ignore` is a booking's id."""
    found: dict[int, Booking] = {}
    with connection.prepared() as cursor:  # type: ignore[attr-defined]
        for part in parts:
            cursor.execute(_CONFLICTS, (part.resource.pk, part.starts_at, part.ends_at, ignore))
            for row in cursor.fetchall():
                booking = Booking.from_db(connection.alias, _FIELDS, row)
                found[booking.pk] = booking
    return sorted(found.values(), key=lambda booking: booking.starts_at)[:10]


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


_FREE_UNITS = (
    "SELECT n FROM (SELECT n FROM generate_series(1::bigint, %s::bigint) n EXCEPT"
    f" SELECT a.unit FROM {_ALLOCATIONS} a WHERE a.resource_id = %s::bigint"
    " AND a.span && tstzrange(%s, %s) AND a.blocking) free ORDER BY random() LIMIT %s::bigint"
)


def pick_free_units(part: Part) -> list[int]:
    """As many units as the part takes that nothing blocks, chosen at random; fewer if there are no
    more."""
    with connection.prepared() as cursor:  # type: ignore[attr-defined]
        cursor.execute(
            _FREE_UNITS,
            (part.resource.units, part.resource.pk, part.starts_at, part.ends_at, part.quantity),
        )
        return [unit for (unit,) in cursor.fetchall()]
