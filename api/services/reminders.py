"""Reminders: queued once when their time has come, and only while they are still useful."""

from __future__ import annotations

from django.db import transaction

from api.models import Booking

from . import notices

BATCH = 500


def queue_due() -> int:
    """Reminders queued in this run. One that is late but before the start is sent; one whose
    booking has begun is dropped. Safe to run twice or at once with itself."""
    queued = 0
    while True:
        with transaction.atomic():
            rows = _claim()
            useful = [row for row in rows if row.useful]  # type: ignore[attr-defined]
            if useful:
                notices.notify("remind", useful, {})
        queued += len(useful)
        if len(rows) < BATCH:
            return queued


def _claim() -> list[Booking]:
    table = Booking._meta.db_table
    return list(
        Booking.objects.raw(
            f"WITH due AS (SELECT id FROM {table} WHERE status = 'confirmed'"  # noqa: S608
            " AND remind_at IS NOT NULL AND remind_at <= statement_timestamp()"
            " ORDER BY remind_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED)"
            f" UPDATE {table} b SET remind_at = NULL FROM due WHERE b.id = due.id"
            " RETURNING b.*, b.starts_at > statement_timestamp() AS useful",
            [BATCH],
        )
    )
