"""Resources as staff keep them: made, changed, retired."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models.functions import Now

from api import errors
from api.models import Resource, User, Venue
from api.signals import resource_changed


def create_resource(venue: Venue, by: User, **fields: Any) -> Resource:
    """A new resource. By staff; refuses `Forbidden`."""
    _check_staff(by)
    return Resource.objects.create(venue=venue, **fields)


def update_resource(place: Resource, by: User, changes: Mapping[str, Any]) -> Resource:
    """The resource with these fields changed; its bookings stay. By staff."""
    _check_staff(by)
    for name, value in changes.items():
        setattr(place, name, value)
    place.save(update_fields=[*changes, "updated_at"])
    announce_changes([place.pk])
    return place


def retire_resources(places: Collection[int], by: User) -> None:
    """They take no new bookings and are listed no more; the bookings they have stay. By staff."""
    _check_staff(by)
    Resource.objects.filter(pk__in=places).update(retired_at=Now())
    announce_changes(places)


def announce_changes(places: Collection[int]) -> None:
    """What these resources show of themselves has changed: the panels at their doors show it."""
    resource_changed.send(sender=Resource, resources=places)


def _check_staff(user: User) -> None:
    if not user.is_staff:
        raise errors.Forbidden
