"""The statements that write bookings: one inserts, one takes places for one that is there, one
moves along the lifecycle.

`written` is the name of the rows that a statement inserted or moved, each with `status_left` (empty
for a new one) and `fell_due` (null unless the clock moved it). Receivers of `booking_inserting` and
`transition_writing` return inserts that select from it. So history and emails are part of the same
statement, and are written only for rows that were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import models

from api.effective_status import build_sources_sql
from api.lifecycle import NOW, SQL_STAMPS, Transition
from api.models import Allocation, Booking

Statement = tuple[str, list[Any]]
LOCK_BY_ID = "ORDER BY id FOR NO KEY UPDATE"


@dataclass(frozen=True)
class InsertPart:
    """An `INSERT … SELECT … FROM written` that becomes part of another statement."""

    sql: str
    params: Sequence[Any]


def collect_parts(responses: Sequence[tuple[Any, Any]]) -> list[InsertPart]:
    """What the receivers of a signal returned, in their order."""
    return [part for _, part in responses if part is not None]


def build_statement(written: Statement, parts: Sequence[InsertPart], select: str) -> Statement:
    """One statement: `written` (common table expressions of which the last has that name), the
    inserts of the parts, and a `select` from its rows."""
    rows, params = written
    inserts = "".join(f", part_{n} AS ({part.sql})" for n, part in enumerate(parts))
    return (
        f"WITH {rows}{inserts} {select}",
        [*params, *chain.from_iterable(part.params for part in parts)],
    )


class Place(NamedTuple):
    """A unit of a resource for a time, buffers included."""

    resource_id: int
    unit: int
    starts_at: datetime
    ends_at: datetime
    kind: str


_ALLOCATE = (
    f"INSERT INTO {Allocation._meta.db_table} (booking_id, resource_id, unit, span, blocking, kind)"
)
# every number is a bigint: an integer makes 0.1 ms of the index 30
_TAKE_ONE = (
    f"taken AS ({_ALLOCATE} VALUES (%s::bigint, %s::bigint, %s::bigint, tstzrange(%s, %s), true,"
    " %s) ON CONFLICT DO NOTHING RETURNING booking_id)"
)
# in one order, so that no two sets wait for each other
_TAKE_ALL = (
    f"places AS ({_ALLOCATE} SELECT %s::bigint, p.resource, p.unit, tstzrange(p.starts, p.ends),"
    " true, p.kind FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[],"
    " %s::text[]) AS p(resource, unit, starts, ends, kind) ORDER BY p.resource, p.unit"
    " ON CONFLICT DO NOTHING RETURNING booking_id),"
    " taken AS (SELECT booking_id FROM places GROUP BY booking_id"
    " HAVING api_all_or_nothing(count(*), %s::bigint))"
)


def take_places(booking_id: int, places: Sequence[Place]) -> Statement:
    """The common table expressions of which the last, `taken`, has one row (booking_id) if all the
    places were free and are now the booking's. Several of which only some are free raise 23P01."""
    if len(places) == 1:
        return _TAKE_ONE, [booking_id, *places[0]]
    columns = (list(column) for column in zip(*places, strict=True))
    return _TAKE_ALL, [booking_id, *columns, len(places)]


# what is set later, or by the database, is left out
_LATER = ("approved_by_id", "approved_at", "checked_in_at", "ended_at", "created_at", "updated_at")
_INSERTED = [f for f in Booking._meta.concrete_fields if f.attname not in _LATER]
_get_values = attrgetter(*(f.attname for f in _INSERTED))
_INSERT = (
    f"written AS (INSERT INTO {Booking._meta.db_table}"
    f" ({', '.join(str(f.column) for f in _INSERTED)})"
    f" SELECT {', '.join(['%s'] * len(_INSERTED))} FROM taken"
    " RETURNING *, '' AS status_left, NULL::timestamptz AS fell_due)"
)


def insert_statement(
    booking: Booking, places: Sequence[Place], parts: Sequence[InsertPart]
) -> Statement:
    """Inserts the booking if its places are free, and the parts with it; gives back one row or none
    (created_at, updated_at). Never deadlocks with another insert. Raises 23P01 only where some of
    several places are taken."""
    taken, params = take_places(booking.pk, places)
    written = f"{taken}, {_INSERT}", [*params, *_get_values(booking)]
    return build_statement(written, parts, "SELECT created_at, updated_at FROM written")


def move_rows(
    model: type[models.Model],
    move: Transition,
    *,
    where: str,
    params: Sequence[Any],
    sets: Mapping[str, Any],
    lock: str = LOCK_BY_ID,
) -> Statement:
    """The common table expressions that lock the rows `t` which stand in a source status and meet
    `where`, in the order of `lock`, and move them."""
    sql = (*SQL_STAMPS, None)
    stamped = {name: value for name, value in move.stamps.items() if value not in sql}
    values = {"status": str(move.target), **stamped, **sets}
    assignments = [
        "version = t.version + 1",
        f"updated_at = {NOW}",
        *(f"{name} = {move.stamps[name] or 'NULL'}" for name in move.stamps.keys() - stamped),
        *(f"{name} = %s" for name in values),
    ]
    table = model._meta.db_table
    fell_due = f"t.{move.deadline}" if move.deadline else "NULL::timestamptz"
    return (
        f"due AS (SELECT id, status AS status_left, {fell_due} AS fell_due FROM {table} t"
        f" WHERE {build_sources_sql(move)} AND {where} {lock}),"
        f" written AS (UPDATE {table} t SET {', '.join(assignments)} FROM due WHERE t.id = due.id"
        " RETURNING t.*, due.status_left, due.fell_due)"
    ), [*params, *values.values()]
