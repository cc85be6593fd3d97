"""The outbox: what leaves the system is a row first, written with its cause, and then worked on as
a queue until it is sent, withheld or parked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now
from psycopg.types.json import Jsonb

from api.models import Delivery
from api.models.outbox import Kind, State
from api.services.bookings.statements import InsertPart
from api.services.operations.lease_queue import RUN_SECONDS, LeaseQueue, Work

QUEUE = LeaseQueue(
    Delivery,
    claimed=State.SENDING.value,
    done=State.SENT.value,
    withheld=State.WITHHELD.value,
    parked=State.PARKED.value,
)
THREADS = 4  # of a run that finds more than a batch
FLOOD_SECONDS = 5.0  # of such a run, if another goes on after it: sweeps wait for its process


@dataclass(frozen=True)
class Effect:
    """Something that is to leave the system; its key makes that happen once."""

    key: str
    name: str
    kind: str = Kind.EMAIL
    booking_id: int | None = None
    to: str = ""
    payload: dict[str, Any] = field(default_factory=dict)


def put(effects: Iterable[Effect]) -> None:
    """Write the rows in the transaction of their cause. A key that exists already is skipped."""
    rows = list(effects)
    if not rows:
        return
    Delivery.objects.bulk_create(
        (Delivery(**vars(row), request_id=_get_cause()) for row in rows), ignore_conflicts=True
    )


def build_email_part(
    select: str, params: Sequence[Any], payload: Mapping[str, Any], *, own: bool = False
) -> InsertPart:
    """The same for emails that `select` makes of the rows of `written` (key, name, booking, to and
    due, in this order), as part of the statement that writes them. `own`: of each row what its
    payload has besides, as jsonb, in a sixth column."""
    columns = ("key", "name", "booking_id", '"to"', "due_at", *(["own"] if own else ()))
    sql = (
        f"INSERT INTO {Delivery._meta.db_table}"
        ' (key, name, booking_id, "to", due_at, kind, payload, state, attempts, last_error,'
        f" request_id) SELECT {', '.join(columns[:5])}, 'email', %s{' || own' if own else ''},"
        f" 'waiting', 0, '', %s FROM ({select}) AS effect({', '.join(columns)})"
        " ON CONFLICT (key) DO NOTHING"
    )
    return InsertPart(sql, [Jsonb(dict(payload)), _get_cause(), *params])


def _get_cause() -> str:
    """The id of the current request or task."""
    context = structlog.contextvars.get_contextvars()
    return str(context.get("request_id") or context.get("task_id") or "")[:64]


def deliver(
    kinds: Sequence[Kind], send: Work[Delivery], more: Callable[[], None] | None = None
) -> int:
    """How many rows left the system in this run.

    If more than a batch is due, several threads send, each with connections of its own, because a
    sender mostly waits for its provider. `more` is then called to ask for another run, in an idle
    process or after this one.
    """
    if not QUEUE.due(kind__in=kinds)[QUEUE.batch :].exists():
        return QUEUE.run(send, kind__in=kinds)
    if more is not None:
        more()
    seconds = RUN_SECONDS if more is None else FLOOD_SECONDS

    def run() -> int:
        try:
            return QUEUE.run(send, seconds, kind__in=kinds)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS, thread_name_prefix="deliver") as pool:
        runs = [pool.submit(copy_context().run, run) for _ in range(THREADS)]
        return sum(each.result() for each in runs)


def withhold(bookings: Iterable[int], why: str) -> int:
    """Withhold the waiting emails about these bookings, but not those to the people of a trade."""
    waiting = Delivery.objects.filter(
        booking__in=bookings, kind=Kind.EMAIL, state=State.WAITING
    ).exclude(payload__has_key="trade")
    return waiting.update(state=State.WITHHELD, last_error=why, finished_at=Now())


def withhold_keys(keys: Collection[str], why: str) -> int:
    """Withhold the waiting emails with these keys."""
    waiting = Delivery.objects.filter(key__in=keys, kind=Kind.EMAIL, state=State.WAITING)
    return waiting.update(state=State.WITHHELD, last_error=why, finished_at=Now())


def retry(rows: Iterable[int]) -> int:
    """Make parked rows due again, for an operator."""
    parked = Delivery.objects.filter(pk__in=list(rows), state=State.PARKED)
    return parked.update(state=State.WAITING, attempts=0, due_at=Now(), finished_at=None)


def prune() -> int:
    """Delete finished rows older than the retention; parked ones stay until retried."""
    old = Q(finished_at__lt=Now() - settings.KEEP_DELIVERIES)
    done = Q(state__in=[State.SENT.value, State.WITHHELD.value])
    return Delivery.objects.filter(old & done).delete()[0]
