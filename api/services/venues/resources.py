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


def update_resource(resource: Resource, by: User, changes: Mapping[str, Any]) -> Resource:
    """The resource with these fields changed; its bookings stay. By staff."""
    _check_staff(by)
    for name, value in changes.items():
        setattr(resource, name, value)
    resource.save(update_fields=[*changes, "updated_at"])
    announce_changes([resource.pk])
    return resource


def retire_resources(ids: Collection[int], by: User) -> None:
    """They take no new bookings and are listed no more; the bookings they have stay. By staff."""
    _check_staff(by)
    Resource.objects.filter(pk__in=ids).update(retired_at=Now())
    announce_changes(ids)


def announce_changes(ids: Collection[int]) -> None:
    """Announce that these resources have changed, so that their panels show it."""
    resource_changed.send(sender=Resource, resources=ids)


def _check_staff(user: User) -> None:
    if not user.is_staff:
        raise errors.Forbidden
