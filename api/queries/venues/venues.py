"""Venues, as they are looked up."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from api.errors import NotFound
from api.models import Resource, Venue


def get_venue(slug: str) -> Venue:
    """The venue; refuses `NotFound`."""
    venue = Venue.objects.filter(slug=slug).first()
    if venue is None:
        raise NotFound("There is no such venue.")
    return venue


def get_venue_id(slug: str) -> int | None:
    """The id of the venue, if there is one."""
    return Venue.objects.filter(slug=slug).values_list("pk", flat=True).first()


def list_venues_with_resources() -> QuerySet[Venue]:
    """All venues by name, each with the resources that can be booked there."""
    bookable = Resource.objects.filter(retired_at=None, is_available=True)
    return Venue.objects.order_by("name").prefetch_related(Prefetch("resources", bookable))
