"""Filling the tables with more bookings than anybody would make one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

# as the trigger of a booking would, all at once
ALLOCATE = """
    INSERT INTO api_allocation (booking_id, resource_id, unit, span, blocking, kind)
    SELECT id, resource_id, 1, tstzrange(starts_at, ends_at), api_status_blocks(status), 'booking'
    FROM api_booking WHERE id > %s"""


@contextmanager
def without_triggers() -> Iterator[Any]:
    """A cursor for a COPY into the bookings. What the triggers would check is so, and what they
    would note nobody reads; the allocations are written at the end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM api_booking")
        (last,) = cursor.fetchone()
        cursor.execute("SET session_replication_role = replica; SET statement_timeout = 0")
        yield cursor
        cursor.execute(ALLOCATE, [last])
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE api_booking, api_allocation")
