"""Assigns the least busy resource where a venue has several of a kind and none was requested.

The order is a guess, the constraint decides: a resource lost to a rival is followed by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta

from django.db import transaction

from api import errors, policy
from api.models import Booking, Resource, Venue
from api.opening_hours import iter_local_dates, to_instant
from api.policy import DAY, Check, Interval
from api.queries.bookings.availability import list_busy_intervals
from api.queries.venues.rules import build_rules, list_resources_with_rules
from api.services.actors import Actor
from api.services.venues import venues

from . import slots
from .changes import BookingChanges
from .create import BookingRequest, create_booking
from .reschedule import reschedule_booking


def list_resources(venue: Venue) -> list[Resource]:
    """The resources of a venue, by id; the first is made when there is none."""
    found = list(list_resources_with_rules().filter(venue=venue).order_by("pk"))
    if found:
        return found
    with transaction.atomic():
        Venue.objects.select_for_update(no_key=True).get(pk=venue.pk)
        venues.get_only_resource(venue, "Chair 1")
    return list(list_resources_with_rules().filter(venue=venue).order_by("pk"))


def _is_assignable(resource: Resource) -> bool:
    """Whether it may be given to somebody who did not choose it: not what has a price."""
    prices = [resource.price_minor, *(rate["price_minor"] for rate in resource.rates)]
    return resource.bookable and not any(prices)


def create_assigned_booking(
    venue: Venue, request: BookingRequest, *, actor: Actor, check: Check = policy.check_booking
) -> Booking:
    """Books the least busy resource that is free. Refuses as `create_booking` does; `SlotTaken`
    only when every resource is taken, with what blocks them all."""
    resources = [resource for resource in list_resources(venue) if _is_assignable(resource)]
    if not resources:
        raise errors.ResourceUnavailable
    now, interval = resources[0].now, request.interval
    policy.check_interval(*interval, now)
    _check_any(check, resources, request, now)

    def attempt(resource: Resource) -> Booking:
        return create_booking(replace(request, resource=resource), actor=actor, check=check)

    return _try_each(attempt, resources, interval)


def _check_any(
    check: Check, resources: Sequence[Resource], request: BookingRequest, now: datetime
) -> None:
    """Refuses what every resource refuses, as the first does: some may have other hours."""
    refused: errors.Refusal | None = None
    for resource in resources:
        try:
            return check(build_rules(resource), *request.interval, now, request.guests)
        except errors.Refusal as refusal:
            refused = refused or refusal
    if refused is not None:
        raise refused
    return None


def reschedule_assigned_booking(
    booking_id: int,
    actor: Actor,
    changes: BookingChanges,
    *,
    check: Check | None = None,
    pre_approved: bool = False,
    next_status: str = "",
) -> Booking:
    """As `reschedule_booking`, in the booking's own resource if that is free and open, else in
    another."""

    def attempt(changes: BookingChanges) -> Booking:
        return reschedule_booking(
            booking_id,
            actor,
            changes,
            check=check,
            pre_approved=pre_approved,
            next_status=next_status,
        )

    booking = Booking.objects.select_related("venue").get(pk=booking_id)
    try:
        return attempt(changes)
    except (errors.SlotTaken, errors.Closed, errors.OutsideHours):
        others = [
            resource
            for resource in list_resources(booking.venue)
            if _is_assignable(resource) and resource.pk != booking.resource_id
        ]
        if not others:
            raise
    interval = changes.starts_at or booking.starts_at, changes.ends_at or booking.ends_at
    return _try_each(
        lambda resource: attempt(replace(changes, resource=resource.pk)), others, interval
    )


def _try_each(
    attempt: Callable[[Resource], Booking], resources: Sequence[Resource], interval: Interval
) -> Booking:
    refused: errors.Refusal | None = None
    for resource in iter_free_by_load(resources, *interval):
        try:
            return attempt(resource)
        except errors.SlotTaken:
            continue
        except errors.Refusal as refusal:
            refused = refused or refusal
    raise refused or _build_refusal(resources, *interval)


def iter_free_by_load(
    resources: Sequence[Resource], starts_at: datetime, ends_at: datetime
) -> Iterator[Resource]:
    """The resources free at that time, those with the least booked on its days first."""
    zone = resources[0].venue.zone
    dates = list(iter_local_dates(zone, starts_at, ends_at))
    days = (
        to_instant(zone, dates[0], time.min),
        to_instant(zone, dates[-1] + DAY, time.min),
    )
    booked = list_busy_intervals(resources, *days)

    def load(resource: Resource) -> tuple[timedelta, int]:
        times = (min(days[1], end) - max(days[0], start) for start, end in booked[resource.pk])
        return sum(times, timedelta(0)), resource.pk

    for resource in sorted(resources, key=load):
        if not any(start < ends_at and end > starts_at for start, end in booked[resource.pk]):
            yield resource


def _build_refusal(
    resources: Sequence[Resource], starts_at: datetime, ends_at: datetime
) -> errors.SlotTaken:
    """The refusal over all resources: all that blocks, and the nearest times in any of them."""
    now = resources[0].now
    each = [
        slots.build_interval_refusal(build_rules(resource), starts_at, ends_at, now)
        for resource in resources
    ]

    def find_nearest() -> list[Interval]:
        found = {interval for refusal in each for interval in refusal.alternatives}
        return sorted(found, key=lambda i: (abs(i[0] - starts_at), i[0]))[:3]

    return errors.SlotTaken(
        find_conflicts=lambda: [b for refusal in each for b in refusal.conflicts],
        find_alternatives=find_nearest,
    )
