"""The clock's sweeps: everything that is due, a batch a transaction, in the order of its deadlines.

A row that cannot be worked on is looked for in ever smaller batches and set aside; the others go
on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import InterfaceError, OperationalError, connection, models, transaction

from api.effective_status import build_due_sql, build_overdue_sql
from api.lifecycle import BOOKING, Transition
from api.models import Booking, JobFailure
from api.services.actors import Actor
from api.services.operations import jobs
from api.signals import slots_freed

from .transitions import get_model, get_table, write_transition

BATCH = 1000
LONG_AGO = "-infinity"


def sweep(
    move: Transition,
    job: str,
    batch: int = BATCH,
    progress: Callable[[int], None] = jobs.report_progress,
) -> int:
    """How many rows the clock moved.

    Safe to run twice or at once with itself: rows that another run has locked are left to it."""
    return run_in_batches(
        job,
        work=lambda since, size: _move_due(move, job, since, size),
        blame=lambda error: set_aside(
            get_model(move), build_due_sql(move), move.deadline, job=job, error=error
        ),
        batch=batch,
        progress=progress,
    )


def _move_due(move: Transition, job: str, since: str, size: int) -> list[Any]:
    """The next rows that were due, moved. Those of the batch before have left dead entries in the
    index: `since` passes them by. A single row is the one that `set_aside` would name."""
    order = f"t.{move.deadline}" if size > 1 else f"t.{move.deadline}, t.id"
    rows = write_transition(
        move,
        Actor.clock(job),
        where=f"{build_overdue_sql(move)} AND t.{move.deadline} >= %s AND {NOT_SET_ASIDE}",
        params=[since, job],
        lock=f"ORDER BY {order} LIMIT {size} FOR NO KEY UPDATE SKIP LOCKED",
        columns=get_table(move).swept_columns,
    )
    if rows and get_table(move) is BOOKING:
        slots_freed.send(sender=Booking)
    return rows


def run_in_batches(
    job: str,
    *,
    work: Callable[[str, int], Sequence[Any]],
    blame: Callable[[Exception], None],
    batch: int = BATCH,
    progress: Callable[[int], None] = jobs.report_progress,
) -> int:
    """How many rows were worked on. `work` is called with the deadline to go on from and a size,
    and gives back the rows that it worked on, by deadline, each with `pk` and `fell_due`; `blame`
    is called with the error of a batch of one."""
    done, size, since = 0, batch, LONG_AGO
    while True:
        try:
            with transaction.atomic():
                if rows := work(since, size):
                    jobs.forget_failures(job, [row.pk for row in rows])
        except (OperationalError, InterfaceError):
            raise  # the database is away or gave way, no row is to blame
        except Exception as error:
            if size == 1:
                blame(error)
            size = max(1, size // 4)
            continue
        done += len(rows)
        progress(done)
        if len(rows) < size:
            return done
        size, since = min(batch, 2 * size), rows[-1].fell_due


# Of a row of the table `t`; takes the job. As an array, so that the rows are read in the order of
# an index and no further than needed.
NOT_SET_ASIDE = (
    f"t.id <> ALL(ARRAY(SELECT f.row::bigint FROM {JobFailure._meta.db_table} f"
    " WHERE f.job = %s AND f.retry_at > statement_timestamp()))"
)


def set_aside(
    model: type[models.Model], where: str, deadline: str, *, job: str, error: Exception
) -> None:
    """Sets the first row aside that is still due."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {model._meta.db_table} t WHERE {where} AND {NOT_SET_ASIDE}"
            f" ORDER BY t.{deadline}, t.id LIMIT 1",
            [job],
        )
        row = cursor.fetchone()
    if row:
        jobs.set_aside(job, str(row[0]), error)
