"""An offer as every contract shows it: pending, counted nowhere, approved by nobody."""

from __future__ import annotations

import pytest

from api import errors
from api.models import Booking, Resource
from api.queries.bookings.counts import count_bookings
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.status_changes import set_booking_status
from api.services.venues import venues
from api.services.waitlist.entries import WaitlistRequest, join_waitlist
from tests.contracts.faces import FACES, HOUR, OWN

pytestmark = pytest.mark.django_db

PENDING = {
    "primetime": "PENDING",
    "barbershop": "pending",
    "circletime": "pending",
    "resources": "pending",
    "paidrooms": "pending",
}


@pytest.fixture(params=FACES, ids=lambda face: face.name)
def face(request):
    return request.param


@pytest.fixture
def place(face, db):
    venue = venues.get_contract_venue(face.name)
    return Resource.objects.create(venue=venue, name="The only one", capacity=4, **face.place)


@pytest.fixture
def offer(face, place, ana, ben, soon):
    start = soon.replace(hour=10)
    taken = face.booked(ana, place, start)
    request = WaitlistRequest(ben, start, start + HOUR, duration=HOUR, resource=place.pk)
    join_waitlist(request)
    cancel_booking(taken, Actor.for_new_booking(ana))
    return Booking.objects.get(status="offered")


def test_an_offer_reads_as_pending_and_takes_the_time(face, place, ana, ben, offer):
    assert face.shown(ben, place, offer.starts_at) == {offer.pk: PENDING[face.name]}
    assert OWN.shown(ben, place, offer.starts_at) == {offer.pk: "offered"}
    assert face.book(ana, place, offer.starts_at).status_code == face.refused


def test_an_offer_is_counted_nowhere_and_approved_by_nobody(face, place, sam, ben, offer):
    assert count_bookings(place.venue)["pending"] == 0
    for status in ("confirmed", "rejected", "completed", "checked_in"):
        with pytest.raises(errors.Refusal):
            set_booking_status(offer.pk, status, Actor.in_venue(sam, place.venue_id))
    assert Booking.objects.get(pk=offer.pk).status == "offered"


def test_whose_it_is_may_cancel_it_at_the_contracts_door(face, place, ben, offer):
    cancel_booking(offer.pk, Actor.for_booking(ben, offer))
    assert offer.waitlist_entry.refresh_from_db() is None
    assert offer.waitlist_entry.status == "declined"
