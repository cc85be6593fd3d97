"""Who waits is offered what is freed, in the transaction that frees it, and answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from api import errors
from api.lifecycle import BOOKING
from api.models import (
    Booking,
    BookingEvent,
    Delivery,
    FreedTime,
    Membership,
    Resource,
    Venue,
)
from api.models.outbox import Kind
from api.services.actors import Actor
from api.services.bookings.actions import (
    approve_booking,
    cancel_booking,
    reject_booking,
)
from api.services.bookings.changes import BookingChanges
from api.services.bookings.extend import extend_booking
from api.services.bookings.reschedule import reschedule_booking
from api.services.bookings.sweeps import sweep
from api.services.waitlist.answers import accept_offer, decline_offer

from .lines import HOUR, MINUTE, by, offer_of, positions, statuses

pytestmark = pytest.mark.django_db


def test_a_cancelled_slot_is_offered_to_the_first_in_line(waits, booked, ana, ben, people, soon):
    taken = booked(ana)
    first, second = waits(ben), waits(people[0])
    cancel_booking(taken.pk, by(ana))
    offer = offer_of(first)
    assert (offer.status, offer.owner, offer.starts_at) == ("offered", ben, soon)
    assert HOUR - MINUTE < offer.offer_expires_at - offer.created_at <= HOUR
    assert statuses(first, second) == ["offered", "waiting"]
    assert positions(ben) == [None]
    assert positions(people[0]) == [1]
    assert not FreedTime.objects.exists()
    (letter,) = Delivery.objects.filter(booking=offer, kind=Kind.EMAIL)
    assert (letter.name, letter.to) == ("offer", "ben@example.com")
    (line,) = BookingEvent.objects.filter(booking=offer)
    assert (line.verb, line.by, line.to_status) == ("offer", "clock", "offered")


def test_an_accepted_offer_is_theirs(waits, booked, ana, ben):
    taken = booked(ana)
    entry = waits(ben)
    cancel_booking(taken.pk, by(ana))
    booking = accept_offer(offer_of(entry).pk, by(ben))
    assert booking.status == "confirmed"
    assert statuses(entry) == ["taken"]
    with pytest.raises(errors.NotAllowedNow):
        accept_offer(booking.pk, by(ben))
    with pytest.raises(errors.NotAllowedNow):
        decline_offer(booking.pk, by(ben))
    cancel_booking(booking.pk, by(ben))
    assert statuses(entry) == ["taken"]  # it is never revived
    assert not Booking.objects.blocking().exists()


@pytest.mark.parametrize(
    ("policy", "price", "status"),
    [
        ({"approval": "always"}, 0, "pending"),
        ({"approval": "always"}, 500, "pending"),
        ({}, 500, "held"),
        ({}, 0, "confirmed"),
    ],
)
def test_accepting_leads_to_what_the_policy_gives(
    waits, booked, court, ana, ben, policy, price, status
):
    taken = booked(ana)
    Venue.objects.update(**policy)
    Resource.objects.update(price_minor=price)
    Venue.objects.update(name="Another")  # the rules have a new version
    entry = waits(ben)
    cancel_booking(taken.pk, by(ana))
    offer = offer_of(entry)
    assert (offer.status, offer.price_minor) == ("offered", price)
    booking = accept_offer(offer.pk, by(ben))
    assert booking.status == status
    assert (booking.hold_expires_at is not None) == (status == "held")


def test_a_declined_offer_goes_to_the_next_and_then_the_time_is_free(
    waits, booked, ana, ben, people
):
    taken = booked(ana)
    first, second = waits(ben), waits(people[0])
    cancel_booking(taken.pk, by(ana))
    assert decline_offer(offer_of(first).pk, by(ben)).status == "cancelled"
    assert statuses(first, second) == ["declined", "offered"]
    decline_offer(offer_of(second).pk, by(people[0]))
    assert statuses(first, second) == ["declined", "declined"]
    assert booked(people[1]).status == "confirmed"


def test_a_lapsed_offer_goes_to_the_next(waits, booked, ana, ben, people):
    taken = booked(ana)
    first, second = waits(ben), waits(people[0])
    cancel_booking(taken.pk, by(ana))
    Booking.objects.filter(pk=offer_of(first).pk).update(offer_expires_at=Now())
    with pytest.raises(errors.NotAllowedNow):
        accept_offer(first.booking_id, by(ben))
    assert sweep(BOOKING.lapse_offer, "lapse_offers") in (0, 1)  # whoever met it first
    assert offer_of(first).status == "expired"
    assert statuses(first, second) == ["lapsed", "offered"]
    assert Delivery.objects.filter(booking=first.booking_id, name="offer_lapsed").exists()


def test_only_whom_it_was_made_to_answers_and_nobody_approves_it(
    waits, booked, ana, ben, people, sam
):
    taken = booked(ana)
    entry = waits(ben)
    cancel_booking(taken.pk, by(ana))
    offer = offer_of(entry)
    staff = Actor.in_venue(sam, offer.venue_id)
    for act in (accept_offer, decline_offer):
        with pytest.raises(errors.Forbidden):
            act(offer.pk, staff)
        with pytest.raises(errors.Forbidden):
            act(offer.pk, by(people[0]))
    for act in (approve_booking, reject_booking):
        with pytest.raises(errors.NotAllowedNow):
            act(offer.pk, staff)
    with pytest.raises(errors.NotAllowedNow):
        extend_booking(offer.pk, by(ben), by=HOUR)
    with pytest.raises(errors.NotAllowedNow):
        reschedule_booking(offer.pk, by(ben), BookingChanges(title="Mine"))
    assert offer_of(entry).status == "offered"


def test_an_offer_is_the_earliest_start_that_touches_the_freed_time(
    waits, booked, ana, ben, people, soon
):
    booked(ana, hours=0)
    late = booked(ana, hours=2)
    booked(ana, hours=1)
    booked(ana, hours=3)
    two, half = waits(ben, window=4, length=2 * HOUR), waits(people[0], window=4, length=HOUR / 2)
    cancel_booking(late.pk, by(ana))
    assert statuses(two, half) == ["waiting", "offered"]  # who does not fit keeps the place
    assert offer_of(half).starts_at == soon + 2 * HOUR
    assert offer_of(half).ends_at == soon + 2.5 * HOUR


def test_offers_go_on_until_nothing_fits(waits, booked, ana, people, soon):
    taken = booked(ana, length=2)
    entries = [waits(each, window=2) for each in people]
    cancel_booking(taken.pk, by(ana))
    assert statuses(*entries) == ["offered", "offered", "waiting", "waiting"]
    assert [offer_of(entry).starts_at for entry in entries[:2]] == [soon, soon + HOUR]


def test_what_is_freed_too_late_is_free_at_once(waits, booked, ana, ben, soon):
    taken = booked(ana)
    entry = waits(ben)
    Venue.objects.update(offer_min_lead=timedelta(days=10))
    cancel_booking(taken.pk, by(ana))
    assert statuses(entry) == ["waiting"]
    assert booked(ana).status == "confirmed"


def test_members_stand_first_if_the_venue_says_so(waits, booked, venue, ana, person, people, sam):
    taken = booked(ana)
    stranger = person("zoe", role="")
    first, second = waits(stranger), waits(people[0])
    assert positions(sam) == [1, 2]
    Venue.objects.update(waitlist_members_first=True)
    assert positions(sam) == [2, 1]
    cancel_booking(taken.pk, by(ana))
    assert statuses(first, second) == ["waiting", "offered"]
    assert not Membership.objects.filter(user=stranger).exists()


def test_an_offer_ends_when_its_time_begins(waits, booked, ana, ben, soon):
    taken = booked(ana)
    entry = waits(ben)
    Venue.objects.update(offer_length=timedelta(days=30))
    cancel_booking(taken.pk, by(ana))
    assert offer_of(entry).offer_expires_at == soon


def test_whom_the_venue_does_not_let_in_any_more_is_passed_over(waits, booked, ana, person, ben):
    taken = booked(ana)
    stranger = person("zoe", role="")
    first, second = waits(stranger), waits(ben)
    Venue.objects.update(joining="invited")
    cancel_booking(taken.pk, by(ana))
    assert statuses(first, second) == ["waiting", "offered"]


@pytest.mark.django_db(transaction=True)  # the offer commits, and the refused hold does not
@pytest.mark.parametrize("kind", ["hold", "offer"])
def test_whoever_meets_an_expired_hold_or_offer_makes_the_next_offer(
    waits, booked, court, ana, ben, people, kind
):
    if kind == "hold":
        Resource.objects.update(price_minor=500)
    taken = booked(ana)
    first, second = waits(ben), waits(people[0])
    if kind == "offer":
        cancel_booking(taken.pk, by(ana))
        Booking.objects.filter(status="offered").update(offer_expires_at=Now())
    else:
        Booking.objects.update(hold_expires_at=Now())
    with pytest.raises(errors.SlotTaken) as refused:
        booked(people[3])
    assert [row.status for row in refused.value.conflicts] == ["offered"]
    assert statuses(first, second) == (
        ["offered", "waiting"] if kind == "hold" else ["lapsed", "offered"]
    )


def test_an_offer_beyond_a_quota_goes_to_the_next_and_the_place_is_kept(
    waits, booked, ana, ben, people
):
    taken = booked(ana)
    booked(ben, hours=5)
    first, second = waits(ben), waits(people[0])
    Venue.objects.update(max_bookings_ahead=1)
    cancel_booking(taken.pk, by(ana))
    assert statuses(first, second) == ["waiting", "offered"]
    assert positions(ben) == [1]
    assert Booking.objects.blocking().filter(owner=ben).count() == 1
