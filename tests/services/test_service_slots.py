"""What the slots of a service offer can be booked, and what they leave out is refused."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from api import errors
from api.models import (
    Block,
    Booking,
    Hours,
    HoursException,
    Need,
    Pool,
    Resource,
    Service,
    ServiceDuration,
    Venue,
)
from api.opening_hours import to_instant
from api.queries.bookings.service_slots import list_slots
from api.queries.venues.services import get_service_rules
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking

pytestmark = pytest.mark.django_db
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class _UndoneError(Exception):
    pass


def arrange(venue: Venue, owner, day, rng: Random) -> tuple[Service, timedelta, int]:
    """A venue with odd hours, resources with own ones, units and buffers, pools that overlap, and
    some bookings."""
    venue.slot_step = rng.choice([15, 20, 45]) * MINUTE
    venue.opens_at = venue.closes_at = None
    venue.time_zone = rng.choice(["UTC", "Europe/Berlin", "Asia/Kathmandu"])
    venue.slot_rule = "grid"
    venue.save()
    spans = rng.sample([("07:10", "12:00"), ("12:30", "17:00"), ("21:00", "01:30")], 2)
    Hours.objects.bulk_create(
        Hours(venue=venue, weekday=weekday, opens_at=opens, closes_at=closes)
        for weekday in range(7)
        for opens, closes in spans
    )
    if rng.random() < 0.3:
        HoursException.objects.create(venue=venue, first_on=day + DAY, last_on=day + DAY)
    made = [
        Resource.objects.create(
            venue=venue,
            name=f"R{n}",
            units=rng.choice([1, 1, 2, 3]),
            buffer_before=rng.choice([0, 0, 10]) * MINUTE,
            buffer_after=rng.choice([0, 5, 30]) * MINUTE,
            maintenance=rng.random() < 0.1,
        )
        for n in range(4)
    ]
    if rng.random() < 0.5:
        Hours.objects.bulk_create(
            Hours(venue=venue, resource=made[0], weekday=n, opens_at="10:05", closes_at="15:00")
            for n in range(7)
        )
    duration = rng.choice([30, 45, 90]) * MINUTE
    service = Service.objects.create(
        venue=venue, name="Cut", buffer_after=rng.choice([0, 15]) * MINUTE
    )
    ServiceDuration.objects.create(service=service, duration=duration)
    for _ in range(rng.choice([1, 2])):
        pool = Pool.objects.create(venue=venue, name="Pool")
        pool.resources.set(rng.sample(made, rng.randint(1, 4)))
        Need.objects.create(service=service, pool=pool, quantity=rng.choice([1, 1, 2]))
    midnight = to_instant(venue.zone, day, Hours._meta.get_field("opens_at").to_python("00:00"))
    for _ in range(6):
        start = midnight + rng.randrange(0, 30 * 60, 15) * MINUTE
        place = rng.choice(made)
        times = {"starts_at": start, "ends_at": start + rng.choice([30, 60, 240]) * MINUTE}
        try:
            with transaction.atomic():
                Booking.objects.create(
                    venue=venue, resource=place, owner=owner, status="confirmed", guests=1,
                    completes_at=times["ends_at"], **times,
                )  # fmt: skip
        except IntegrityError:
            pass  # it is taken
    return service, duration, rng.choice([1, 1, 2])


@pytest.mark.parametrize("seed", range(12))
def test_slots_and_bookings_never_disagree(venue, ana, soon, seed):
    """Every quarter of an hour and every start on a grid is asked for, once each, and `free` is how
    many can be booked one after the other."""
    rng, day = Random(seed), soon.date()
    service, duration, quantity = arrange(venue, ana, day, rng)
    _compare(venue, ana, service, duration, quantity, day)


def _compare(venue, ana, service, duration, quantity, day):
    rules = get_service_rules(service.pk)
    first = to_instant(venue.zone, day, Hours._meta.get_field("opens_at").to_python("00:00"))
    last = first + DAY
    offered = {
        slot.starts_at: slot for slot in list_slots(rules, first, last, duration, quantity=quantity)
    }
    asked = {first + n * 15 * MINUTE for n in range(96)} | offered.keys()
    for at in sorted(asked):
        slot = offered.get(at)
        made = _book(ana, service, at, quantity)
        assert (made > 0) == (slot is not None), (at, slot)
        if slot is not None and quantity == 1:
            assert made >= 1 and slot.free == made, (at, slot, made)


def _book(owner, service, at, quantity) -> int:
    """How many could be booked one after the other; nothing stays."""
    made = 0
    try:
        with transaction.atomic():
            try:
                while made < 20:
                    request = BookingRequest(
                        owner=owner, service=service.pk, starts_at=at, quantity=quantity
                    )
                    create_booking(request, actor=Actor.for_new_booking(owner))
                    made += 1
            except errors.Refusal:
                pass
            raise _UndoneError
    except _UndoneError:
        return made


def test_slots_are_read_in_three_statements_whatever_the_number_of_resources(venue, soon):
    service = Service.objects.create(venue=venue, name="Cut")
    ServiceDuration.objects.create(service=service, duration=30 * MINUTE)
    made = [Resource.objects.create(venue=venue, name=f"R{n}") for n in range(30)]
    for some in (made[:20], made[10:]):
        pool = Pool.objects.create(venue=venue, name="Pool")
        pool.resources.set(some)
        Need.objects.create(service=service, pool=pool)
    Block.objects.all().delete()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        rules = get_service_rules(service.pk)
        found = list(list_slots(rules, soon, soon + DAY, 30 * MINUTE))
    assert len(found) == 96 and found[0].free == 15
    assert len(queries) <= 3
