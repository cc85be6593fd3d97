"""A table as a queue: the outbox, Stripe's webhooks and the exports are worked on through this.

1. `claim` leases due rows to one worker, by a conditional write with SKIP LOCKED.
2. The worker does its work outside any transaction.
3. The outcome is written if the lease is still the worker's: done, withheld, or tried again later.
4. After the last attempt a row is parked, where operators see it.

Any number of workers may run at once. A worker that dies loses its lease, and another takes over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

import structlog
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from api.models.leases import LeasedRow

from . import jobs

log = structlog.get_logger("holdfast.queue")

Row = TypeVar("Row", bound=LeasedRow)
Work = Callable[[list[Row]], Iterator[tuple[Row, Exception | None]]]

WAITING = "waiting"
WAITS = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 1800, 7200, 21_600, 86_400))
RUN_SECONDS = 60.0  # half of the default lease, so that no row is worked on by two at once


class Withheld(Exception):
    """What the row was for is gone, so it is finished without being done."""


class Parked(Exception):
    """It cannot be done until something changes elsewhere, so the row is parked at once; whoever
    brings the change makes it due again."""


@dataclass(frozen=True)
class LeaseQueue(Generic[Row]):
    """The names of a table's states, and how patient its workers are.

    A row is parked when its attempt fails after all `waits`, or when its workers died with it
    `max_deaths` times."""

    model: type[Row]
    claimed: str
    done: str
    parked: str
    withheld: str = ""
    batch: int = 50
    lease: timedelta = timedelta(minutes=2)
    waits: Sequence[timedelta] = WAITS
    max_deaths: int = 4

    def due(self, **where: Any) -> QuerySet[Row]:
        rows = self.model._default_manager.filter(state__in=(WAITING, self.claimed), **where)
        return rows.filter(due_at__lte=Now())

    def claim(self, **where: Any) -> list[Row]:
        """Lease a batch of due rows to the caller, in the order in which they fell due.

        A row that is due while claimed was left by a worker that died. It is claimed alone: if it
        is what kills workers, it takes no other row's attempts with it.
        """
        with transaction.atomic():
            locked = self.due(**where).select_for_update(skip_locked=True, no_key=True)
            # by one column, as the index has it; sorted by more, every row that is due is read
            rows = sorted(locked.order_by("due_at")[: self.batch], key=lambda r: (r.due_at, r.pk))
            died = bool(rows) and rows[0].state == self.claimed
            rows = rows[:1] if died else [row for row in rows if row.state != self.claimed]
            claimed = self.model._default_manager.filter(pk__in=[row.pk for row in rows])
            claimed.update(
                state=self.claimed, attempts=F("attempts") + 1, due_at=Now() + self.lease
            )
        for row in rows:
            row.state, row.attempts = self.claimed, row.attempts + 1
        if died and rows[0].attempts > self.max_deaths:
            self.park(rows[0], "Its worker died with it every time.")
            return self.claim(**where)
        return rows

    def leased(self, row: Row) -> QuerySet[Row]:
        """The row, or nothing if another worker has claimed it since."""
        return self.model._default_manager.filter(
            pk=row.pk, state=self.claimed, attempts=row.attempts
        )

    def finish(self, row: Row, state: str, error: str = "") -> bool:
        """Whether the outcome was written: only if no other worker has claimed the row since."""
        values = [state, error.replace("\0", "")[:2000], row.pk, self.claimed, row.attempts]
        with connection.cursor() as cursor:  # the ORM takes 0.37 ms of processor time, this 0.10
            cursor.execute(
                f"UPDATE {self.model._meta.db_table} SET state = %s, last_error = %s,"
                " finished_at = statement_timestamp() WHERE id = %s AND state = %s"
                " AND attempts = %s",
                values,
            )
            return bool(cursor.rowcount)

    def park(self, row: Row, error: str) -> None:
        self.finish(row, self.parked, error)
        self._log("parked", row, error)

    def record(self, row: Row, error: Exception | None) -> bool:
        """Write the outcome of an attempt; whether the row is done."""
        if error is None:
            return self.finish(row, self.done)
        if isinstance(error, Withheld):
            self.finish(row, self.withheld, str(error))
            return False
        text = f"{type(error).__name__}: {error}".replace("\0", "")[:2000]
        if row.attempts > len(self.waits) or isinstance(error, Parked):
            self.park(row, text)
        else:
            wait = self.waits[row.attempts - 1]
            self.leased(row).update(state=WAITING, last_error=text, due_at=Now() + wait)
            self._log("failed", row, text)
        return False

    def release(self, row: Row) -> None:
        """Give back a row that was not tried."""
        self.leased(row).update(state=WAITING, attempts=F("attempts") - 1, due_at=Now())

    def run(self, work: Work[Row], seconds: float = RUN_SECONDS, **where: Any) -> int:
        """Work on due rows until there are none; how many are done.

        No batch is claimed after `seconds`, and no row begun after RUN_SECONDS. `work` yields the
        outcome of each row that it tried. Rows that it did not reach are released, and end the run.
        """
        began, done = time.monotonic(), 0
        while rows := self.claim(**where):
            untried = {row.pk: row for row in rows}
            for row, error in work(rows):
                del untried[row.pk]
                done += self.record(row, error)
                if time.monotonic() - began > RUN_SECONDS:
                    break
            for row in untried.values():
                self.release(row)
            jobs.report_progress(done)
            if untried or time.monotonic() - began > seconds:
                break
        return done

    def _log(self, outcome: str, row: Row, error: str) -> None:
        event, facts = f"{self.model._meta.model_name}_{outcome}", row.log_fields()
        write = log.error if outcome == "parked" else log.warning
        write(event, **facts, attempt=row.attempts, error=error)


def run_one_by_one(
    work_on: Callable[[Row], Any], stop: Callable[[], bool] | None = None
) -> Work[Row]:
    """The work of a batch whose rows have nothing in common, until `stop` is true."""

    def work(rows: list[Row]) -> Iterator[tuple[Row, Exception | None]]:
        for row in rows:
            if stop and stop():
                return
            outcome: Exception | None = None
            try:
                work_on(row)
            except Exception as error:  # whatever goes wrong is the outcome of this row alone
                outcome = error
            yield row, outcome

    return work
