"""Reminders: queued once when their time has come. One that comes too late to be of use is withheld
where it can be seen."""

from __future__ import annotations

from django.db import transaction

from api.models import Booking

from . import jobs, notices

BATCH = 500


def queue_due() -> int:
    """Reminders queued in this run, in the order in which they fell due. The mailer sends one that
    is late but before the start, and withholds one whose booking has begun or changed. Safe to run
    twice or at once with itself."""
    queued = 0
    while True:
        with transaction.atomic():
            rows = _claim()
            if rows:
                notices.notify("remind", rows, {})
        queued += len(rows)
        jobs.progress(queued)
        if len(rows) < BATCH:
            return queued


def _claim() -> list[Booking]:
    table = Booking._meta.db_table
    rows = Booking.objects.raw(
        f"WITH due AS (SELECT id, remind_at AS was_due FROM {table} WHERE status = 'confirmed'"  # noqa: S608
        " AND remind_at IS NOT NULL AND remind_at <= statement_timestamp()"
        " ORDER BY remind_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED)"
        f" UPDATE {table} b SET remind_at = NULL FROM due WHERE b.id = due.id"
        " RETURNING b.*, due.was_due",
        [BATCH],
    )
    return sorted(rows, key=lambda row: (row.was_due, row.pk))  # type: ignore[attr-defined]
