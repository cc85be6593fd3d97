"""Bookings ahead whose place is not theirs by the rules any more: under a block, or on a unit that
the resource has no longer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from django.db import connection

from api import errors
from api.models import Allocation, Block, Resource

_TABLE = Allocation._meta.db_table
_DISPLACED = (
    f"SELECT DISTINCT a.booking_id, k.id, k.reason FROM {_TABLE} a JOIN {Block._meta.db_table} k"
    " ON k.resource_id = a.resource_id AND EXISTS (SELECT FROM"
    " unnest(array_prepend(tstzrange(k.starts_at, k.ends_at), k.repeats)) s"
    " WHERE s && a.span AND upper(s) > statement_timestamp())"
    " WHERE a.resource_id = ANY(%s::bigint[]) AND a.blocking AND a.booking_id IS NOT NULL"
    " AND a.span && tstzrange(statement_timestamp(), NULL)"
    " UNION ALL"
    f" SELECT DISTINCT a.booking_id, NULL::bigint, '' FROM {_TABLE} a"
    f" JOIN {Resource._meta.db_table} r ON r.id = a.resource_id AND r.crowded_until IS NOT NULL"
    " WHERE a.resource_id = ANY(%s::bigint[]) AND a.blocking AND a.unit > r.units"
    " AND a.booking_id IS NOT NULL AND a.span && tstzrange(statement_timestamp(), NULL)"
    " ORDER BY 1, 2"
)


def list_displaced(resource_ids: Collection[int]) -> dict[int, list[errors.Refusal]]:
    """What each booking of these resources is refused for by the place that it has, by its id."""
    found: dict[int, list[errors.Refusal]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_DISPLACED, [list(resource_ids), list(resource_ids)])
        for booking_id, block, reason in cursor.fetchall():
            found[booking_id].append(
                errors.SlotTaken("There are fewer units than are booked.", because="units")
                if block is None
                else errors.SlotTaken("Blocked by staff.", because=f"block {block}", reason=reason)
            )
    return found
