"""Resources as staff keep them: made, changed, retired."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from api import errors
from api.models import Booking, Resource, User, Venue
from api.queries.venues.broken_rules import are_rules
from api.services.bookings.fit import fit_units
from api.services.reviews.review import Affected, review_bookings
from api.signals import resource_changed


def create_resource(venue: Venue, by: User, **fields: Any) -> Resource:
    """A new resource. By staff; refuses `Forbidden`."""
    _check_staff(by)
    return Resource.objects.create(venue=venue, **fields)


@transaction.atomic
def update_resource(resource: Resource, by: User, changes: Mapping[str, Any]) -> Resource:
    """The resource with these fields changed, and the bookings that this has `affected`; they stay.
    By staff. Refuses `Unfit` for another venue once there are bookings: their rules would be
    others."""
    _check_staff(by)
    venue = changes.get("venue", resource.venue)
    if venue.pk != resource.venue_id and Booking.objects.filter(resource=resource).exists():
        raise errors.Unfit(errors={"venue": ["It has bookings here; retire it and add another."]})
    for name, value in changes.items():
        setattr(resource, name, value)
    resource.save(update_fields=[*changes, "updated_at"])
    if "units" in changes:
        fit_units(resource)
    if are_rules(resource, changes):
        resource.affected = review_bookings(resource.venue_id, [resource.pk])
    announce_changes([resource.pk])
    return resource


@transaction.atomic
def retire_resources(ids: Collection[int], by: User) -> list[Affected]:
    """They take no new bookings and are listed no more; the bookings they have stay, and those
    ahead are affected. By staff."""
    _check_staff(by)
    retired = Resource.objects.filter(pk__in=ids)
    retired.update(retired_at=Now())
    announce_changes(ids)
    venues = retired.order_by("venue").values_list("venue", flat=True).distinct()
    return [row for venue in venues for row in review_bookings(venue, ids)]


def announce_changes(ids: Collection[int]) -> None:
    """Announce that these resources have changed, so that their panels show it."""
    resource_changed.send(sender=Resource, resources=ids)


def _check_staff(user: User) -> None:
    if not user.is_staff:
        raise errors.Forbidden
