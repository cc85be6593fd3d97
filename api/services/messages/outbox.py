"""The outbox: what leaves the system is a row first, claimed by a conditional write, sent outside
any transaction, and tried again by a column until it is sent, withheld or parked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from psycopg.types.json import Jsonb

from api.models import Delivery
from api.models.outbox import Kind, State
from api.services.bookings.statements import InsertPart
from api.services.operations import jobs

log = structlog.get_logger("holdfast.outbox")

WAITS = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 1800, 7200, 21_600, 86_400))
LEASE = timedelta(seconds=120)
BUDGET = 60.0  # seconds of one run; half the lease, so no row is sent by two at once
TURN = 5.0  # seconds after which a run that others go on with ends: sweeps wait for its process
CLAIM = 50
LANES = 4  # of a run, at most
BUSY = 0.6  # of a processor: who works so much waits too little for another lane
PROBE = 10  # rows after which that is looked at again
DEATHS = 4  # attempts after which a row whose sender died again is parked


@dataclass(frozen=True)
class Effect:
    """Something that shall leave the system; the key makes it happen once."""

    key: str
    name: str
    kind: str = Kind.EMAIL
    booking_id: int | None = None
    to: str = ""
    payload: dict[str, Any] = field(default_factory=dict)


class Withheld(Exception):
    """The cause of this row is gone; it is not to be sent."""


def put(effects: Iterable[Effect]) -> None:
    """Writes the rows in the transaction of their cause. A key that is there already stays."""
    rows = list(effects)
    if not rows:
        return
    Delivery.objects.bulk_create(
        (Delivery(**vars(row), request_id=_cause()) for row in rows), ignore_conflicts=True
    )


def email_part(select: str, params: Sequence[Any], payload: Mapping[str, Any]) -> InsertPart:
    """The same for emails that `select` makes of the rows of `written` (key, name, booking, to and
    due, in this order), as part of the statement that writes them."""
    sql = (
        f"INSERT INTO {Delivery._meta.db_table}"  # noqa: S608
        ' (key, name, booking_id, "to", due_at, kind, payload, state, attempts, last_error,'
        f" request_id) SELECT effect.*, 'email', %s, 'waiting', 0, '', %s FROM ({select}) AS effect"
        " ON CONFLICT (key) DO NOTHING"
    )
    return InsertPart(sql, [Jsonb(dict(payload)), _cause(), *params])


def _cause() -> str:
    """The request or task in which this happens."""
    context = structlog.contextvars.get_contextvars()
    return str(context.get("request_id") or context.get("task_id") or "")[:64]


# of rows `seen` at a `place`: the first if its sender died with it, else all whose sender did not
ORPHANS_ALONE = (
    "SELECT * FROM seen WHERE CASE WHEN (SELECT orphan FROM seen WHERE place = 1)"
    " THEN place = 1 ELSE NOT orphan END"
)


def claim(kinds: Sequence[str], limit: int = CLAIM) -> list[Delivery]:
    """Due rows of these kinds, now leased to the caller, in the order in which they fell due.

    A row whose sender died with it (`orphan`) comes alone: if it is what kills its senders, it
    takes no others with it."""
    table = Delivery._meta.db_table
    with transaction.atomic():
        rows = Delivery.objects.raw(
            "WITH seen AS (SELECT id, due_at AS was_due, state = 'sending' AS orphan,"  # noqa: S608
            f" row_number() OVER (ORDER BY due_at, id) AS place FROM (SELECT * FROM {table}"
            " WHERE state IN ('waiting', 'sending') AND due_at <= statement_timestamp()"
            " AND kind = ANY(%s) ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED) AS locked),"
            f" due AS ({ORPHANS_ALONE})"
            f" UPDATE {table} d SET state = 'sending', attempts = attempts + 1,"
            " due_at = statement_timestamp() + %s FROM due WHERE d.id = due.id"
            " RETURNING d.*, due.was_due, due.orphan",
            [[str(k) for k in kinds], limit, LEASE],
        )
        return sorted(rows, key=lambda row: (row.was_due, row.pk))  # type: ignore[attr-defined]


_FINISH = (
    f"UPDATE {Delivery._meta.db_table} SET state = %s, last_error = %s,"  # noqa: S608
    " finished_at = statement_timestamp() WHERE id = %s AND state = 'sending' AND attempts = %s"
)


def settle(row: Delivery, state: str, error: str = "", wait: timedelta | None = None) -> bool:
    """Writes the outcome if the lease is still ours (nobody has claimed the row since)."""
    error = error.replace("\0", "")[:2000]  # a provider may say anything
    if wait is not None:
        mine = Delivery.objects.filter(pk=row.pk, state=State.SENDING, attempts=row.attempts)
        return bool(mine.update(state=state, last_error=error, due_at=Now() + wait))
    with connection.prepared() as cursor:  # type: ignore[attr-defined]
        cursor.execute(_FINISH, [str(state), error, row.pk, row.attempts])
        return bool(cursor.rowcount)


def failed(row: Delivery, error: Exception) -> None:
    """Waits for the next attempt, or parks the row visibly after the last one."""
    text = f"{type(error).__name__}: {error}"
    if row.attempts > len(WAITS):
        settle(row, State.PARKED, text)
        log.error("delivery_parked", **_named(row), error=text)
    else:
        settle(row, State.WAITING, text, WAITS[row.attempts - 1])
        log.warning("delivery_failed", **_named(row), attempt=row.attempts, error=text)


def _named(row: Delivery) -> dict[str, str]:
    """What a line of the log calls a row: the request that caused it, not the task that sends."""
    return {"key": row.key, "kind": row.kind, "request_id": row.request_id}


Send = Callable[[list[Delivery]], Iterable["Outcome"]]


def deliver(kinds: Sequence[str], send: Send, more: Callable[[], None] | None = None) -> int:
    """How many rows left the system in this run. `send` works on a claimed batch one by one and
    yields an outcome for each; what it does not reach is given back, and ends the run.

    Few leave in the order in which they fell due. A full batch means that more wait: `more` asks
    for another run, in a process that has nothing to do or after this one's turn, and as long as
    this process rather waits than works another lane sends beside the first."""
    began, first = time.monotonic(), claim(kinds)
    if len(first) < CLAIM:
        return _lane(first, _Run(kinds, send, began + BUDGET, began + BUDGET))
    if more is not None:
        more()
    run = _Run(kinds, send, began + BUDGET, began + (BUDGET if more is None else TURN))
    with ThreadPoolExecutor(LANES - 1, thread_name_prefix="lane") as pool:
        lanes = _Lanes(pool, run)
        return _lane(first, run, lanes.widen) + lanes.sent()


@dataclass(frozen=True)
class _Run:
    """`until`: no row is begun after it; `turn`: no batch."""

    kinds: Sequence[str]
    send: Send
    until: float
    turn: float


class _Lanes:
    """Senders beside the first, each with connections of its own."""

    def __init__(self, pool: ThreadPoolExecutor, run: _Run) -> None:
        self.pool, self.run = pool, run
        self.running: list[Future[int]] = []
        self.since = time.monotonic(), time.process_time()

    def widen(self) -> None:
        """One more while the process has time for it: a provider that answers at once keeps one
        or two lanes busy, and one that is far away as many as there may be."""
        seconds, worked = time.monotonic() - self.since[0], time.process_time() - self.since[1]
        if worked < BUSY * seconds and len(self.running) < LANES - 1:
            self.running.append(self.pool.submit(copy_context().run, _own_lane, self.run))
            self.since = time.monotonic(), time.process_time()

    def sent(self) -> int:
        return sum(lane.result() for lane in self.running)


def _own_lane(run: _Run) -> int:
    try:
        return _lane([], run)
    finally:
        connection.close()


def _lane(claimed: list[Delivery], run: _Run, probed: Callable[[], None] | None = None) -> int:
    sent = 0
    while claimed := claimed or claim(run.kinds):
        rows, reached, causes = _worth_sending(claimed), set(), set()
        for row, error in run.send(rows):
            reached.add(row.pk)
            sent += _record(row, error)
            causes.add(row.request_id)
            if time.monotonic() > run.until:
                break
            if probed is not None and len(reached) % PROBE == 0:
                probed()
        for row in rows:
            if row.pk not in reached:
                _give_back(row)
        log.info("delivered", rows=len(reached), requests=sorted(causes))
        jobs.report_progress(sent)
        if len(reached) < len(rows) or time.monotonic() > run.turn:
            break
        claimed = []
    return sent


def _worth_sending(rows: list[Delivery]) -> list[Delivery]:
    """Without a row that has killed its senders too often: that one is parked."""
    deadly = [row for row in rows if row.orphan and row.attempts > DEATHS]  # type: ignore[attr-defined]
    for row in deadly:
        settle(row, State.PARKED, "Its sender died with it every time.")
        log.error("delivery_parked", **_named(row), error="its sender died")
    return [row for row in rows if row not in deadly]


Outcome = tuple[Delivery, Exception | None]


def _record(row: Delivery, error: Exception | None) -> int:
    if error is None:
        settle(row, State.SENT)
        return 1
    if isinstance(error, Withheld):
        settle(row, State.WITHHELD, str(error))
    else:
        failed(row, error)
    return 0


def _give_back(row: Delivery) -> None:
    Delivery.objects.filter(pk=row.pk, state=State.SENDING, attempts=row.attempts).update(
        state=State.WAITING, attempts=row.attempts - 1, due_at=Now()
    )


def withhold(bookings: Iterable[int], why: str) -> int:
    """Emails about these bookings that wait to be sent and are not to be sent any more; those to
    the people of a trade stay."""
    waiting = Delivery.objects.filter(
        booking__in=bookings, kind=Kind.EMAIL, state=State.WAITING
    ).exclude(payload__has_key="trade")
    return waiting.update(state=State.WITHHELD, last_error=why, finished_at=Now())


def retry(rows: Iterable[int]) -> int:
    """Parked rows made due again, by an operator."""
    parked = Delivery.objects.filter(pk__in=list(rows), state=State.PARKED)
    return parked.update(state=State.WAITING, attempts=0, due_at=Now(), finished_at=None)


def prune() -> int:
    """Forgets finished rows older than the retention; parked ones are kept until retried."""
    old = Q(finished_at__lt=Now() - settings.KEEP_DELIVERIES)
    done = Q(state__in=[State.SENT.value, State.WITHHELD.value])
    return Delivery.objects.filter(old & done).delete()[0]
