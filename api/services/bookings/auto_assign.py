"""A place of a venue that has several of a kind, where nobody said which: the least busy free one.

The order is a guess, the constraint decides: a place lost to a rival is followed by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from api import errors, policy
from api.models import Booking, Resource, Venue
from api.policy import DAY, Interval
from api.queries.bookings.availability import busy
from api.queries.venues import rules
from api.queries.venues.rules import of as rules_of
from api.services.actors import Actor
from api.services.venues import venues

from . import bookings

_MIDNIGHT = datetime.min.time()


def chairs(venue: Venue) -> list[Resource]:
    """The places of a venue, by id; the first is made when there is none."""
    found = list(rules.resources().filter(venue=venue).order_by("pk"))
    if found:
        return found
    with transaction.atomic():
        Venue.objects.select_for_update(no_key=True).get(pk=venue.pk)
        venues.only_resource(venue, "Chair 1")
    return list(rules.resources().filter(venue=venue).order_by("pk"))


def book(
    venue: Venue,
    *,
    starts_at: datetime,
    ends_at: datetime,
    check: Callable[..., None] = policy.check,
    **what: Any,
) -> Booking:
    """A booking of the least busy place that is free. Refuses as `bookings.book` does; `SlotTaken`
    only when every place is taken, with what blocks them all."""
    places = [place for place in chairs(venue) if place.bookable]
    if not places:
        raise errors.ResourceUnavailable
    now = rules.now_of(places)
    policy.check_interval(starts_at, ends_at, now)
    check(rules_of(places[0]), starts_at, ends_at, now, what.get("guests", 1))

    def take(place: Resource) -> Booking:
        return bookings.book(
            resource=place, starts_at=starts_at, ends_at=ends_at, check=check, **what
        )

    return _first_to_succeed(take, places, starts_at, ends_at)


def move(pk: int, actor: Actor, **changes: Any) -> Booking:
    """`bookings.reschedule`, in the booking's own place if that is free then, else in another."""
    booking = Booking.objects.select_related("venue").get(pk=pk)
    try:
        return bookings.reschedule(pk, actor, **changes)
    except errors.SlotTaken:
        places = [p for p in chairs(booking.venue) if p.bookable and p.pk != booking.resource_id]
        if not places:
            raise

    def take(place: Resource) -> Booking:
        return bookings.reschedule(pk, actor, resource=place.pk, **changes)

    starts_at = changes.get("starts_at", booking.starts_at)
    return _first_to_succeed(take, places, starts_at, changes.get("ends_at", booking.ends_at))


def _first_to_succeed(
    take: Callable[[Resource], Booking],
    places: Sequence[Resource],
    starts_at: datetime,
    ends_at: datetime,
) -> Booking:
    refused: errors.Refusal | None = None
    for place in free_by_load(places, starts_at, ends_at):
        try:
            return take(place)
        except errors.SlotTaken:
            continue
        except errors.Refusal as refusal:
            refused = refused or refusal
    raise refused or _all_taken(places, starts_at, ends_at)


def free_by_load(
    places: Sequence[Resource], starts_at: datetime, ends_at: datetime
) -> Iterator[Resource]:
    """The places free at that time, those with the least booked on its days first."""
    zone = places[0].venue.zone
    dates = list(policy.local_dates(zone, starts_at, ends_at))
    day = (
        policy.instant(zone, dates[0], _MIDNIGHT),
        policy.instant(zone, dates[-1] + DAY, _MIDNIGHT),
    )
    taken = busy(places, *day)

    def load(place: Resource) -> tuple[timedelta, int]:
        return sum((_within(day, i) for i in taken[place.pk]), timedelta(0)), place.pk

    for place in sorted(places, key=load):
        if not any(start < ends_at and end > starts_at for start, end in taken[place.pk]):
            yield place


def _within(day: Interval, taken: Interval) -> timedelta:
    return min(day[1], taken[1]) - max(day[0], taken[0])


def _all_taken(
    places: Sequence[Resource], starts_at: datetime, ends_at: datetime
) -> errors.SlotTaken:
    """The refusal over all places: everything that blocks, and the nearest time in any of them."""
    now = rules.now_of(places)
    each = [bookings.taken(rules_of(place), starts_at, ends_at, now) for place in places]
    nearest = sorted(
        {interval for refusal in each for interval in refusal.alternatives},
        key=lambda i: (abs(i[0] - starts_at), i[0]),
    )
    return errors.SlotTaken(
        conflicts=[booking for refusal in each for booking in refusal.conflicts],
        alternatives=nearest[:3],
    )
