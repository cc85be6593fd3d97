"""Rivals for "any of these": as many winners as there are, each with another one, and alternatives
for the rest."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from api import errors
from api.models import Allocation, Booking, Need, Pool, Resource, Service, ServiceDuration
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking

pytestmark = pytest.mark.django_db(transaction=True)
CUT = timedelta(minutes=45)


@pytest.fixture
def make_service(venue):
    def make(*pools):
        service = Service.objects.create(venue=venue, name="Cut")
        ServiceDuration.objects.create(service=service, duration=CUT)
        for resources in pools:
            pool = Pool.objects.create(venue=venue, name="Pool")
            pool.resources.set(resources)
            Need.objects.create(service=service, pool=pool)
        return service

    return make


def ask(owner, service, at):
    request = BookingRequest(owner=owner, service=service.pk, starts_at=at)
    return partial(create_booking, request, actor=Actor.for_new_booking(owner))


def test_of_64_rivals_for_any_of_20_barbers_20_win(person, venue, make_service, soon, at_once):
    """Each loser of a barber gets the next one: with `continue` in `_create_for_service` made
    `raise`, one or few win."""
    barbers = [Resource.objects.create(venue=venue, name=f"Barber {n}") for n in range(20)]
    service = make_service(barbers)
    rivals = [person(f"p{n}") for n in range(64)]
    results = at_once(*(ask(rival, service, soon) for rival in rivals))
    assert {type(r) for r in results} == {Booking, errors.SlotTaken}, results
    won = [r.resource_id for r in results if isinstance(r, Booking)]
    assert sorted(won) == [row.pk for row in barbers]
    refused = [r for r in results if isinstance(r, errors.SlotTaken)]
    assert len(refused) == 44
    assert all(r.alternatives[0] == (soon - CUT, soon) for r in refused)


def test_pairs_of_overlapping_pools_are_sold_whole(person, venue, make_service, soon, at_once):
    """Barbers of whom two can also assist: four pairs of eight people."""
    people = [Resource.objects.create(venue=venue, name=f"P{n}") for n in range(8)]
    service = make_service(people[:5], people[3:])
    rivals = [person(f"p{n}") for n in range(12)]
    results = at_once(*(ask(rival, service, soon) for rival in rivals))
    assert {type(r) for r in results} == {Booking, errors.SlotTaken}, results
    won = sum(isinstance(r, Booking) for r in results)
    assert won in (3, 4)  # two at once may each take what only others could have used
    taken = list(Allocation.objects.filter(blocking=True).values_list("resource", flat=True))
    assert len(taken) == len(set(taken)) == 2 * won
