"""The one writer of status. A batch of rows moves along one row of a table, or does not.

Losing a race is a normal outcome: the row is then not among those that come back.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

import structlog
from django.apps import apps
from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    connection,
    models,
    transaction,
)

from api.errors import Busy
from api.lifecycle import NOW, TABLES, Table, Transition
from api.models import JobFailure
from api.signals import transitioned

from . import jobs
from .actors import Actor

log = structlog.get_logger("holdfast.transitions")
P = ParamSpec("P")
R = TypeVar("R")

EXCLUSION = "23P01"
GIVES_WAY = frozenset({"40P01", "40001", "55P03"})  # deadlock, serialization, lock timeout
BATCH = 1000


def sqlstate(error: BaseException | None) -> str:
    """The SQLSTATE of a database error, wherever Django wrapped it; empty if there is none."""
    while error is not None:
        if state := getattr(error, "sqlstate", None):
            return str(state)
        error = error.__cause__
    return ""


def giving_way(function: Callable[P, R]) -> Callable[P, R]:
    """Runs once more when the database broke a tie against us, then refuses with `Busy`.

    Inside a caller's transaction nothing can be repeated, so there the refusal comes at once."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        for last in (connection.in_atomic_block, True):
            try:
                return function(*args, **kwargs)
            except OperationalError as error:
                if sqlstate(error) not in GIVES_WAY:
                    raise
                if last:
                    raise Busy from error
                time.sleep(0.01)
        raise AssertionError("unreachable")

    return wrapper


def table_of(move: Transition) -> Table:
    return next(table for table in TABLES if move in table.transitions)


def _placeholders(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _sql(
    model: type[models.Model],
    move: Transition,
    where: str,
    sets: Mapping[str, Any],
    tail: str,
) -> tuple[str, list[Any]]:
    """Lock the rows that stand in a source status, and move them: one statement.

    The status literals are written out so that the planner can use the partial indexes."""
    name = model._meta.db_table
    assignments, values = (
        ["status = %s", "version = t.version + 1", "updated_at = statement_timestamp()"],
        [move.target],
    )
    for column, stamp in move.stamps.items():
        if stamp in (NOW, None):
            assignments.append(f"{column} = {stamp or 'NULL'}")
        else:
            assignments.append(f"{column} = %s")
            values.append(stamp)
    for column, value in sets.items():
        assignments.append(f"{column} = %s")
        values.append(value)
    sources = [str(source) for source in move.sources]
    return (
        f"WITH due AS (SELECT id, status AS status_left FROM {name} t"  # noqa: S608
        f" WHERE status IN ({_placeholders(sources)}) AND {where} {tail})"
        f" UPDATE {name} t SET {', '.join(assignments)} FROM due WHERE t.id = due.id"
        f" RETURNING t.*, due.status_left"
    ), [*sources, values]


def _run(
    move: Transition,
    where: str,
    params: Sequence[Any],
    sets: Mapping[str, Any],
    tail: str = "ORDER BY id FOR NO KEY UPDATE",
) -> list[Any]:
    model = apps.get_model(table_of(move).model)
    sql, (*sources, values) = _sql(model, move, where, sets, tail)
    return list(model._base_manager.raw(sql, [*sources, *params, *values]))


def _announce(move: Transition, rows: list[Any], actor: Actor, details: Mapping[str, Any]) -> None:
    transitioned.send(
        sender=type(rows[0]),
        table=table_of(move),
        transition=move,
        rows=rows,
        actor=actor,
        details=details,
    )


def perform(
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
    target, with history and emails queued in the same transaction. Rows are locked in id order,
    and each carries `status_left`."""
    with transaction.atomic():
        rows = _run(move, f"id = ANY(%s) AND ({where})", [list(ids), *params], sets or {})
        if rows:
            _announce(move, rows, actor, details or {})
    return rows


def _due(move: Transition) -> str:
    return f"{move.deadline} <= statement_timestamp()" + (
        f" AND {move.unless} IS NULL" if move.unless else ""
    )


def not_due(table: Table) -> str:
    """SQL that holds for rows out of which the clock should not already have led."""

    def due(move: Transition) -> str:
        sources = ", ".join(f"'{source}'" for source in move.sources)
        return f"(status IN ({sources}) AND {_due(move)})"

    return " AND ".join(f"{due(move)} IS NOT TRUE" for move in table.clocked)


def overdue(table: Table, row: Any, now: datetime) -> Transition | None:
    """The move that the clock should already have made of this row, whether or not it has."""
    for move in table.clocked:
        deadline = getattr(row, move.deadline) if row.status in move.sources else None
        spared = move.unless and getattr(row, move.unless) is not None
        if deadline is not None and deadline <= now and not spared:
            return move
    return None


def end_due(table: Table, where: str, params: Sequence[Any]) -> int:
    """Makes, now and here, every clock transition that is due among the rows of `where`: what the
    sweeper has not reached yet does not stand in anybody's way."""
    done = 0
    with transaction.atomic():
        for move in table.clocked:
            tail = "ORDER BY id FOR NO KEY UPDATE"
            rows = _run(move, f"{_due(move)} AND ({where})", params, {}, tail)
            if rows:
                _announce(move, rows, Actor.clock("on_demand"), {})
            done += len(rows)
    return done


def sweep(
    move: Transition,
    job: str,
    batch: int = BATCH,
    progress: Callable[[int], None] = jobs.progress,
) -> int:
    """How many rows the clock moved: everything due, in the order of its deadlines.

    Safe to run twice or at once with itself: rows that another run has locked are left to it."""
    actor = Actor.clock(job)
    return in_batches(
        job,
        claim=lambda size: _sweep_batch(move, job, size),
        act=lambda rows: _announce(move, rows, actor, {}),
        blame=lambda error: _record_failure(move, job, error),
        batch=batch,
        progress=progress,
    )


def in_batches(
    job: str,
    *,
    claim: Callable[[int], list[Any]],
    act: Callable[[list[Any]], None],
    blame: Callable[[Exception], None],
    batch: int = BATCH,
    progress: Callable[[int], None] = jobs.progress,
) -> int:
    """How many rows were claimed and acted upon, a batch a transaction. A row that cannot be worked
    on is looked for by halving the batch, and blamed; the others go on."""
    done, size = 0, batch
    while True:
        rows: list[Any] = []
        try:
            with transaction.atomic():
                rows = claim(size)
                if rows:
                    act(rows)
                    jobs.settled(job, [row.pk for row in rows])
        except (OperationalError, InterfaceError):
            raise  # the database is away or gave way, no row is to blame
        except Exception as error:
            tried = len(rows) or size
            if tried == 1:
                blame(error)
            size = max(1, tried // 2)
            continue
        done += len(rows)
        progress(done)
        if len(rows) < size:
            return done
        size = min(batch, 2 * size)


def _sweep_batch(move: Transition, job: str, size: int) -> list[Any]:
    where = f"{_due(move)} AND {NOT_SET_ASIDE}"
    tail = f"ORDER BY t.{move.deadline}, t.id LIMIT {size} FOR NO KEY UPDATE SKIP LOCKED"
    rows = _run(move, where, [job], {}, tail)
    # history and emails keep the order of the deadlines; RETURNING has none
    return sorted(rows, key=lambda row: (getattr(row, move.deadline), row.pk))


# of a row of the table `t`; takes the job
NOT_SET_ASIDE = (
    f"NOT EXISTS (SELECT 1 FROM {JobFailure._meta.db_table} f"  # noqa: S608
    " WHERE f.job = %s AND f.row = t.id::text AND f.retry_at > statement_timestamp())"
)


def _record_failure(move: Transition, job: str, error: Exception) -> None:
    model = apps.get_model(table_of(move).model)
    where = f"status IN ({_placeholders(move.sources)}) AND {_due(move)}"
    set_aside(model, where, move.sources, move.deadline, job, error)


def set_aside(
    model: type[models.Model],
    where: str,
    params: Sequence[Any],
    deadline: str,
    job: str,
    error: Exception,
) -> None:
    """Remembers the first row that is still due, with growing time until its next try."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {JobFailure._meta.db_table} AS f"  # noqa: S608
            " (job, row, error, attempts, first_at, last_at, retry_at)"
            " SELECT %s, id::text, %s, 1, statement_timestamp(), statement_timestamp(),"
            " statement_timestamp() + interval '1 minute'"
            f" FROM {model._meta.db_table} t WHERE {where} AND {NOT_SET_ASIDE}"
            f" ORDER BY t.{deadline}, t.id LIMIT 1"
            " ON CONFLICT (job, row) DO UPDATE SET error = excluded.error,"
            " attempts = f.attempts + 1, last_at = statement_timestamp(),"
            " retry_at = statement_timestamp()"
            " + least(interval '1 hour', f.attempts * interval '5 minutes')",
            [job, f"{type(error).__name__}: {error}"[:2000], *params, job],
        )
    log.error("row_failed", job=job, error=repr(error))


__all__ = ["EXCLUSION", "DatabaseError", "end_due", "giving_way", "perform", "sqlstate", "sweep"]
