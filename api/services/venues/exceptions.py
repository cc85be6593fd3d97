"""Exceptions: local dates on which a venue or a resource has other hours than its week, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from api import errors
from api.models import HoursException, Resource, Venue
from api.opening_hours import find_bad_row
from api.services.conflicts import EXCLUSION_VIOLATION, get_sqlstate
from api.services.reviews.review import Affected, review_bookings


def create_exception(
    venue: Venue, fields: Mapping[str, Any], resource: Resource | None = None
) -> HoursException:
    """A new exception, with the bookings that it has `affected`; they stay. Refuses as
    `update_exception`."""
    return update_exception(HoursException(venue=venue, resource=resource), fields)


@transaction.atomic
def update_exception(exception: HoursException, fields: Mapping[str, Any]) -> HoursException:
    """The exception with these fields. Refuses `Unfit` when it ends before it begins or its hours
    overlap, and `Conflict` when its owner has another on one of its dates."""
    for name, value in fields.items():
        setattr(exception, name, value)
    days = 7 if exception.first_on == exception.last_on else 1
    if bad := find_bad_row([(0, *span) for span in exception.spans], days):
        raise errors.Unfit(errors={f"hours.{bad[0]}": [bad[1]]})
    # one after the other: two who insert under the constraint at once wait for each other
    Venue.objects.select_for_update(no_key=True).get(pk=exception.venue_id)
    try:
        with transaction.atomic():
            exception.save()
    except IntegrityError as error:
        if get_sqlstate(error) == EXCLUSION_VIOLATION:
            raise errors.Conflict("There is an exception on one of these dates.") from None
        raise errors.Unfit(errors={"last_on": ["Must not be before the first day."]}) from None
    exception.affected = _review(exception)
    return exception


@transaction.atomic
def delete_exception(exception: HoursException) -> list[Affected]:
    """The bookings that are affected: those that it affected leave their review."""
    exception.delete()
    return _review(exception)


def _review(exception: HoursException) -> list[Affected]:
    ids = None if exception.resource_id is None else [exception.resource_id]
    return review_bookings(exception.venue_id, ids)
