"""The one writer of status. A batch of rows moves along one row of a table, or does not.

Losing a race is a normal outcome: the row is then not among those that come back.
"""

from __future__ import annotations

import functools
from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction

from api.effective_status import build_overdue_sql
from api.lifecycle import BOOKING, TABLES, Table, Transition
from api.services.actors import Actor
from api.signals import slots_freed, transition_writing, transitioned

from .statements import LOCK_BY_ID, build_statement, collect_parts, move_rows


def get_table(move: Transition) -> Table:
    return next(table for table in TABLES if move in table.transitions)


def get_model(move: Transition) -> type[models.Model]:
    return apps.get_model(get_table(move).model)


def apply_transition(
    move: Transition,
    ids: Iterable[int],
    actor: Actor,
    *,
    where: str = "true",
    params: Sequence[Any] = (),
    sets: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
) -> list[Any]:
    """The rows among `ids` that stood in a source status (and met `where`) and now stand in the
    target, with history and emails queued in the same transaction; so is what that frees offered
    to who waits. Rows are locked in id order, and each carries `status_left`."""
    with transaction.atomic():
        rows = write_transition(
            move,
            actor,
            where=f"id = ANY(%s) AND ({where})",
            params=[list(ids), *params],
            sets=sets or {},
            details=details or {},
        )
        if rows and get_table(move) is BOOKING and move.target not in BOOKING.blocking:
            slots_freed.send(sender=get_model(move))
    return rows


def apply_due_transitions(table: Table, where: str, params: Sequence[Any]) -> int:
    """Makes, now and here, every transition of the clock that is due among the rows of `where`, so
    that what the sweeper has not reached yet stands in nobody's way; whoever waits for what that
    frees is offered it first."""
    with transaction.atomic():
        moved = sum(
            len(
                write_transition(
                    move,
                    Actor.clock("on_demand"),
                    where=f"{build_overdue_sql(move)} AND ({where})",
                    params=params,
                    columns=table.swept_columns,
                )
            )
            for move in table.time_driven
        )
        if moved:
            slots_freed.send(sender=apps.get_model(table.model))
    return moved


def write_transition(
    move: Transition,
    actor: Actor,
    *,
    where: str,
    params: Sequence[Any],
    lock: str = LOCK_BY_ID,
    sets: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
    columns: tuple[str, ...] = (),
) -> list[Any]:
    """The rows that moved, in the order of their deadlines and ids.

    One statement moves them and writes their history and emails; then `transitioned` is sent. Runs
    in the caller's transaction. With `columns` only these are read of them: a sweep of a hundred
    thousand rows does not build as many models."""
    model = get_model(move)
    event = {
        "sender": model,
        "table": get_table(move),
        "transition": move,
        "actor": actor,
        "details": details or {},
    }
    parts = collect_parts(transition_writing.send(**event))
    written = move_rows(model, move, where=where, params=params, sets=sets or {}, lock=lock)
    selected = ", ".join(("id", "fell_due::text", *columns)) if columns else "*"
    select = f"SELECT {selected} FROM written ORDER BY written.fell_due, id"
    statement = build_statement(written, parts, select)
    if columns:
        with connection.cursor() as cursor:
            cursor.execute(*statement)
            rows = list(map(_build_swept_row(columns)._make, cursor.fetchall()))
    else:
        rows = list(model._base_manager.raw(*statement))
    if rows:
        transitioned.send(**event, rows=rows)
    return rows


@functools.cache
def _build_swept_row(columns: tuple[str, ...]) -> Any:
    return namedtuple("SweptRow", ("pk", "fell_due", *columns))  # noqa: PYI024 - its columns are known at run time
