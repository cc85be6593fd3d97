"""Reminders: queued once when their time has come. One that comes too late to be of use is withheld
where it can be seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connection

from api.lifecycle import CONFIRMED
from api.models import Booking
from api.services.bookings import bulk_insert, transitions

from . import notifications

JOB = "send_reminders"
BATCH = 500
TABLE = Booking._meta.db_table
DUE = "status = 'confirmed' AND remind_at IS NOT NULL AND remind_at <= statement_timestamp()"


def queue_due() -> int:
    """Reminders queued in this run, in the order in which they fell due. The mailer sends one that
    is late but before the start, and withholds one whose booking has begun or changed. Safe to run
    twice or at once with itself; a row that cannot be worked on does not hold up the others."""
    return transitions.in_batches(
        JOB,
        due=Reminders,
        blame=lambda error: transitions.set_aside(Booking, DUE, [], "remind_at", JOB, error),
        batch=BATCH,
    )


class Reminded(NamedTuple):
    pk: int
    fell_due: str


@dataclass
class Reminders:
    """Reminders that fell due since then, so many at most: queued in one statement."""

    since: str
    size: int
    rows: list[Any] = field(default_factory=list)

    def parts(self) -> list[Any]:
        with bulk_insert.gathered() as emails:
            notifications.notify_moved("remind", CONFIRMED, {})
        values = [value for part in emails for value in part.values]
        statement = bulk_insert.following(_MOVED, emails, "id, fell_due::text")
        with connection.cursor() as cursor:
            cursor.execute(
                f"{statement} ORDER BY moved.fell_due, id", [self.since, JOB, self.size, *values]
            )
            self.rows = list(map(Reminded._make, cursor.fetchall()))
        return self.rows


_MOVED = (
    f"due AS (SELECT id, remind_at AS fell_due FROM {TABLE} t WHERE {DUE}"  # noqa: S608
    f" AND remind_at >= %s AND {transitions.NOT_SET_ASIDE}"
    " ORDER BY remind_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED),"
    f" moved AS (UPDATE {TABLE} b SET remind_at = NULL FROM due WHERE b.id = due.id"
    " RETURNING b.*, due.fell_due)"
)
