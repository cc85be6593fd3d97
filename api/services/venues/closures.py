"""Closures: whole days, by the venue's calendar, on which it takes no bookings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from api import errors
from api.models import Closure, Venue
from api.services.reviews.review import Affected, review_bookings


def create_closure(venue: Venue, fields: Mapping[str, Any]) -> Closure:
    """A new closure, with the bookings that it has `affected`; they stay. Refuses `Unfit` when it
    ends before it begins."""
    return _save(Closure(venue=venue), fields)


def update_closure(closure: Closure, fields: Mapping[str, Any]) -> Closure:
    """The closure with these fields; refuses `Unfit` when it ends before it begins."""
    return _save(closure, fields)


@transaction.atomic
def delete_closure(closure: Closure) -> list[Affected]:
    """The bookings that are affected: those that it affected leave their review."""
    closure.delete()
    return review_bookings(closure.venue_id)


@transaction.atomic
def _save(closure: Closure, fields: Mapping[str, Any]) -> Closure:
    for name, value in fields.items():
        setattr(closure, name, value)
    try:
        with transaction.atomic():
            closure.save()
    except IntegrityError:
        raise errors.Unfit(errors={"last_on": ["Must not be before the first day."]}) from None
    closure.affected = review_bookings(closure.venue_id)
    return closure
