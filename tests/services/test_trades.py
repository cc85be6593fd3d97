"""Trades: what is offered, what is refused, and what an answer changes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from api import errors
from api.lifecycle import TRADE, Status, TradeStatus
from api.models import (
    Allocation,
    Booking,
    BookingEvent,
    Delivery,
    Membership,
    Resource,
    Role,
    Trade,
    Venue,
)
from api.queries.bookings import trades as queries
from api.services.accounts import erasure
from api.services.actors import Actor
from api.services.bookings import trades
from api.services.bookings.actions import cancel_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import create_booking
from api.services.bookings.reschedule import reschedule_booking
from api.services.bookings.sweeps import sweep
from api.services.messages import mailer
from tests.support.kinds import of_every_kind

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def take(bookable, soon):
    def make(owner, hours=0, length=HOUR, **more) -> Booking:
        start = soon + hours * HOUR
        request = replace(bookable.request(owner, start, start + length), **more)
        return create_booking(request, actor=Actor.for_new_booking(owner))

    return make


@pytest.fixture
def mine(take, ana) -> Booking:
    return take(ana, title="Ana's practice", notes="Bring balls", guests=2)


@pytest.fixture
def theirs(take, ben) -> Booking:
    return take(ben, hours=3, title="Ben's lesson")


@pytest.fixture
def offer(mine, theirs, ana) -> Trade:
    return trades.offer_trade(requester=ana, mine=mine.pk, theirs=theirs.pk, message="Please?")


def state(*rows):
    """What a refusal must leave as it was."""
    for row in rows:
        row.refresh_from_db()
    return [(row.status, row.version, getattr(row, "owner_id", 0)) for row in rows]


def list_places(*rows):
    taken = Allocation.objects.filter(booking__in=rows, blocking=True).order_by("pk")
    return list(taken.values_list("booking", "resource", "unit", "span"))


def test_an_offer_lapses_when_the_first_booking_begins_and_its_target_is_emailed(
    offer, mine, theirs, ana, ben
):
    assert (offer.status, offer.lapses_at) == ("offered", mine.starts_at)
    assert (offer.requester, offer.target, offer.message) == (ana, ben, "Please?")
    told = Delivery.objects.get(name="trade_offered")
    assert (told.to, told.booking) == (ben.email, theirs)
    text = mailer.compose(told, theirs).body
    assert "Hello Ben Example," in text
    assert "Ana Example would like your booking below" in text
    assert "They say: Please?" in text


@of_every_kind
def test_accepting_swaps_the_owners_and_each_brings_their_own_party(
    offer, mine, theirs, ana, ben, person
):
    guest = person("guest")
    mine.attendees.set([guest, ben])
    theirs.attendees.set([guest])
    places = list_places(mine, theirs)
    done = trades.accept_trade(offer.pk, ben, "With pleasure")
    assert (done.status, done.response_message) == ("accepted", "With pleasure")
    assert done.responded_at is not None
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert list_places(mine, theirs) == places
    assert (mine.owner, mine.title, mine.notes, mine.guests) == (ben, "Ben's lesson", "", 1)
    assert (theirs.owner, theirs.title, theirs.guests) == (ana, "Ana's practice", 2)
    assert theirs.notes == "Bring balls"
    assert list(mine.attendees.all()) == [guest]
    assert set(theirs.attendees.all()) == {guest, ben}
    assert (mine.status, theirs.status) == (Status.CONFIRMED, Status.CONFIRMED)
    assert (mine.version, theirs.version) == (2, 2)


def test_accepting_writes_history_on_both_and_emails_both(offer, mine, theirs, ana, ben):
    trades.accept_trade(offer.pk, ben)
    for booking, other in ((mine, ana), (theirs, ben)):
        line = BookingEvent.objects.get(booking=booking, verb="trade")
        assert line.details == {"traded_with": other.pk, "trade_id": offer.pk}
        assert (line.by, line.actor, line.to_status) == ("counterpart", ben, "confirmed")
    told = Delivery.objects.filter(name="trade_accepted")
    assert set(told.values_list("to", "booking")) == {(ana.email, theirs.pk), (ben.email, mine.pk)}
    to_ana = mailer.compose(told.get(to=ana.email), Booking.objects.get(pk=theirs.pk))
    assert "Hello Ana Example," in to_ana.body
    assert "You and Ben Example have swapped" in to_ana.body
    assert not Delivery.objects.filter(name__in=("edited", "moved")).exists()


def test_the_words_of_who_had_the_booking_before_stay_theirs(mine, theirs, ana, ben):
    """In the history and in emails that were not sent yet."""
    actor = Actor.for_booking(ana, mine)
    reschedule_booking(
        mine.pk, actor, BookingChanges(notes="Private", ends_at=mine.ends_at - timedelta(minutes=9))
    )
    Delivery.objects.filter(name="moved").update(state="sent")
    trade = trades.offer_trade(requester=ana, mine=mine.pk, theirs=theirs.pk)
    trades.accept_trade(trade.pk, ben)
    line = BookingEvent.objects.get(booking=mine, verb="reschedule")
    assert (set(line.details["from"]), set(line.details["to"])) == ({"ends_at"}, {"ends_at"})
    told = Delivery.objects.order_by("id").values_list("name", "to", "state")
    assert list(told) == [
        ("confirmed", ana.email, "withheld"),
        ("confirmed", ben.email, "withheld"),
        ("moved", ana.email, "sent"),
        ("trade_offered", ben.email, "waiting"),
        ("trade_accepted", ana.email, "waiting"),
        ("trade_accepted", ben.email, "waiting"),
    ]


def test_accepting_withdraws_every_other_offer_on_either_booking(
    offer, mine, theirs, booked, person, ana, ben
):
    cleo = person("cleo")
    hers, aside = booked(cleo, hours=6), booked(cleo, hours=9)
    touching = [
        trades.offer_trade(requester=cleo, mine=hers.pk, theirs=mine.pk),
        trades.offer_trade(requester=ben, mine=theirs.pk, theirs=hers.pk),
        trades.offer_trade(requester=ben, mine=theirs.pk, theirs=mine.pk),
    ]
    elsewhere = booked(ana, hours=12)
    apart = trades.offer_trade(requester=cleo, mine=aside.pk, theirs=elsewhere.pk)
    trades.accept_trade(offer.pk, ben)
    assert [Trade.objects.get(pk=row.pk).status for row in touching] == ["withdrawn"] * 3
    assert Trade.objects.get(pk=apart.pk).status == "offered"


def test_rejecting_changes_no_booking_and_tells_the_requester(offer, mine, theirs, ana, ben):
    before = state(mine, theirs)
    assert trades.reject_trade(offer.pk, ben, "I need it").status == "rejected"
    assert state(mine, theirs) == before
    told = Delivery.objects.get(name="trade_rejected")
    assert (told.to, told.booking) == (ana.email, mine)
    assert "They say: I need it" in mailer.compose(told, mine).body


def test_only_the_person_asked_answers_and_strangers_see_nothing(offer, ana, ben, sam, person):
    stranger = person("cleo")
    for verb in (trades.accept_trade, trades.reject_trade):
        with pytest.raises(errors.Forbidden):
            verb(offer.pk, ana)
        for nobody in (stranger, sam):
            with pytest.raises(errors.NotFound):
                verb(offer.pk, nobody)
    for other in (ben, stranger):
        with pytest.raises(errors.Forbidden):
            trades.withdraw_trade(offer.pk, other)
    assert Trade.objects.get(pk=offer.pk).status == "offered"


@pytest.mark.parametrize("by", ["ana", "sam"])
def test_an_offer_is_taken_back_by_who_made_it_or_staff(offer, by, request):
    assert trades.withdraw_trade(offer.pk, request.getfixturevalue(by)).status == "withdrawn"


@of_every_kind
def test_answering_twice_is_refused_and_changes_nothing(offer, mine, theirs, ben):
    trades.accept_trade(offer.pk, ben)
    before = state(offer, mine, theirs)
    with pytest.raises(errors.AlreadyDone):
        trades.accept_trade(offer.pk, ben)
    with pytest.raises(errors.NotAllowedNow) as refused:
        trades.reject_trade(offer.pk, ben)
    assert refused.value.current == "accepted"
    assert state(offer, mine, theirs) == before


def test_the_same_offer_stands_once_and_may_be_made_again_once_it_has_lapsed(
    offer, mine, theirs, ana
):
    with pytest.raises(errors.AlreadyDone):
        trades.offer_trade(requester=ana, mine=mine.pk, theirs=theirs.pk)
    Trade.objects.update(lapses_at=Now())
    again = trades.offer_trade(requester=ana, mine=mine.pk, theirs=theirs.pk)
    assert Trade.objects.get(pk=offer.pk).status == "lapsed"
    assert again.status == "offered"


def refused_offer(requester, mine, theirs):
    with pytest.raises(errors.TradeRefused) as refused:
        trades.offer_trade(requester=requester, mine=mine, theirs=theirs)
    assert not Trade.objects.exists()
    return refused.value.which, refused.value.unknown


def test_what_is_not_ones_own_or_not_there_cannot_be_offered(mine, theirs, ana, ben, sam):
    assert refused_offer(ana, theirs.pk, mine.pk) == ("requester", True)
    assert refused_offer(ana, 2**62, theirs.pk) == ("requester", True)
    assert refused_offer(ana, mine.pk, 2**62) == ("target", True)
    assert refused_offer(sam, mine.pk, theirs.pk) == ("requester", True)


def test_nobody_trades_with_themselves(mine, booked, ana):
    assert refused_offer(ana, mine.pk, mine.pk) == ("target", True)
    assert refused_offer(ana, mine.pk, booked(ana, hours=5).pk) == ("target", True)


def test_a_cancelled_booking_is_not_traded(mine, theirs, ana, ben):
    cancel_booking(theirs.pk, Actor.for_booking(ben, theirs))
    assert refused_offer(ana, mine.pk, theirs.pk) == ("target", False)
    assert refused_offer(ben, theirs.pk, mine.pk) == ("requester", False)


def test_a_booking_that_has_begun_is_not_traded(mine, theirs, ana):
    minute = timedelta(minutes=1)
    Booking.objects.filter(pk=theirs.pk).update(
        starts_at=Now() - 5 * minute, ends_at=Now() + 5 * minute
    )
    assert refused_offer(ana, mine.pk, theirs.pk) == ("target", False)


def test_a_booking_that_the_clock_should_have_ended_is_not_traded(mine, theirs, ana):
    Booking.objects.filter(pk=theirs.pk).update(no_show_at=Now())
    assert refused_offer(ana, mine.pk, theirs.pk) == ("target", False)


def test_a_pending_booking_is_not_traded(booked, venue, mine, ana, ben):
    Venue.objects.update(approval="always")
    waiting = booked(ben, hours=3)
    assert refused_offer(ana, mine.pk, waiting.pk) == ("target", False)


def test_a_booking_with_a_price_is_not_traded(mine, theirs, ana):
    Booking.objects.filter(pk=theirs.pk).update(price_minor=500, payment_status="succeeded")
    assert refused_offer(ana, mine.pk, theirs.pk) == ("target", False)


def test_bookings_of_staff_and_of_closed_accounts_are_not_traded(mine, theirs, ana, ben):
    Membership.objects.filter(user=ben).update(role=Role.STAFF)
    assert refused_offer(ana, mine.pk, theirs.pk) == ("target", False)
    Membership.objects.filter(user=ben).update(role=Role.CUSTOMER)
    ben.is_active = False
    ben.save()
    assert refused_offer(ana, mine.pk, theirs.pk) == ("target", False)


def test_bookings_of_two_venues_are_not_traded(mine, booked, ana, ben):
    other = Venue.objects.create(slug="other", name="Other", max_advance=timedelta(days=60))
    place = Resource.objects.create(venue=other, name="Elsewhere")
    assert refused_offer(ana, mine.pk, booked(ben, place=place).pk) == ("target", True)


def test_the_policy_is_met_by_each_with_the_guests_they_bring(mine, booked, venue, ana, ben):
    small = Resource.objects.create(venue=venue, name="Court 2", capacity=1)
    theirs = booked(ben, place=small)
    assert refused_offer(ana, mine.pk, theirs.pk) == ("target", False)  # two guests, one place


@of_every_kind
def test_the_policy_is_looked_at_again_when_the_offer_is_accepted(
    offer, mine, theirs, bookable, ben
):
    """Of each part: where only the first was asked, sets and services changed hands."""
    Resource.objects.filter(pk=bookable.resources[-1].pk).update(maintenance=True)
    before = state(offer, mine, theirs)
    with pytest.raises(errors.TradeRefused):
        trades.accept_trade(offer.pk, ben)
    assert state(offer, mine, theirs) == before


@pytest.mark.parametrize("kind_name", ["service"])
def test_a_service_is_traded_at_a_length_that_it_has(take, ana, ben):
    """Seen to be refused where the resource alone was asked, which is given in whole slots."""
    Venue.objects.update(slot_rule="whole")
    mine, theirs = (take(who, 2 * n, 0.75 * HOUR) for n, who in enumerate((ana, ben)))
    trade = trades.offer_trade(requester=ana, mine=mine.pk, theirs=theirs.pk)
    assert trades.accept_trade(trade.pk, ben).status == "accepted"


def lapsed(trade):
    """Reads as lapsed before its sweep and is lapsed after it."""
    assert queries.get_status_now(trade.pk) == "lapsed"
    assert Trade.objects.get(pk=trade.pk).status == "offered"
    assert sweep(TRADE.lapse, "lapse_trades") == 1
    assert Trade.objects.get(pk=trade.pk).status == "lapsed"


@of_every_kind
def test_a_cancelled_booking_lapses_its_trades(offer, mine, ana):
    cancel_booking(mine.pk, Actor.for_booking(ana, mine))
    lapsed(offer)


@of_every_kind
def test_a_moved_booking_lapses_its_trades_and_an_edited_one_does_not(
    offer, theirs, ben, soon, bookable
):
    actor = Actor.for_booking(ben, theirs)
    reschedule_booking(theirs.pk, actor, BookingChanges(title="Another title"))
    assert queries.get_status_now(offer.pk) == "offered"
    start = soon + 20 * HOUR
    reschedule_booking(theirs.pk, actor, bookable.move(start, start + HOUR))
    lapsed(offer)


@of_every_kind
def test_a_released_booking_lapses_its_trades(offer, mine):
    from api.lifecycle import BOOKING

    Booking.objects.filter(pk=mine.pk).update(no_show_at=Now())
    assert sweep(BOOKING.release, "release_no_shows") == 1
    lapsed(offer)


def test_a_trade_whose_time_has_come_cannot_be_answered_swept_or_not(offer, mine, theirs, ana, ben):
    Trade.objects.update(lapses_at=Now())
    before = state(offer, mine, theirs)
    for verb, user in (
        (trades.accept_trade, ben),
        (trades.reject_trade, ben),
        (trades.withdraw_trade, ana),
    ):
        with pytest.raises(errors.NotAllowedNow) as refused:
            verb(offer.pk, user)
        assert refused.value.current == TradeStatus.LAPSED
    assert state(offer, mine, theirs) == before


def test_an_offer_that_is_gone_is_not_emailed(offer, theirs, ana):
    trades.withdraw_trade(offer.pk, ana)
    with pytest.raises(Exception, match="the offer is withdrawn"):
        mailer.compose(Delivery.objects.get(name="trade_offered"), theirs)


def test_a_sweep_of_many_bookings_lapses_their_trades_in_a_constant_number_of_statements(
    booked, ana, ben, django_assert_max_num_queries
):
    from api.lifecycle import BOOKING

    for n in range(6):
        first, second = booked(ana, hours=2 * n), booked(ben, hours=2 * n + 1)
        trades.offer_trade(requester=ana, mine=first.pk, theirs=second.pk)
    Booking.objects.update(no_show_at=Now())
    with django_assert_max_num_queries(12):
        assert sweep(BOOKING.release, "release_no_shows") == 12
    assert sweep(TRADE.lapse, "lapse_trades") == 6


@of_every_kind
def test_who_lost_the_booking_by_a_trade_can_neither_cancel_nor_move_it(offer, mine, ana, ben):
    """Their role was read before the trade. Seen to cancel without the owner in the WHERE of
    `move_booking`, and to edit without `check_owner` in `lock_editable`, of every kind."""
    stale = Actor.for_booking(ana, mine)
    trades.accept_trade(offer.pk, ben)
    before = state(mine)
    with pytest.raises(errors.Forbidden):
        cancel_booking(mine.pk, stale)
    with pytest.raises(errors.Forbidden):
        reschedule_booking(mine.pk, stale, BookingChanges(title="Mine"))
    assert state(mine) == before


def test_a_forgotten_person_leaves_no_words_in_trades(offer, theirs, ana, ben):
    trades.reject_trade(offer.pk, ben, "Ben says no")
    erasure.erase_account(ana)
    kept = Trade.objects.get(pk=offer.pk)
    assert (kept.message, kept.response_message) == ("", "Ben says no")
    erasure.erase_account(ben)
    assert Trade.objects.get(pk=offer.pk).response_message == ""
