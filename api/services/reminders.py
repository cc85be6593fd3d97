"""Reminders: queued once when their time has come. One that comes too late to be of use is withheld
where it can be seen."""

from __future__ import annotations

from api.models import Booking

from . import notices, transitions

JOB = "send_reminders"
BATCH = 500
DUE = "status = 'confirmed' AND remind_at IS NOT NULL AND remind_at <= statement_timestamp()"


def queue_due() -> int:
    """Reminders queued in this run, in the order in which they fell due. The mailer sends one that
    is late but before the start, and withholds one whose booking has begun or changed. Safe to run
    twice or at once with itself; a row that cannot be worked on does not hold up the others."""
    return transitions.in_batches(
        JOB,
        claim=_claim,
        act=lambda rows: notices.notify("remind", rows, {}),
        blame=lambda error: transitions.set_aside(Booking, DUE, [], "remind_at", JOB, error),
        batch=BATCH,
    )


def _claim(size: int) -> list[Booking]:
    table = Booking._meta.db_table
    rows = Booking.objects.raw(
        f"WITH due AS (SELECT id, remind_at AS was_due FROM {table} t WHERE {DUE}"  # noqa: S608
        f" AND {transitions.NOT_SET_ASIDE}"
        " ORDER BY remind_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED)"
        f" UPDATE {table} b SET remind_at = NULL FROM due WHERE b.id = due.id"
        " RETURNING b.*, due.was_due",
        [JOB, size],
    )
    return sorted(rows, key=lambda row: (row.was_due, row.pk))  # type: ignore[attr-defined]
