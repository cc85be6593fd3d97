"""The search for a service that needs one of each of two pools, which overlap: what it is compared
with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

LENGTH, DAYS = timedelta(minutes=45), 30

# the same answer from one statement: each start within the hours, and which resources are free then
ANSWER = """
    SELECT at, array_agg(r.id) FROM generate_series(0, %(days)s - 1) day,
    LATERAL generate_series(%(first)s + day * interval '1 day' + interval '8 hours',
        %(first)s + day * interval '1 day' + interval '20 hours' - %(length)s,
        interval '15 minutes') at,
    api_resource r
    WHERE r.id = ANY(%(ids)s) AND NOT EXISTS (SELECT FROM api_allocation a
        WHERE a.resource_id = r.id AND a.blocking AND a.span && tstzrange(at, at + %(length)s))
    GROUP BY at ORDER BY at"""
# what is taken alone, from which somebody has yet to work it out
ROWS = """
    SELECT a.resource_id, lower(a.span), upper(a.span), count(*) FROM api_allocation a
    JOIN api_booking b ON b.id = a.booking_id WHERE a.resource_id = ANY(%(ids)s) AND a.blocking
    AND a.span && tstzrange(%(first)s, %(first)s + %(days)s * interval '1 day')
    GROUP BY a.resource_id, a.span ORDER BY 2"""


def create_service(resources: Sequence[int], venue_id: int) -> int:
    """Its id."""
    from api.models import Need, Pool, Service, ServiceDuration

    service = Service.objects.create(venue_id=venue_id, name="Cut")
    ServiceDuration.objects.create(service=service, duration=LENGTH)
    for ids in (resources[: len(resources) * 3 // 5], resources[len(resources) * 2 // 5 :]):
        pool = Pool.objects.create(venue_id=venue_id, name="Pool")
        pool.resources.set(ids)
        Need.objects.create(service=service, pool=pool)
    return service.pk


def run_bare(sql: str, resources: Sequence[int], first: datetime) -> int:
    """How many rows came."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql, {"ids": list(resources), "first": first, "days": DAYS, "length": LENGTH}
        )
        return len(cursor.fetchall())
