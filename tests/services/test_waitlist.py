"""The waitlist: who waits is offered what is freed, in the transaction that frees it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from api import errors
from api.lifecycle import BOOKING, WAITLIST
from api.models import (
    Booking,
    BookingEvent,
    Delivery,
    FreedTime,
    Membership,
    Need,
    Pool,
    Resource,
    Service,
    ServiceDuration,
    Venue,
    WaitlistEntry,
)
from api.models.outbox import Kind
from api.queries.waitlist.line import list_visible_entries
from api.services.actors import Actor
from api.services.bookings.actions import (
    approve_booking,
    cancel_booking,
    end_booking,
    reject_booking,
)
from api.services.bookings.changes import BookingChanges
from api.services.bookings.extend import extend_booking
from api.services.bookings.reschedule import reschedule_booking
from api.services.bookings.sweeps import sweep
from api.services.venues.blocks import create_block, delete_block
from api.services.waitlist.answers import accept_offer, decline_offer
from api.services.waitlist.entries import WaitlistRequest, join_waitlist, leave_waitlist

pytestmark = pytest.mark.django_db

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def waits(court, soon):
    """`waits(ana)` waits for the hour at `soon` of the court."""

    def make(owner, hours=0, window=1, length=HOUR, **what):
        what = what or {"resource": court.pk}
        start = soon + hours * HOUR
        request = WaitlistRequest(owner, start, start + window * HOUR, duration=length, **what)
        return join_waitlist(request)

    return make


@pytest.fixture
def people(person):
    return [person(name) for name in ("cleo", "dan", "eve", "fay")]


def by(owner):
    return Actor.for_new_booking(owner)


def offer_of(entry):
    entry.refresh_from_db()
    return entry.booking


def statuses(*entries):
    return [WaitlistEntry.objects.get(pk=entry.pk).status for entry in entries]


def positions(caller):
    rows = list_visible_entries(caller).order_by("pk")
    return [row.position for row in rows]


# joining


def test_nobody_waits_for_what_is_free(waits, booked, ana, ben, soon):
    with pytest.raises(errors.SlotFree) as refused:
        waits(ben, window=3)
    assert refused.value.alternatives == [(soon, soon + HOUR)]
    assert not WaitlistEntry.objects.exists()
    booked(ana)
    with pytest.raises(errors.SlotFree) as refused:
        waits(ben, window=3)
    assert refused.value.alternatives == [(soon + HOUR, soon + 2 * HOUR)]
    assert waits(ben).status == "waiting"


def test_the_same_person_stands_in_a_line_once(waits, booked, ana, ben, people):
    booked(ana, length=4)
    waits(ben, window=2)
    with pytest.raises(errors.AlreadyWaiting):
        waits(ben, hours=1, window=2)
    assert waits(ben, hours=2).status == "waiting"  # the windows meet, and do not overlap
    assert waits(people[0], window=2).status == "waiting"


def test_the_position_is_counted_among_those_who_wait_for_the_same_thing_at_that_time(
    waits, booked, venue, soon, ana, ben, people, sam
):
    other = Resource.objects.create(venue=venue, name="Court 2")
    booked(ana, length=4)
    booked(ana, length=4, place=other)
    cleo, dan, *_ = people
    waits(ben, window=2)
    waits(cleo, window=2, resource=other.pk)
    waits(dan, hours=2)
    waits(cleo, hours=1, window=2)
    assert positions(sam) == [1, 1, 1, 3]
    assert positions(ben) == [1]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"window": 0.5}, errors.Unfit),
        ({"window": 0}, errors.EndsBeforeStart),
        ({"hours": -24 * 7}, errors.InThePast),
        ({"hours": 24 * 90}, errors.TooFarAhead),
        ({"hours": 24 * 365 * 300}, errors.AbsurdTime),
        ({"length": timedelta(0)}, errors.Unfit),
        ({"length": None}, errors.Unfit),
        ({"quantity": 2}, errors.Unfit),
        ({"quantity": 0}, errors.Unfit),
        ({"window": 24 * 400}, errors.Unfit),
    ],
)
def test_what_can_never_be_booked_is_not_waited_for(
    waits, booked, ana, ben, court, changes, refusal
):
    booked(ana)
    quantity = {"quantity": changes.pop("quantity")} if "quantity" in changes else {}
    with pytest.raises(refusal):
        waits(ben, **changes, **({"resource": court.pk} | quantity))
    assert not WaitlistEntry.objects.exists()


def test_there_is_no_line_for_what_is_not_there(waits, booked, ana, ben, court):
    booked(ana)
    for what in ({"resource": 0}, {"pool": 0}, {"service": 0}):
        with pytest.raises(errors.NotFound):
            waits(ben, **what)


def test_who_may_not_book_does_not_wait(waits, booked, ana, venue, person):
    booked(ana)
    Venue.objects.update(joining="invited")
    with pytest.raises(errors.Forbidden):
        waits(person("zoe", role=""))


# offers


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


# other ways of freeing


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


# pools, services, units


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


# leaving


def test_who_leaves_is_out_of_the_line(waits, booked, ana, ben, people, sam):
    taken = booked(ana)
    first, second = waits(ben), waits(people[0])
    leave_waitlist(first.pk, by(ben))
    assert statuses(first) == ["withdrawn"]
    assert positions(sam) == [None, 1]
    with pytest.raises(errors.NotAllowedNow):
        leave_waitlist(first.pk, by(ben))
    cancel_booking(taken.pk, by(ana))
    assert statuses(first, second) == ["withdrawn", "offered"]


def test_leaving_while_something_is_on_offer_declines_it(waits, booked, ana, ben, people):
    taken = booked(ana)
    first, second = waits(ben), waits(people[0])
    cancel_booking(taken.pk, by(ana))
    leave_waitlist(first.pk, by(ben))
    assert statuses(first, second) == ["declined", "offered"]
    assert offer_of(first).status == "cancelled"


def test_a_window_that_passes_lapses(waits, booked, ana, ben, people, sam):
    taken = booked(ana)
    first, second = waits(ben), waits(people[0])
    WaitlistEntry.objects.filter(pk=first.pk).update(lapses_at=Now())
    assert [row.effective for row in list_visible_entries(ben)] == ["lapsed"]
    assert positions(sam) == [None, 1]
    with pytest.raises(errors.NotAllowedNow):
        leave_waitlist(first.pk, by(ben))
    cancel_booking(taken.pk, by(ana))
    assert statuses(first, second) == ["waiting", "offered"]  # its sweep has not come yet
    assert sweep(WAITLIST.lapse, "lapse_waitlist") == 1
    assert statuses(first) == ["lapsed"]
    waits(ben)


# whoever meets what the clock should have ended


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
