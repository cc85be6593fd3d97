"""Resources as staff keep them: made, changed, retired."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from api import errors
from api.models import Booking, Caller, Hours, HoursException, Resource, Venue
from api.queries.accounts.scope import check_staff_of
from api.queries.venues.broken_rules import are_rules
from api.services.accounts.joining import list_people_of
from api.services.bookings.fit import fit_units
from api.services.reviews.review import Affected, review_bookings
from api.signals import resource_changed

from . import hours


def create_resource(venue: Venue, by: Caller, **fields: Any) -> Resource:
    """A new resource. By staff; refuses `Forbidden`."""
    check_staff_of(by, venue.pk)
    resource = Resource(venue=venue, **fields)
    _check_person(resource)
    with refuse_second_resource():
        resource.save()
    return resource


def _check_person(resource: Resource) -> None:
    """Refuses `UnknownPeople` for who is none of the venue's people, and `AlreadyResource`."""
    if resource.user_id is None:
        return
    if not list_people_of(resource.venue_id, [resource.user_id]):
        raise errors.UnknownPeople(errors={"user": ["This is none of the venue's people."]})
    theirs = Resource.objects.filter(user=resource.user_id, retired_at=None)
    if theirs.exclude(pk=resource.pk).exists():
        raise errors.AlreadyResource


@contextmanager
def refuse_second_resource() -> Iterator[None]:
    """Of two who make a person a resource at once one is refused `AlreadyResource`."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "resource_one_a_person" not in str(error):
            raise
        raise errors.AlreadyResource from None


@transaction.atomic
def update_resource(resource: Resource, by: Caller, changes: Mapping[str, Any]) -> Resource:
    """The resource with these fields changed, and the bookings that this has `affected`; they stay.
    By staff. Refuses `Unfit` for another venue once there are bookings: their rules would be
    others."""
    venue = changes.get("venue", resource.venue)
    check_staff_of(by, resource.venue_id)
    check_staff_of(by, venue.pk)
    if venue.pk != resource.venue_id and Booking.objects.filter(resource=resource).exists():
        raise errors.Unfit(errors={"venue": ["It has bookings here; retire it and add another."]})
    uniform = {name: changes[name] for name in hours.UNIFORM if name in changes}
    others = {name: value for name, value in changes.items() if name not in uniform}
    for name, value in others.items():
        setattr(resource, name, value)
    if "user_id" in others or ("venue" in others and resource.user_id):
        _check_person(resource)
    with refuse_second_resource():
        resource.save(update_fields=[*others, "updated_at"])
    if "venue" in others:
        for rows in (Hours.objects, HoursException.objects):
            rows.filter(resource=resource).update(venue=venue)
    if uniform:
        hours.update_uniform_hours(resource, uniform)
    if "units" in changes:
        fit_units(resource)
    if are_rules(resource, changes):
        resource.affected = review_bookings(resource.venue_id, [resource.pk])
    announce_changes([resource.pk])
    return resource


@transaction.atomic
def retire_resources(ids: Collection[int], by: Caller) -> list[Affected]:
    """They take no new bookings and are listed no more; the bookings they have stay, and those
    ahead are affected. By staff."""
    retired = Resource.objects.filter(pk__in=ids)
    for venue_id in retired.order_by("venue").values_list("venue", flat=True).distinct():
        check_staff_of(by, venue_id)
    retired.update(retired_at=Now())
    announce_changes(ids)
    venues = retired.order_by("venue").values_list("venue", flat=True).distinct()
    return [row for venue in venues for row in review_bookings(venue, ids)]


def announce_changes(ids: Collection[int]) -> None:
    """Announce that these resources have changed, so that their panels show it."""
    resource_changed.send(sender=Resource, resources=ids)
