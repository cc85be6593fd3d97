"""Writes the lines of history: one statement for any batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection

from api.models import Booking, BookingEvent

from . import bulk
from .actors import Actor


def record(verb: str, rows: Sequence[Booking], actor: Actor, details: Mapping[str, Any]) -> None:
    """One event per row. Rows that moved carry the status they left as `status_left`."""
    many, user = len(rows), actor.user.pk if actor.user else None
    bulk.insert(
        BookingEvent,
        {
            "booking_id": [row.pk for row in rows],
            "verb": [verb] * many,
            "from_status": [getattr(row, "status_left", "") for row in rows],
            "to_status": [str(row.status) for row in rows],
            "by": [str(actor.by.value)] * many,
            "actor_id": [user] * many,
            "actor_name": [actor.name] * many,
            "details": [dict(details)] * many,
        },
    )


def forget_words(bookings: Iterable[int]) -> None:
    """Takes what people wrote out of the lines of these bookings; times and statuses stay."""
    paths = [f"{{{side},{name}}}" for side in ("from", "to") for name in ("title", "notes")]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {BookingEvent._meta.db_table} SET details = details"  # noqa: S608
            " #- %s::text[] #- %s::text[] #- %s::text[] #- %s::text[]"
            " WHERE booking_id = ANY(%s) AND verb IN ('edit', 'reschedule')",
            [*paths, list(bookings)],
        )
