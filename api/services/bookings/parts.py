"""The resources of a booking: the one that was named first, and others where it takes several."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from api import errors, policy
from api.models import Allocation, Booking, Resource
from api.models.allocations import Kind
from api.policy import Check, Rules
from api.queries.bookings.occupancy import Part
from api.queries.venues.rules import build_rules, list_resources_with_rules


def build_parts(
    resources: Sequence[Resource], starts_at: datetime, ends_at: datetime, quantity: int = 1
) -> list[Part]:
    """What a booking takes of each resource, with the buffers that they have now."""
    return [
        Part(
            resource,
            quantity,
            starts_at - resource.buffer_before,
            ends_at + resource.buffer_after,
            (Kind.PART if n else Kind.BOOKING).value,
        )
        for n, resource in enumerate(resources)
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
    return [build_rules(first), *list_rules(list_other_ids(booking))]


def check_one_venue(resources: Sequence[Resource]) -> None:
    """Refuses `Unfit` for resources of several venues, or one that is named twice."""
    if len({resource.venue_id for resource in resources}) > 1:
        raise errors.Unfit(errors={"resources": ["All must be of one venue."]})
    check_named_once([resource.pk for resource in resources])


def check_named_once(ids: Collection[int]) -> None:
    if len(set(ids)) < len(ids):
        raise errors.Unfit(errors={"resources": ["One is named twice."]})


def check_quantity(rules: Iterable[Rules], quantity: int) -> None:
    """Refuses `Unfit` for more units than one of the resources has."""
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
    rules: Iterable[Rules], starts_at: datetime, ends_at: datetime, quantity: int = 1
) -> int:
    """In minor units: what the resources cost together, times the units."""
    prices = (policy.calculate_price(each.resource, starts_at, ends_at) for each in rules)
    return quantity * sum(prices)
