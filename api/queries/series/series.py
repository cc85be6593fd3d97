"""Series as they are read: with all their bookings in one statement more."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from api.errors import NotFound
from api.models import Caller, Series


def list_visible_series(caller: Caller) -> QuerySet[Series]:
    """One's own, and everybody's at venues where one is staff."""
    rows = Series.objects.select_related("venue", "owner")
    venues = caller.list_staff_venues()
    if venues is None:
        return rows
    own = Q(owner=caller.person_id) if caller.person_id is not None else Q(pk__in=[])
    return rows.filter(own | Q(venue__in=venues))


def get_visible_series(caller: Caller, pk: int) -> Series:
    """The series; refuses `NotFound` also when it is somebody else's."""
    series = list_visible_series(caller).filter(pk=pk).first()
    if series is None:
        raise NotFound("There is no such series.")
    return series
