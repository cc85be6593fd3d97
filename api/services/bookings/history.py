"""Writes the lines of history, one statement for any batch, and deletes old ones."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection
from psycopg.types.json import Jsonb

from api.models import Booking, BookingEvent
from api.services.actors import Actor
from api.services.operations import jobs

from .statements import InsertPart

_TABLE = BookingEvent._meta.db_table
_INSERT_WRITTEN = (
    f"INSERT INTO {_TABLE}"
    " (booking_id, verb, from_status, to_status, by, actor_id, actor_name, details)"
    " SELECT id, %s, status_left, status, %s, %s::bigint, %s, %s FROM written"
    " ORDER BY fell_due, id"
)
_INSERT_CREATED = _INSERT_WRITTEN.replace(
    "%s FROM written", "%s || jsonb_build_object('initial_status', status) FROM written"
)

BATCH = 5000  # lines in one transaction
BUDGET = 60.0  # seconds of one run


def build_event_part(verb: str, actor: Actor, details: Mapping[str, Any]) -> InsertPart:
    """One event for each booking that the statement inserts or moves."""
    return _build_part(_INSERT_WRITTEN, verb, actor, details)


def build_created_part(actor: Actor, details: Mapping[str, Any], verb: str) -> InsertPart:
    """The first event of each booking that the statement inserts, with its first status."""
    return _build_part(_INSERT_CREATED, verb, actor, details)


def _build_part(sql: str, verb: str, actor: Actor, details: Mapping[str, Any]) -> InsertPart:
    user = actor.user.pk if actor.user else None
    return InsertPart(sql, [verb, actor.by.value, user, actor.name, Jsonb(dict(details))])


def record_events(
    verb: str,
    bookings: Sequence[Booking],
    actor: Actor,
    details: Mapping[str, Any],
    own: Mapping[int, Mapping[str, Any]] | None = None,
) -> None:
    """One event for each booking that was edited and kept its status; `own`: what is to be said of
    each, by its id."""
    BookingEvent.objects.bulk_create(
        BookingEvent(
            booking=booking,
            verb=verb,
            to_status=booking.status,
            by=actor.by,
            actor=actor.user,
            actor_name=actor.name,
            details={**(own or {}).get(booking.pk, {}), **details},
        )
        for booking in bookings
    )


def erase_texts(booking_ids: Iterable[int]) -> None:
    """Takes what people wrote out of the events of these bookings; times and statuses stay."""
    paths = [f"{{{side},{name}}}" for side in ("from", "to") for name in ("title", "notes")]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_TABLE} SET details = details"
            " #- %s::text[] #- %s::text[] #- %s::text[] #- %s::text[]"
            " WHERE booking_id = ANY(%s) AND verb IN ('edit', 'reschedule')",
            [*paths, list(booking_ids)],
        )


PRUNE = f"""
    WITH first AS (SELECT id FROM {BookingEvent._meta.db_table} ORDER BY id LIMIT %s),
    old AS MATERIALIZED (
        SELECT line.id FROM {BookingEvent._meta.db_table} AS line JOIN first USING (id)
        WHERE line.at < date_trunc('month', statement_timestamp()) - %s * interval '1 month'
        ORDER BY line.id FOR UPDATE OF line SKIP LOCKED
    )
    DELETE FROM {BookingEvent._meta.db_table} WHERE id IN (SELECT id FROM old)"""


def prune() -> int:
    """Delete the lines before the months that KEEP_HISTORY_MONTHS says; how many there were.

    Ids follow time, so the oldest lines come first in the primary key, and a run that finds nothing
    reads one batch. Safe at once with itself: what another run has locked is left to it.
    """
    deleted, until = 0, time.monotonic() + BUDGET
    while settings.KEEP_HISTORY_MONTHS and time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(PRUNE, [BATCH, settings.KEEP_HISTORY_MONTHS])
            if not cursor.rowcount:
                break
            deleted += cursor.rowcount
        jobs.report_progress(deleted)
    return deleted
