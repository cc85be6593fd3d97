"""Whose turn it is among resources that would all do."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, time
from typing import Any

from django.db import connection

from api.effective_status import build_effective_status_sql
from api.lifecycle import BOOKING, Status
from api.models import Allocation, Booking, Venue
from api.opening_hours import DAY, to_instant
from api.policy import MAX_LENGTH

LONG_AGO = datetime.min.replace(tzinfo=UTC)
_HAPPENS = ", ".join(f"'{status}'" for status in (*BOOKING.blocking, Status.COMPLETED))
_OF_TIME = (
    "b.starts_at >= %s AND b.starts_at < %s AND b.id <> %s::bigint"
    f" AND {build_effective_status_sql(BOOKING, 'b.')} IN ({_HAPPENS})"
)
_LOADS = (
    "SELECT resource_id, count(*) FILTER (WHERE starts_at >= %s),"
    " max(ends_at) FILTER (WHERE ends_at <= %s) FROM ("
    f"SELECT b.resource_id, b.starts_at, b.ends_at FROM {Booking._meta.db_table} b"
    f" WHERE b.resource_id = ANY(%s::bigint[]) AND {_OF_TIME}"
    " UNION ALL SELECT DISTINCT ON (a.resource_id, b.id) a.resource_id, b.starts_at, b.ends_at"
    f" FROM {Allocation._meta.db_table} a JOIN {Booking._meta.db_table} b ON b.id = a.booking_id"
    f" WHERE a.kind = 'part' AND a.resource_id = ANY(%s::bigint[]) AND {_OF_TIME}"
    ") taken GROUP BY resource_id"
)


def sort_by_turn(
    venue: Venue, resource_ids: Collection[int], starts_at: datetime, ignore: int = 0
) -> list[int]:
    """The ids with those first that have the fewest bookings on that day of the venue, of these
    those that have been idle for the longest then (a month at most), then by id: one statement.
    `ignore` is a booking's id."""
    on = starts_at.astimezone(venue.zone).date()
    day = [to_instant(venue.zone, each, time.min) for each in (on, on + DAY)]
    ids = list(resource_ids)
    times: list[Any] = [day[0] - MAX_LENGTH, day[1], ignore]
    with connection.cursor() as cursor:
        cursor.execute(_LOADS, [day[0], starts_at, ids, *times, ids, *times])
        loads = {pk: (number, ended_at or LONG_AGO) for pk, number, ended_at in cursor.fetchall()}
    return sorted(ids, key=lambda pk: (*loads.get(pk, (0, LONG_AGO)), pk))
