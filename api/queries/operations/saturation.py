"""How busy the database is: its connections and what they wait for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection

STATES = ("active", "idle", "idle in transaction")


@dataclass(frozen=True)
class Saturation:
    """Of this database, but `most` is the server's limit for all of its databases together.
    `oldest_transaction` is in seconds."""

    connections: Mapping[str, int]
    most: int
    waiting_for_locks: int
    oldest_transaction: float


def measure_saturation() -> Saturation:
    """Measure it in one statement; needs no special right, as one's own sessions are visible."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::int,"
            " count(*) FILTER (WHERE wait_event_type = 'Lock'),"
            " coalesce(extract(epoch FROM statement_timestamp() - min(xact_start)"
            "   FILTER (WHERE pid <> pg_backend_pid())), 0)::float,"
            " count(*) FILTER (WHERE state = 'active'), count(*) FILTER (WHERE state = 'idle'),"
            " count(*) FILTER (WHERE state LIKE 'idle in transaction%')"
            " FROM pg_stat_activity WHERE datname = current_database()"
        )
        most, waiting, oldest, *counts = cursor.fetchone()
    return Saturation(
        connections=dict(zip(STATES, counts, strict=True)),
        most=most,
        waiting_for_locks=waiting,
        oldest_transaction=max(0.0, oldest),
    )
