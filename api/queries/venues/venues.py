"""Venues, as they are looked up."""

from __future__ import annotations

from api.errors import NotFound
from api.models import Venue


def get_venue(slug: str) -> Venue:
    """The venue; refuses `NotFound`."""
    venue = Venue.objects.filter(slug=slug).first()
    if venue is None:
        raise NotFound("There is no such venue.")
    return venue


def get_venue_id(slug: str) -> int | None:
    """The id of the venue, if there is one."""
    return Venue.objects.filter(slug=slug).values_list("pk", flat=True).first()
