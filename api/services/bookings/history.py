"""Writes the lines of history: one statement for any batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from api.models import Booking, BookingEvent
from api.services.actors import Actor

from . import bulk_insert
from .bulk_insert import Part


def record(verb: str, rows: Sequence[Booking], actor: Actor, details: Mapping[str, Any]) -> None:
    """One event per row that is new or was edited: it has left no status."""
    many, user = len(rows), actor.user.pk if actor.user else None
    bulk_insert.insert(
        BookingEvent,
        {
            "booking_id": [row.pk for row in rows],
            "verb": [verb] * many,
            "from_status": [""] * many,
            "to_status": [str(row.status) for row in rows],
            "by": [str(actor.by.value)] * many,
            "actor_id": [user] * many,
            "actor_name": [actor.name] * many,
            "details": [dict(details)] * many,
        },
    )


def record_moved(verb: str, actor: Actor, details: Mapping[str, Any]) -> None:
    """One event per row of `moved`, written by the statement that moves them."""
    user = actor.user.pk if actor.user else None
    bulk_insert.add(
        Part(
            f"INSERT INTO {BookingEvent._meta.db_table} (booking_id, verb, from_status, to_status,"  # noqa: S608
            " by, actor_id, actor_name, details) SELECT id, %s, status_left, status, %s, %s, %s, %s"
            " FROM moved ORDER BY fell_due, id",
            "",
            [verb, str(actor.by.value), user, actor.name, Jsonb(dict(details))],
        )
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
