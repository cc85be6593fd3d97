"""Which chair a reservation gets when it names none, and that two rivals never get the same."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection

from api import errors
from api.models import Booking, Resource
from api.services.actors import Actor
from api.services.bookings import auto_assign
from api.services.bookings.auto_assign import create_assigned_booking
from api.services.bookings.create import BookingRequest
from api.services.venues import venues

pytestmark = pytest.mark.django_db


@pytest.fixture
def soon(soon):
    """A morning: the hours after it are of the same day."""
    return (soon + timedelta(days=1)).replace(hour=6)


def test_the_least_busy_free_chair_of_the_day_is_taken(two_chairs, reserved, ana):
    one, two = two_chairs
    assert reserved(ana).resource == one
    assert reserved(ana, hours=1, minutes=60).resource == two
    assert reserved(ana, hours=3).resource == one
    assert reserved(ana, hours=4, minutes=15).resource == one
    assert reserved(ana, hours=4).resource == two


def test_a_free_chair_is_found_beside_a_busier_one(two_chairs, reserved, ana, ben):
    one, two = two_chairs
    reserved(ana)
    assert reserved(ben).resource == two
    with pytest.raises(errors.SlotTaken) as refused:
        reserved(ben)
    assert {b.resource for b in refused.value.conflicts} == {one, two}
    assert len(refused.value.alternatives) == 3


def test_a_chair_that_is_switched_off_is_not_given(two_chairs, reserved, ana, shop):
    one, two = two_chairs
    Resource.objects.filter(pk=one.pk).update(is_available=False)
    assert reserved(ana).resource == two
    Resource.objects.filter(venue=shop).update(is_available=False)
    with pytest.raises(errors.ResourceUnavailable):
        reserved(ana, hours=2)


def test_a_shop_without_chairs_gets_one(shop, reserved, ana):
    assert reserved(ana).resource.name == "Chair 1"
    assert Resource.objects.filter(venue=shop).count() == 1


def test_a_chair_lost_to_a_rival_is_followed_by_the_next(
    two_chairs, reserved, ana, ben, monkeypatch
):
    """The guess is made wrong on purpose: everything looks free. Without the loop over the
    candidates (taking only the first of `iter_free_by_load`) the second reservation is refused."""
    monkeypatch.setattr(auto_assign, "iter_free_by_load", lambda places, *_: iter(places))
    assert [reserved(p).resource for p in (ana, ben)] == two_chairs
    with pytest.raises(errors.SlotTaken):
        reserved(ben)


@pytest.mark.django_db(transaction=True)
def test_many_rivals_fill_every_chair_once(person, soon):
    """Sixteen ask at once for one time, there are four chairs: four get one, each another."""
    shop = venues.get_contract_venue("barbershop")
    for n in range(4):
        Resource.objects.create(venue=shop, name=f"Chair {n}")
    people = [person(f"p{n}") for n in range(16)]
    start, outcomes = threading.Barrier(16), []

    def ask(owner):
        try:
            start.wait()
            booking = create_assigned_booking(
                shop,
                BookingRequest(owner=owner, starts_at=soon, ends_at=soon + timedelta(minutes=30)),
                actor=Actor.for_new_booking(owner),
            )
            outcomes.append(booking.resource_id)
        except errors.SlotTaken:
            outcomes.append(None)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(owner,)) for owner in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = Counter(outcomes)
    assert counts.pop(None) == 12
    assert sorted(counts.values()) == [1, 1, 1, 1]
    assert Booking.objects.count() == 4
