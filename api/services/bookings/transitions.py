"""The one writer of status. A batch of rows moves along one row of a table, or does not.

Losing a race is a normal outcome: the row is then not among those that come back.
"""

from __future__ import annotations

import functools
import time
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ParamSpec, Protocol, TypeVar

import structlog
from django.apps import apps
from django.db import (
    InterfaceError,
    OperationalError,
    connection,
    models,
    transaction,
)

from api.errors import Busy
from api.lifecycle import NOW, TABLES, Table, Transition
from api.models import JobFailure
from api.services.actors import Actor
from api.services.operations import jobs
from api.signals import transition_writing, transitioned

from . import bulk_insert

log = structlog.get_logger("holdfast.transitions")
P = ParamSpec("P")
R = TypeVar("R")

EXCLUSION, UNIQUE = "23P01", "23505"
GIVES_WAY = frozenset({"40P01", "40001", "55P03"})  # deadlock, serialization, lock timeout
BATCH = 1000
LONG_AGO = "-infinity"


def sqlstate(error: BaseException | None) -> str:
    """The SQLSTATE of a database error, wherever Django wrapped it; empty if there is none."""
    while error is not None:
        if state := getattr(error, "sqlstate", None):
            return str(state)
        error = error.__cause__
    return ""


def retry_on_conflict(function: Callable[P, R]) -> Callable[P, R]:
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


def _sql(move: Transition, where: str, sets: Mapping[str, Any], tail: str) -> tuple[str, list[Any]]:
    """Locks the rows that stand in a source status (`due`), and moves them (`moved`).

    The status literals are written out so that the planner can use the partial indexes."""
    name = _model(move)._meta.db_table
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
    fell_due = f"t.{move.deadline}" if move.deadline else "NULL::timestamptz"
    return (
        f"due AS (SELECT id, status AS status_left, {fell_due} AS fell_due FROM {name} t"  # noqa: S608
        f" WHERE status IN ({_placeholders(move.sources)}) AND {where} {tail}),"
        f" moved AS (UPDATE {name} t SET {', '.join(assignments)} FROM due WHERE t.id = due.id"
        " RETURNING t.*, due.status_left, due.fell_due)"
    ), values


def _model(move: Transition) -> type[models.Model]:
    return apps.get_model(table_of(move).model)


@dataclass
class Batch:
    """A move of some rows, made by `whole` or `parts`.

    One statement moves the rows and writes what the receivers of `transition_writing` add to it.
    Then `transitioned` is sent, in the same transaction, which is the caller's."""

    move: Transition
    actor: Actor
    where: str
    params: Sequence[Any]
    tail: str = "ORDER BY id FOR NO KEY UPDATE"
    sets: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    rows: list[Any] = field(default_factory=list)

    def whole(self) -> list[Any]:
        """The rows that moved, by id, as they are now; each carries `status_left`."""
        rows = _model(self.move)._base_manager.raw(*self._sql("*", "ORDER BY id"))
        return self._announced(list(rows))

    def parts(self) -> list[Any]:
        """The same with only `Table.swept_columns` of them, in the order of their deadlines: a
        sweep of a hundred thousand does not read and build them all."""
        swept_columns = table_of(self.move).swept_columns
        if not swept_columns:
            return sorted(self.whole(), key=lambda row: (row.fell_due, row.pk))
        shape = _shape(swept_columns)
        columns = ", ".join(("id", "fell_due::text", *swept_columns))
        with connection.cursor() as cursor:
            cursor.execute(*self._sql(columns, "ORDER BY moved.fell_due, id"))
            rows = list(map(shape._make, cursor.fetchall()))
        return self._announced(rows)

    def _sql(self, columns: str, order: str = "") -> tuple[str, list[Any]]:
        with bulk_insert.gathered() as written_with_it:
            transition_writing.send(**self._told)
        moved, values = _sql(self.move, self.where, self.sets, self.tail)
        statement = bulk_insert.following(moved, written_with_it, columns)
        of_parts = [value for part in written_with_it for value in part.values]
        return f"{statement} {order}", [*self.move.sources, *self.params, *values, *of_parts]

    def _announced(self, rows: list[Any]) -> list[Any]:
        self.rows = rows
        if rows:
            transitioned.send(**self._told, rows=rows)
        return rows

    @property
    def _told(self) -> dict[str, Any]:
        return {
            "sender": _model(self.move),
            "table": table_of(self.move),
            "transition": self.move,
            "actor": self.actor,
            "details": self.details,
        }


@functools.cache
def _shape(swept_columns: tuple[str, ...]) -> Any:
    return namedtuple("Moved", ("pk", "fell_due", *swept_columns))  # noqa: PYI024


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
    target, with history and emails queued in the same transaction. Rows are locked in id order,
    and each carries `status_left`."""
    chosen = f"id = ANY(%s) AND ({where})"
    values = [list(ids), *params]
    batch = Batch(move, actor, chosen, values, sets=sets or {}, details=details or {})
    with transaction.atomic():
        return batch.whole()


def _due(move: Transition) -> str:
    return f"{move.deadline} <= statement_timestamp()" + (
        f" AND {move.unless} IS NULL" if move.unless else ""
    )


def not_due(table: Table) -> str:
    """SQL that holds for rows out of which the clock should not already have led."""

    def due(move: Transition) -> str:
        sources = ", ".join(f"'{source}'" for source in move.sources)
        return f"(status IN ({sources}) AND {_due(move)})"

    return " AND ".join(f"{due(move)} IS NOT TRUE" for move in table.time_driven)


def apply_due_transitions(table: Table, where: str, params: Sequence[Any]) -> int:
    """Makes, now and here, every clock transition that is due among the rows of `where`: what the
    sweeper has not reached yet does not stand in anybody's way."""
    clock = Actor.clock("on_demand")
    with transaction.atomic():
        return sum(
            len(Batch(move, clock, f"{_due(move)} AND ({where})", params).parts())
            for move in table.time_driven
        )


def sweep(
    move: Transition,
    job: str,
    batch: int = BATCH,
    progress: Callable[[int], None] = jobs.report_progress,
) -> int:
    """How many rows the clock moved: everything due, in the order of its deadlines.

    Safe to run twice or at once with itself: rows that another run has locked are left to it."""
    return in_batches(
        job,
        due=lambda since, size: _due_since(since, move, job, size),
        blame=lambda error: _record_failure(move, job, error),
        batch=batch,
        progress=progress,
    )


class Due(Protocol):
    """Some rows that are due: `parts` works on them and gives them back, with `pk` and `fell_due`;
    `rows` are they from the moment on that they are known."""

    rows: list[Any]

    def parts(self) -> list[Any]: ...


def in_batches(
    job: str,
    *,
    due: Callable[[str, int], Due],
    blame: Callable[[Exception], None],
    batch: int = BATCH,
    progress: Callable[[int], None] = jobs.report_progress,
) -> int:
    """How many rows were worked on, a batch a transaction, from what fell due first. A row that
    cannot be worked on is looked for by halving the batch, and blamed; the others go on."""
    done, size, since = 0, batch, LONG_AGO
    while True:
        these = due(since, size)
        try:
            with transaction.atomic():
                if rows := these.parts():
                    jobs.forget_failures(job, [row.pk for row in rows])
        except (OperationalError, InterfaceError):
            raise  # the database is away or gave way, no row is to blame
        except Exception as error:
            tried = len(these.rows) or size
            if tried == 1:
                blame(error)
            size = max(1, tried // 2)
            continue
        done += len(rows)
        progress(done)
        if len(rows) < size:
            return done
        size, since = min(batch, 2 * size), rows[-1].fell_due


def _due_since(since: str, move: Transition, job: str, size: int) -> Batch:
    """The next rows that are due. Those of the batch before have left dead entries in the index:
    `since` passes them by. A single row is the one that `_record_failure` would name."""
    order = f"t.{move.deadline}" if size > 1 else f"t.{move.deadline}, t.id"
    return Batch(
        move,
        Actor.clock(job),
        f"{_due(move)} AND t.{move.deadline} >= %s AND {NOT_SET_ASIDE}",
        [since, job],
        f"ORDER BY {order} LIMIT {size} FOR NO KEY UPDATE SKIP LOCKED",
    )


# Of a row of the table `t`; takes the job. As an array, so that the rows are read in the order of
# an index and no further than asked for.
NOT_SET_ASIDE = (
    f"t.id <> ALL(ARRAY(SELECT f.row::bigint FROM {JobFailure._meta.db_table} f"  # noqa: S608
    " WHERE f.job = %s AND f.retry_at > statement_timestamp()))"
)


def _record_failure(move: Transition, job: str, error: Exception) -> None:
    where = f"status IN ({_placeholders(move.sources)}) AND {_due(move)}"
    set_aside(_model(move), where, move.sources, move.deadline, job, error)


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
