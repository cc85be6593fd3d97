"""README, "Trade requests"."""

import pytest
from django.db.models.functions import Now

from api.models import Booking, Trade
from api.services.actors import Actor
from api.services.bookings import trades
from api.services.bookings.actions import cancel_booking

from .conftest import somebody, stamp

pytestmark = pytest.mark.django_db
PATH = "/reservations/trades/"
GONE = {"error": "Trade request not found or already processed"}
ACTION = {"error": 'Action must be either "accept" or "reject"'}


@pytest.fixture
def mine(take, ana):
    return take(ana)


@pytest.fixture
def theirs(take, ben):
    return take(ben, 12, notes="Bring balls", title="Lesson")


@pytest.fixture
def offered(mine, theirs, ana):
    return trades.offer_trade(requester=ana, mine=mine.pk, theirs=theirs.pk, message="Please?")


def whole(trade, mine, theirs, **other):
    """The object, with the reservations as they are told."""
    trade.refresh_from_db()
    return {
        "id": trade.pk,
        "requester": somebody(trade.requester),
        "target_user": somebody(trade.target),
        "requester_reservation": mine,
        "target_reservation": theirs,
        "status": "PENDING",
        "status_display": "Pending",
        "message": "Please?",
        "response_message": "",
        "created_at": stamp(trade.created_at),
        "updated_at": stamp(trade.updated_at),
        "responded_at": stamp(trade.responded_at),
        **other,
    }


def test_a_trade_is_offered_and_shows_who_and_when_but_not_what_for(
    call, mine, theirs, ana, ben, shape
):
    sent = {
        "requester_reservation_id": mine.pk,
        "target_reservation_id": theirs.pk,
        "message": "Please?",
    }
    status, made = call(ana)("POST", PATH, sent)
    trade = Trade.objects.get()
    assert (status, made) == (201, whole(trade, shape(mine), shape(theirs)))
    assert call(ana)("GET", f"{PATH}{trade.pk}/") == (200, made)
    known = shape(theirs, notes="Bring balls", booking_name="Lesson")
    seen = whole(trade, shape(mine), known)
    assert call(ben)("GET", f"{PATH}{trade.pk}/") == (200, seen)
    assert call(ana)("GET", PATH) == (200, {"sent_requests": [made], "received_requests": []})
    assert call(ben)("GET", PATH) == (200, {"sent_requests": [], "received_requests": [seen]})


def test_accepting_swaps_the_owners(call, offered, mine, theirs, ana, ben, shape):
    path = f"{PATH}{offered.pk}/"
    status, made = call(ben)("POST", path, {"action": "accept"})
    now_theirs = shape(mine, notes="Bring balls", booking_name="Lesson")
    assert now_theirs["user"] == somebody(ben)
    done = {"status": "ACCEPTED", "status_display": "Accepted"}
    assert (status, made) == (200, whole(offered, now_theirs, shape(theirs), **done))
    assert made["target_reservation"]["user"] == somebody(ana)
    assert made["responded_at"] is not None
    assert [row["id"] for row in call(ana)("GET", "/reservations/")[1]] == [theirs.pk]
    assert [row["id"] for row in call(ben)("GET", "/reservations/")[1]] == [mine.pk]


def test_rejecting_says_why_and_swaps_nothing(call, offered, mine, theirs, ana, ben, shape):
    sent = {"action": "reject", "response_message": "I need it"}
    status, made = call(ben)("POST", f"{PATH}{offered.pk}/", sent)
    known = shape(theirs, notes="Bring balls", booking_name="Lesson")
    done = {"status": "REJECTED", "status_display": "Rejected", "response_message": "I need it"}
    assert (status, made) == (200, whole(offered, shape(mine), known, **done))
    assert (mine.owner, theirs.owner) == (ana, ben)


def test_only_the_person_asked_answers(call, offered, mine, theirs, ana, sam, shape):
    path, before = f"{PATH}{offered.pk}/", (shape(mine), shape(theirs))
    said = {"error": "Only the person who was asked can answer a trade request"}
    assert call(ana)("POST", path, {"action": "accept"}) == (403, said)
    assert call(None)("POST", path, {"action": "accept"}) == (401, None)
    for pk in (offered.pk, 2**62, 2**70):
        assert call(sam)("POST", f"{PATH}{pk}/", {"action": "accept"}) == (404, GONE)
        assert call(sam)("GET", f"{PATH}{pk}/") == (404, GONE)
    assert (shape(mine), shape(theirs)) == before
    assert Trade.objects.get().status == "offered"


def test_a_trade_is_answered_once(call, offered, mine, theirs, ben, shape):
    path = f"{PATH}{offered.pk}/"
    assert call(ben)("POST", path, {"action": "accept"})[0] == 200
    before = (shape(mine), shape(theirs))
    for action in ("accept", "reject"):
        assert call(ben)("POST", path, {"action": action}) == (400, GONE)
    assert (shape(mine), shape(theirs)) == before


@pytest.mark.parametrize(
    "sent", [{}, {"action": "maybe"}, {"action": None}, {"action": ["accept"]}]
)
def test_an_answer_is_yes_or_no(call, offered, ben, sent):
    assert call(ben)("POST", f"{PATH}{offered.pk}/", sent) == (400, ACTION)
    assert Trade.objects.get().status == "offered"


def refused(call, user, mine, theirs):
    sent = {"requester_reservation_id": mine, "target_reservation_id": theirs}
    status, said = call(user)("POST", PATH, sent)
    assert (status, set(said)) == (400, {"non_field_errors"})
    assert not Trade.objects.exists()
    return said["non_field_errors"][0]


def test_a_trade_needs_ones_own_reservation_and_somebody_elses(call, mine, theirs, take, ana, ben):
    other = take(ana, 14)
    assert refused(call, ben, mine.pk, theirs.pk) == "Invalid requester reservation"
    assert refused(call, ana, 0, theirs.pk) == "Invalid requester reservation"
    assert refused(call, ana, mine.pk, 2**62) == "Invalid target reservation"
    assert refused(call, ana, mine.pk, mine.pk) == "Invalid target reservation"
    assert refused(call, ana, mine.pk, other.pk) == "Invalid target reservation"


def test_only_what_is_confirmed_and_ahead_is_traded(call, mine, theirs, take, ana, ben, sam):
    waiting = take(ben, 17)
    assert refused(call, ana, mine.pk, waiting.pk) == "Target reservation cannot be traded"
    assert refused(call, ben, waiting.pk, mine.pk) == "Your reservation cannot be traded"
    cancel_booking(theirs.pk, Actor.for_booking(ben, theirs))
    assert refused(call, ana, mine.pk, theirs.pk) == "Target reservation cannot be traded"
    staffs = take(sam, 14)
    assert refused(call, ana, mine.pk, staffs.pk) == "Target reservation cannot be traded"
    assert call(sam)("GET", f"/reservations/{staffs.pk}/")[1]["can_be_traded"] is False


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (
            {},
            {
                "requester_reservation_id": ["This field is required."],
                "target_reservation_id": ["This field is required."],
            },
        ),
        (
            {"requester_reservation_id": "one", "target_reservation_id": 2**63},
            {
                "requester_reservation_id": ["A valid integer is required."],
                "target_reservation_id": [
                    "Ensure this value is less than or equal to 9223372036854775807."
                ],
            },
        ),
    ],
)
def test_a_malformed_trade_is_refused(call, site, ana, sent, said):
    assert call(ana)("POST", PATH, sent) == (400, said)


def test_the_same_trade_stands_once(call, offered, mine, theirs, ana):
    sent = {"requester_reservation_id": mine.pk, "target_reservation_id": theirs.pk}
    said = {"error": "You have offered this trade already."}
    assert call(ana)("POST", PATH, sent) == (400, said)
    assert Trade.objects.count() == 1


def test_a_trade_whose_reservation_is_cancelled_reads_as_cancelled(call, offered, mine, ana, ben):
    cancel_booking(mine.pk, Actor.for_booking(ana, mine))
    path = f"{PATH}{offered.pk}/"
    made = call(ben)("GET", path)[1]
    assert (made["status"], made["status_display"]) == ("CANCELLED", "Cancelled")
    assert call(ben)("POST", path, {"action": "accept"}) == (400, GONE)


def test_the_list_costs_the_same_however_long_it_is(
    call, take, ana, ben, django_assert_max_num_queries
):
    for n in range(5):
        first, second = take(ana, 7 + n), take(ben, 12 + n)
        if n < 5 and second.status == "confirmed":
            trades.offer_trade(requester=ana, mine=first.pk, theirs=second.pk)
    mine = call(ana)
    with django_assert_max_num_queries(3):
        assert len(mine("GET", PATH)[1]["sent_requests"]) == 5


def test_a_trade_on_a_reservation_that_has_begun_is_over_before_its_sweep(call, offered, ben):
    Trade.objects.update(lapses_at=Now())
    path = f"{PATH}{offered.pk}/"
    assert call(ben)("GET", path)[1]["status"] == "CANCELLED"
    assert call(ben)("POST", path, {"action": "reject"}) == (400, GONE)
    assert Booking.objects.filter(status="confirmed").count() == 2


def test_what_belongs_to_another_venue_is_nobodys_here(call, mine, theirs, booked, ana, ben):
    """A trade of two other bookings would be in no list of this frontend."""
    first, second = booked(ana), booked(ben, hours=2)
    assert refused(call, ana, first.pk, second.pk) == "Invalid requester reservation"
    assert refused(call, ana, mine.pk, second.pk) == "Invalid target reservation"
    trade = trades.offer_trade(requester=ana, mine=first.pk, theirs=second.pk)
    for method, body in (("GET", None), ("POST", {"action": "accept"})):
        assert call(ben)(method, f"{PATH}{trade.pk}/", body) == (404, GONE)
    assert Trade.objects.get().status == "offered"


def test_who_may_answer_is_looked_at_before_what_is_answered(call, offered, ana, person):
    said = {"action": "perhaps"}
    assert call(person("eve"))("POST", f"{PATH}{offered.pk}/", said) == (404, GONE)
    assert call(ana)("POST", f"{PATH}{offered.pk}/", said)[0] == 403
