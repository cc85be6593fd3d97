"""The two statements that write bookings: one inserts, one moves along the lifecycle.

`written` is the name of the rows that a statement inserted or moved, each with `status_left` (empty
for a new one) and `fell_due` (null unless the clock moved it). Receivers of `booking_inserting` and
`transition_writing` return inserts that select from it. So history and emails are part of the same
statement, and are written only for rows that were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any

from django.db import models

from api.effective_status import build_sources_sql
from api.lifecycle import NOW, SQL_STAMPS, Transition
from api.models import Booking

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


# what is set later, or by the database, is left out
_LATER = ("approved_by_id", "approved_at", "checked_in_at", "ended_at", "created_at", "updated_at")
_INSERTED = [f for f in Booking._meta.concrete_fields if f.attname not in _LATER]
_get_values = attrgetter(*(f.attname for f in _INSERTED))
_INSERT = (
    f"written AS (INSERT INTO {Booking._meta.db_table}"
    f" ({', '.join(str(f.column) for f in _INSERTED)})"
    f" VALUES ({', '.join(['%s'] * len(_INSERTED))}) ON CONFLICT DO NOTHING"
    " RETURNING *, '' AS status_left, NULL::timestamptz AS fell_due)"
)


def insert_statement(booking: Booking, parts: Sequence[InsertPart]) -> Statement:
    """Inserts the booking if its slot is free, and the parts with it; gives back one row or none
    (created_at, updated_at). Never raises for a taken slot, never deadlocks with another insert."""
    written = _INSERT, list(_get_values(booking))
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
