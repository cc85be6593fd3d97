"""Every way in which time becomes free for who waits, of every kind of thing."""

from __future__ import annotations

import pytest
from django.db.models.functions import Now

from api.lifecycle import BOOKING
from api.models import (
    Booking,
    Need,
    Pool,
    Resource,
    Service,
    ServiceDuration,
    Venue,
    WaitlistEntry,
)
from api.services.actors import Actor
from api.services.bookings.actions import (
    cancel_booking,
    end_booking,
    reject_booking,
)
from api.services.bookings.changes import BookingChanges
from api.services.bookings.reschedule import reschedule_booking
from api.services.bookings.sweeps import sweep
from api.services.venues.blocks import create_block, delete_block
from api.services.waitlist.answers import accept_offer, decline_offer

from .lines import HOUR, MINUTE, by, offer_of, statuses

pytestmark = pytest.mark.django_db


def test_a_moved_booking_frees_what_it_leaves(waits, booked, ana, ben, soon):
    taken = booked(ana)
    entry = waits(ben)
    later = {"starts_at": soon + 5 * HOUR, "ends_at": soon + 6 * HOUR}
    reschedule_booking(taken.pk, by(ana), BookingChanges(**later))
    assert offer_of(entry).starts_at == soon


def test_a_rejected_and_an_expired_booking_free_their_time(waits, booked, ana, ben, sam):
    Venue.objects.update(approval="always")
    taken = booked(ana)
    entry = waits(ben)
    reject_booking(taken.pk, Actor.in_venue(sam, taken.venue_id))
    assert offer_of(entry).status == "offered"


@pytest.mark.parametrize("move", ["expire", "lapse", "release"])
def test_what_the_clock_ends_is_offered_in_the_same_sweep(waits, booked, court, ana, ben, move):
    if move == "expire":
        Resource.objects.update(price_minor=500)
    else:
        Venue.objects.update(approval="always" if move == "lapse" else "never")
        Venue.objects.update(check_in_required=True)
    taken = booked(ana)
    entry = waits(ben)
    transition = getattr(BOOKING, move)
    Booking.objects.filter(pk=taken.pk).update(**{transition.deadline: Now()})
    assert sweep(transition, "a_job") == 1
    assert offer_of(entry).status == "offered"


def test_what_is_left_of_an_ended_meeting_is_offered_from_the_next_minute(
    waits, booked, court, ana, ben, soon
):
    taken = booked(ana, length=4)
    entry = waits(ben, window=4)
    Booking.objects.filter(pk=taken.pk).update(
        starts_at=Now() - HOUR, ends_at=Now() + 3 * HOUR, no_show_at=None
    )
    WaitlistEntry.objects.update(from_at=Now() - HOUR, until_at=Now() + 3 * HOUR)
    end_booking(taken.pk, by(ana))
    offer = offer_of(entry)
    assert offer.created_at + MINUTE <= offer.starts_at < offer.created_at + 3 * MINUTE
    assert offer.starts_at.second == 0
    assert offer.offer_expires_at == offer.starts_at


def test_a_lifted_block_frees_its_time(waits, court, ben, soon, sam):
    staff = Actor.in_venue(sam, court.venue_id)
    block = create_block(court, staff, starts_at=soon, ends_at=soon + HOUR)
    entry = waits(ben)
    delete_block(block)
    assert offer_of(entry).starts_at == soon


def test_freed_time_passes_to_blocks_first(waits, booked, court, ana, ben, soon, sam):
    taken = booked(ana)
    entry = waits(ben)
    staff = Actor.in_venue(sam, court.venue_id)
    block = create_block(court, staff, starts_at=soon, ends_at=soon + HOUR / 2, force=True)
    cancel_booking(taken.pk, by(ana))
    assert statuses(entry) == ["waiting"]  # what the block leaves is too short
    delete_block(block)
    assert offer_of(entry).starts_at == soon


def test_more_units_are_offered(waits, booked, court, ana, ben, people, sam, client_of):
    booked(ana)
    entries = [waits(ben), *map(waits, people)]
    answer = client_of(sam).patch(f"/api/v1/resources/{court.pk}/", {"units": 3}, format="json")
    assert answer.status_code == 200, answer.json()
    assert statuses(*entries) == ["offered", "offered", "waiting", "waiting", "waiting"]


def test_wider_hours_are_offered_and_a_dry_run_offers_nothing(
    waits, booked, court, ana, ben, sam, client_of
):
    client = client_of(sam)
    path = f"/api/v1/resources/{court.pk}/hours/"
    week = [{"weekday": n, "opens_at": "11:00", "closes_at": "20:00"} for n in range(7)]
    assert client.put(path, {"week": week}, format="json").status_code == 200
    entry = waits(ben)  # nine in the morning
    week = [row | {"opens_at": "08:00"} for row in week]
    client.put(f"{path}?dry_run=1", {"week": week}, format="json")
    assert statuses(entry) == ["waiting"]
    client.put(path, {"week": week}, format="json")
    assert statuses(entry) == ["offered"]


def test_any_of_a_pool_is_offered_and_several_of_it_together(
    waits, booked, venue, court, ana, ben, people, soon
):
    other = Resource.objects.create(venue=venue, name="Court 2")
    pool = Pool.objects.create(venue=venue, name="Courts")
    pool.resources.set([court, other])
    taken = [booked(ana), booked(ana, place=other)]
    both, one = waits(ben, pool=pool.pk, quantity=2), waits(people[0], pool=pool.pk)
    cancel_booking(taken[1].pk, by(ana))
    assert statuses(both, one) == ["waiting", "offered"]
    assert offer_of(one).resource == other
    decline_offer(offer_of(one).pk, by(people[0]))
    cancel_booking(taken[0].pk, by(ana))
    assert statuses(both, one) == ["offered", "declined"]
    offer = offer_of(both)
    assert offer.several
    assert {row.resource_id for row in offer.allocations.all()} == {court.pk, other.pk}


def test_a_service_is_offered_with_whoever_is_free(waits, booked, venue, court, ana, ben, soon):
    service = Service.objects.create(venue=venue, name="Cut", buffer_after=15 * MINUTE)
    ServiceDuration.objects.create(service=service, duration=45 * MINUTE, price_minor=0)
    pool = Pool.objects.create(venue=venue, name="Barbers")
    pool.resources.set([court])
    Need.objects.create(service=service, pool=pool)
    taken = booked(ana)
    entry = waits(ben, length=None, service=service.pk)
    cancel_booking(taken.pk, by(ana))
    offer = offer_of(entry)
    assert (offer.service, offer.starts_at) == (service, soon)
    assert offer.ends_at - offer.starts_at == 45 * MINUTE
    assert accept_offer(offer.pk, by(ben)).status == "confirmed"


def test_units_are_waited_for_together(waits, booked, court, ana, ben, people):
    Resource.objects.update(units=3)
    taken = [booked(ana) for _ in range(3)]
    two = waits(ben, resource=court.pk, quantity=2)
    cancel_booking(taken[0].pk, by(ana))
    assert statuses(two) == ["waiting"]
    cancel_booking(taken[1].pk, by(ana))
    assert offer_of(two).quantity == 2
    assert offer_of(two).allocations.count() == 2
