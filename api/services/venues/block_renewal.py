"""Gives blocks that repeat for ever their next times, before anybody can book there."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.db import connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange as Range

from api.models import Block, Resource, Venue
from api.recurrence import list_further
from api.services.bookings.fit import cover_blocks, wait_at
from api.services.bookings.places import lock_units
from api.services.conflicts import retry_on_conflict
from api.services.operations import jobs
from api.services.reviews.review import review_bookings
from api.signals import resource_changed

JOB: Final = "renew_blocks"
MARGIN: Final = timedelta(days=30)  # beyond what may be booked, so that a job may come late
UNLIMITED: Final = timedelta(days=366)  # of a venue that lets people book as far ahead as they like
_DUE: Final = (
    f"SELECT k.id FROM {Block._meta.db_table} k"
    f" JOIN {Resource._meta.db_table} r ON r.id = k.resource_id"
    f" JOIN {Venue._meta.db_table} v ON v.id = r.venue_id"
    " WHERE k.rule <> '' AND k.rule !~* '(COUNT|UNTIL)=' AND r.retired_at IS NULL"
    " AND coalesce(upper(k.repeats[cardinality(k.repeats)]), k.ends_at)"
    " < statement_timestamp() + coalesce(v.max_advance, %s) + %s"
    " AND (%s::bigint IS NULL OR k.id = %s::bigint) ORDER BY k.id"
)


def renew_blocks() -> int:
    """How many blocks were given more times. What is booked there already stays, and goes to
    review. Safe at once with itself."""
    return jobs.run_each(JOB, ((f"block {pk}", partial(_renew, pk)) for pk in _list_due()))


def _list_due(*, only: int | None = None) -> list[int]:
    params: list[Any] = [UNLIMITED, MARGIN, only, only]
    with connection.cursor() as cursor:
        cursor.execute(_DUE, params)
        return [pk for (pk,) in cursor.fetchall()]


@retry_on_conflict
@transaction.atomic
def _renew(block_id: int) -> bool:
    """Whether it was due still, once we had the lock, and there are more times."""
    block = Block.objects.select_related("resource__venue").filter(pk=block_id).first()
    if block is None:
        return False
    resource = block.resource
    lock_units([resource.pk])
    resource.refresh_from_db(fields=["units"])  # nobody changes them from now on
    found = Block.objects.filter(pk__in=_list_due(only=block_id)).first()
    if found is None:
        return False
    last = found.repeats[-1].lower if found.repeats else found.starts_at
    zone = resource.venue.zone
    times = list_further(found.rule, found.starts_at, found.ends_at, zone, after=last)
    if not times:
        return False
    ranges = [Range(*each) for each in times]
    Block.objects.filter(pk=block_id).update(repeats=[*found.repeats, *ranges])
    wait_at(block_id, resource.units, ranges)
    cover_blocks(resource.pk, times[0][0], times[-1][1])
    review_bookings(resource.venue_id, [resource.pk])
    resource_changed.send(sender=Resource, resources=[resource.pk])
    return True
