"""The resources of a booking: the one that was named first, and others where it takes several."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import Count, F

from api import errors, terms
from api.models import Allocation, Booking, Resource
from api.models.allocations import Kind
from api.policy import Check, Rules
from api.queries.bookings.occupancy import Part
from api.queries.venues.rules import build_rules, list_resources_with_rules
from api.queries.venues.services import get_price, get_service


def build_parts(
    rules: Sequence[Rules], starts_at: datetime, ends_at: datetime, quantity: int = 1
) -> list[Part]:
    """What a booking takes of each resource, with the buffers of it and of a service."""
    return [
        Part(
            each.resource,
            each.units or quantity,
            starts_at - each.buffers[0],
            ends_at + each.buffers[1],
            (Kind.PART if n else Kind.BOOKING).value,
        )
        for n, each in enumerate(rules)
    ]


def list_other_ids(booking: Booking) -> list[int]:
    """The ids of its resources but the first, in the order in which they were named."""
    if not booking.several:
        return []
    rows = Allocation.objects.filter(booking=booking.pk, kind=Kind.PART).order_by("pk")
    return list(dict.fromkeys(rows.values_list("resource", flat=True)))


def list_booked_ids(rows: Iterable[Booking]) -> set[int]:
    """The ids of all resources of these bookings; rows that a sweep moved will do."""
    rows = list(rows)
    found = {row.resource_id for row in rows}
    if several := [row.pk for row in rows if row.several]:
        others = Allocation.objects.filter(booking__any_of=several)
        found.update(others.values_list("resource", flat=True))
    return found


def list_rules(ids: Sequence[int]) -> list[Rules]:
    """The rules of these resources, retired or not, in their order. Refuses `NotFound`."""
    if not ids:
        return []
    found = list_resources_with_rules(retired=True).in_bulk(ids)
    if len(found) < len(set(ids)):
        raise errors.NotFound("There is no such resource.")
    return [build_rules(found[pk]) for pk in ids]


def list_all_rules(booking: Booking, first: Resource) -> list[Rules]:
    """The rules of `first` and of the other resources of the booking."""
    return add_service(booking, [build_rules(first), *list_rules(list_other_ids(booking))])


def add_service(booking: Booking, rules: Sequence[Rules]) -> list[Rules]:
    """The rules of the resources of a booking with its service, and what it takes of each."""
    if booking.service_id is None:
        return list(rules)
    service = get_service(booking.service_id)
    rows = Allocation.objects.filter(booking=booking.pk).order_by().values_list("resource")
    units = dict(rows.annotate(units=Count("pk")))
    return [replace(each, service=service, units=units.get(each.resource.pk, 1)) for each in rules]


def keep_buffers(booking: Booking, rules: Iterable[Rules]) -> list[Rules]:
    """The rules with the buffers that the booking, as it is in the database, has at the resources
    where it stays: they are frozen into it. A change of its service is a new beginning."""
    return keep_these_buffers(list_buffers([booking.pk])[booking.pk], rules)


Buffers = tuple[timedelta, timedelta]
BuffersOf = dict[tuple[int, int | None], Buffers]  # by resource and service


def list_buffers(booking_ids: Collection[int]) -> dict[int, BuffersOf]:
    """The buffers that are frozen into each of these bookings: one statement."""
    rows = Allocation.objects.filter(booking__any_of=booking_ids).annotate(
        before=F("booking__starts_at") - F("span__startswith"),
        after=F("span__endswith") - F("booking__ends_at"),
    )
    columns = rows.values_list("booking", "resource", "booking__service", "before", "after")
    found: dict[int, BuffersOf] = {pk: {} for pk in booking_ids}
    for booking, resource, service, before, after in columns:
        found[booking][resource, service] = before, after
    return found


def keep_these_buffers(kept: BuffersOf, rules: Iterable[Rules]) -> list[Rules]:
    """The rules with these buffers, where they are of the same resource and service."""
    return [
        replace(each, kept_buffers=kept.get(key))
        for each in rules
        for key in [(each.resource.pk, each.service.pk if each.service else None)]
    ]


def check_one_venue(resources: Sequence[Resource]) -> None:
    """Refuses `Unfit` for resources of several venues, or one that is named twice."""
    if len({resource.venue_id for resource in resources}) > 1:
        raise errors.Unfit(errors={"resources": ["All must be of one venue."]})
    check_named_once([resource.pk for resource in resources])


def check_named_once(ids: Collection[int]) -> None:
    if len(set(ids)) < len(ids):
        raise errors.Unfit(errors={"resources": ["One is named twice."]})


def check_quantity(rules: Iterable[Rules], quantity: int) -> None:
    """Refuses `Unfit` for more units than one of the resources has; what a service takes is
    chosen so that it has them."""
    rules = list(rules)
    if rules[0].service:
        return
    most = min(each.resource.units for each in rules)
    if not 1 <= quantity <= most:
        raise errors.Unfit(errors={"quantity": [f"Must be 1 to {most}."]})


def check_all(
    check: Check,
    rules: Iterable[Rules],
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    *,
    guests: int = 1,
    quantity: int = 1,
) -> None:
    """Asks the policy of each resource; capacity counts by unit."""
    for each in rules:
        check(each, starts_at, ends_at, now, divide_guests(guests, quantity))


def divide_guests(guests: int, quantity: int) -> int:
    """How many people come to a unit, at most."""
    return -(-guests // quantity)


def calculate_price(
    rules: Sequence[Rules], starts_at: datetime, ends_at: datetime, quantity: int = 1
) -> int:
    """In minor units: what the resources cost together, or that duration of the service, times the
    units. Refuses `Unfit` for a length that is no duration of the service."""
    if service := rules[0].service:
        return quantity * get_price(service, ends_at - starts_at)
    return quantity * sum(terms.calculate_price(each, starts_at, ends_at) for each in rules)
