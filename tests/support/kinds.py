"""What can be booked, of every kind: the races ask the same of each of them.

In each there is room for just so many bookings at a time as a test says, whatever they are made of:
a resource, units of one, a set, a service by its pools.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from api.models import Guest, Need, Pool, Resource, Service, ServiceDuration, User, Venue
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import BookingRequest

KINDS = ("plain", "units", "buffers", "set", "set of units", "service")
# In place of once for a plain resource: of what the fixture `bookable` is, and `hold` takes.
of_every_kind = pytest.mark.parametrize("kind_name", KINDS)
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
_numbers = count(1)


@dataclass
class Kind:
    """`gap`: how far two bookings must lie apart. The first resource is what a block is put on."""

    name: str
    resources: Sequence[Resource]
    quantity: int = 1
    gap: timedelta = timedelta(0)
    service: Service | None = None

    @property
    def first(self) -> Resource:
        return self.resources[0]

    def request(
        self, owner: User | Guest, starts_at: datetime, ends_at: datetime
    ) -> BookingRequest:
        """A service lasts some quarters of an hour from one: the shortest around these times."""
        if self.service is not None:
            starts_at, duration = _round(starts_at, ends_at)
            return BookingRequest(
                owner=owner, service=self.service.pk, starts_at=starts_at, duration=duration
            )
        return BookingRequest(
            owner=owner,
            resource=self.first.pk,
            others=[resource.pk for resource in self.resources[1:]],
            quantity=self.quantity,
            starts_at=starts_at,
            ends_at=ends_at,
        )

    def body(self, starts_at: datetime, ends_at: datetime) -> dict[str, Any]:
        """The same as our own API takes it."""
        if self.service is not None:
            starts_at, duration = _round(starts_at, ends_at)
            return {
                "service": self.service.pk,
                "starts_at": starts_at.isoformat(),
                "duration": str(duration),
            }
        ids = [resource.pk for resource in self.resources]
        what: dict[str, Any] = {"resource": ids[0]} if len(ids) == 1 else {"resources": ids}
        times = {"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
        return what | times | {"quantity": self.quantity}

    def move(self, starts_at: datetime, ends_at: datetime) -> BookingChanges:
        """Of one of its bookings to another time."""
        if self.service is not None:
            starts_at, duration = _round(starts_at, ends_at)
            ends_at = starts_at + duration
        return BookingChanges(starts_at=starts_at, ends_at=ends_at)

    def move_here(self, duration: timedelta) -> BookingChanges:
        """Of a booking of something else, at the same time."""
        if self.service is not None:
            return BookingChanges(service=self.service.pk, duration=duration)
        return BookingChanges(
            resource=self.first.pk,
            others=[resource.pk for resource in self.resources[1:]],
            quantity=self.quantity,
        )

    def charge(self, hourly_minor: int) -> None:
        """Lets an hour of it cost so much from now on, all parts together."""
        slots = HOUR // self.first.venue.slot_length * len(self.resources) * self.quantity
        for resource in self.resources:
            resource.price_minor = hourly_minor // slots
            resource.save(update_fields=["price_minor"])
        for each in ServiceDuration.objects.filter(service=self.service):
            each.price_minor = hourly_minor * each.duration // HOUR
            each.save(update_fields=["price_minor"])


def _round(starts_at: datetime, ends_at: datetime) -> tuple[datetime, timedelta]:
    before = timedelta(minutes=starts_at.minute % 15, seconds=starts_at.second)
    starts_at -= before
    return starts_at, -(-(ends_at - starts_at) // QUARTER) * QUARTER


def make_kind(name: str, venue: Venue, fits: int = 1) -> Kind:
    """Something new at the venue of which so many can be booked at a time."""

    def add(units: int, **more: Any) -> Resource:
        resource = Resource(venue=venue, name=f"R{next(_numbers)}", capacity=4, units=units, **more)
        resource.save()
        return resource

    if name == "plain":
        return Kind(name, [add(fits)])
    if name == "units":
        return Kind(name, [add(2 * fits + 1)], quantity=2)
    if name == "buffers":
        room = add(fits, buffer_before=QUARTER, buffer_after=QUARTER)
        return Kind(name, [room], gap=2 * QUARTER)
    if name == "set":
        return Kind(name, [add(fits), add(fits)])
    if name == "set of units":
        return Kind(name, [add(2 * fits + 1), add(2 * fits)], quantity=2)
    barbers, chairs = [add(1) for _ in range(fits)], add(fits + 1)
    service = Service.objects.create(venue=venue, name="Cut")
    ServiceDuration.objects.bulk_create(
        ServiceDuration(service=service, duration=n * QUARTER) for n in range(1, 17)
    )
    for resources in (barbers, [chairs]):
        pool = Pool.objects.create(venue=venue, name="Pool")
        pool.resources.set(resources)
        Need.objects.create(service=service, pool=pool)
    return Kind(name, [*barbers, chairs], service=service)
