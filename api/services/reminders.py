"""Reminders: queued once when their time has come. One that comes too late to be of use is withheld
where it can be seen."""

from __future__ import annotations

from django.db import connection

from api.lifecycle import CONFIRMED
from api.models import Booking

from . import bulk, jobs, notices

BATCH = 500


def queue_due() -> int:
    """Reminders queued in this run, in the order in which they fell due. The mailer sends one that
    is late but before the start, and withholds one whose booking has begun or changed. Safe to run
    twice or at once with itself."""
    queued = 0
    while True:
        many = _queue()
        queued += many
        jobs.progress(queued)
        if many < BATCH:
            return queued


TABLE = Booking._meta.db_table
_DUE = (
    f"due AS (SELECT id, remind_at AS fell_due FROM {TABLE} WHERE status = 'confirmed'"  # noqa: S608
    " AND remind_at IS NOT NULL AND remind_at <= statement_timestamp()"
    " ORDER BY remind_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED),"
    f" moved AS (UPDATE {TABLE} b SET remind_at = NULL FROM due WHERE b.id = due.id"
    " RETURNING b.*, due.fell_due)"
)


def _queue() -> int:
    """One batch, in one statement."""
    with bulk.gathered() as emails:
        notices.notify_moved("remind", CONFIRMED, {})
    with connection.cursor() as cursor:
        values = [value for part in emails for value in part.values]
        cursor.execute(bulk.following(_DUE, emails, "count(*)"), [BATCH, *values])
        return int(cursor.fetchone()[0])
