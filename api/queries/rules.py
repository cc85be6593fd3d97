"""A resource with everything its policy looks at, in three statements whatever the question.

`current` keeps what it read, and asks the database each time whether that is still the latest:
triggers give the venue a new version with every change of anything here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from api.errors import NotFound
from api.models import Resource
from api.policy import Rules


def resources() -> QuerySet[Resource]:
    """Resources with venue, windows and closures at hand, each carrying the database's `now`."""
    return (
        Resource.objects.filter(retired_at=None)
        .select_related("venue")
        .prefetch_related("venue__primetime", "venue__closures")
        .annotate(now=Now())
    )


def resource(pk: int) -> Resource:
    """The resource; refuses `NotFound`."""
    found = resources().filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such resource.")
    return found


def now_of(rows: Sequence[Resource]) -> datetime:
    return rows[0].now  # type: ignore[attr-defined,no-any-return]


def of(place: Resource) -> Rules:
    """The rules of a resource that came from here."""
    venue = place.venue
    return Rules(place, venue, list(venue.primetime.all()), list(venue.closures.all()))


_KEPT: dict[int, tuple[int, Rules]] = {}
_MANY = 5000
_VERSION = (
    "SELECT v.rules_version, statement_timestamp() FROM api_resource r"
    " JOIN api_venue v ON v.id = r.venue_id WHERE r.id = %s AND r.retired_at IS NULL"
)


def current(pk: int) -> tuple[Rules, datetime]:
    """The rules of a resource and the database's now, in one statement while nothing has changed.
    What comes back is shared: read it, never write to it. Refuses `NotFound`."""
    with connection.cursor() as cursor:
        cursor.execute(_VERSION, [pk])
        row = cursor.fetchone()
    if row is None:
        raise NotFound("There is no such resource.")
    version, now = row
    kept = _KEPT.get(pk)
    if kept is None or kept[0] != version:
        if len(_KEPT) >= _MANY:
            _KEPT.clear()
        kept = _KEPT[pk] = version, of(resource(pk))
    return kept[1], now
