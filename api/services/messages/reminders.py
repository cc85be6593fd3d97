"""Reminders: queued once when their time has come. One that comes too late to be of use is withheld
where it can be seen."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db import connection

from api.lifecycle import CONFIRMED
from api.models import Booking
from api.services.bookings import sweeps
from api.services.bookings.statements import build_statement

from . import notifications

JOB = "send_reminders"
BATCH = 500
TABLE = Booking._meta.db_table
DUE = "status = 'confirmed' AND remind_at IS NOT NULL AND remind_at <= statement_timestamp()"


def queue_due() -> int:
    """Reminders queued in this run, in the order in which they fell due. The mailer sends one that
    is late but before the start, and withholds one whose booking has begun or changed. Safe to run
    twice or at once with itself; a row that cannot be worked on does not hold up the others."""
    return sweeps.run_in_batches(
        JOB,
        work=_queue_batch,
        blame=lambda error: sweeps.set_aside(Booking, DUE, "remind_at", job=JOB, error=error),
        batch=BATCH,
    )


class Reminded(NamedTuple):
    pk: int
    fell_due: str


def _queue_batch(since: str, size: int) -> list[Reminded]:
    """Reminders that fell due since then, so many at most: queued in one statement."""
    part = notifications.build_email_part("remind", CONFIRMED, {})
    written: tuple[str, list[Any]] = _TAKEN, [since, JOB, size]
    select = "SELECT id, fell_due::text FROM written ORDER BY written.fell_due, id"
    with connection.cursor() as cursor:
        cursor.execute(*build_statement(written, [part] if part else [], select))
        return list(map(Reminded._make, cursor.fetchall()))


_TAKEN = (
    f"due AS (SELECT id, remind_at AS fell_due FROM {TABLE} t WHERE {DUE}"
    f" AND remind_at >= %s AND {sweeps.NOT_SET_ASIDE}"
    " ORDER BY remind_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED),"
    f" written AS (UPDATE {TABLE} b SET remind_at = NULL FROM due WHERE b.id = due.id"
    " RETURNING b.*, due.fell_due)"
)
