"""Resources as staff keep them: made, changed, retired."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models.functions import Now

from api import errors
from api.models import Resource, User, Venue


def add(venue: Venue, by: User, **fields: Any) -> Resource:
    """A new resource. By staff; refuses `Forbidden`."""
    _only_staff(by)
    return Resource.objects.create(venue=venue, **fields)


def change(place: Resource, by: User, changes: Mapping[str, Any]) -> Resource:
    """The resource with these fields changed; its bookings stay. By staff."""
    _only_staff(by)
    for name, value in changes.items():
        setattr(place, name, value)
    place.save(update_fields=[*changes, "updated_at"])
    return place


def retire(place: Resource, by: User) -> None:
    """It takes no new bookings and is listed no more; the bookings it has stay. By staff."""
    _only_staff(by)
    Resource.objects.filter(pk=place.pk).update(retired_at=Now())


def _only_staff(user: User) -> None:
    if not user.is_staff:
        raise errors.Forbidden
