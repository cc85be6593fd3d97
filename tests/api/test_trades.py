"""Trades over our own API."""

import pytest

from api.models import Booking, Trade
from api.services.bookings import trades

pytestmark = pytest.mark.django_db
PATH = "/api/v1/trades/"


@pytest.fixture
def pair(booked, ana, ben):
    return booked(ana, title="Practice"), booked(ben, hours=3, notes="Bring balls")


@pytest.fixture
def offered(pair, ana):
    return trades.offer_trade(requester=ana, mine=pair[0].pk, theirs=pair[1].pk)


def stamp(at):
    return at and at.isoformat().replace("+00:00", "Z")


def slot(booking):
    booking.refresh_from_db()
    return {
        "id": booking.pk,
        "resource": booking.resource_id,
        "resource_name": "Court 1",
        "venue": "club",
        "owner": booking.owner_id,
        "starts_at": stamp(booking.starts_at),
        "ends_at": stamp(booking.ends_at),
        "status": "confirmed",
    }


def whole(trade, mine, theirs, **other):
    trade.refresh_from_db()
    people = {
        side: {"id": user.pk, "name": user.name, "email": user.email}
        for side, user in (("requester", trade.requester), ("target", trade.target))
    }
    return {
        "id": trade.pk,
        **people,
        "requester_booking": slot(mine),
        "target_booking": slot(theirs),
        "status": "offered",
        "message": "",
        "response_message": "",
        "lapses_at": stamp(trade.lapses_at),
        "responded_at": stamp(trade.responded_at),
        "version": trade.version,
        "created_at": stamp(trade.created_at),
        "updated_at": stamp(trade.updated_at),
        **other,
    }


def test_a_trade_is_offered_listed_and_accepted(client_of, pair, ana, ben):
    mine, theirs = pair
    sent = {"requester_booking": mine.pk, "target_booking": theirs.pk, "message": "Please?"}
    made = client_of(ana).post(PATH, sent)
    trade = Trade.objects.get()
    expected = whole(trade, mine, theirs, message="Please?")
    assert (made.status_code, made.json()) == (201, expected)
    for user in (ana, ben):
        listed = client_of(user).get(PATH).json()
        assert listed == {"next": None, "previous": None, "results": [expected]}
        assert client_of(user).get(f"{PATH}{trade.pk}/").json() == expected
    done = client_of(ben).post(f"{PATH}{trade.pk}/accept/", {"message": "Fine"})
    said = {"message": "Please?", "response_message": "Fine", "status": "accepted"}
    assert (done.status_code, done.json()) == (200, whole(trade, mine, theirs, **said))
    assert (mine.owner, theirs.owner) == (ben, ana)


@pytest.mark.parametrize(
    ("verb", "by", "status"), [("reject", "ben", "rejected"), ("withdraw", "ana", "withdrawn")]
)
def test_a_trade_is_declined_or_taken_back_without_a_body(
    client_of, offered, pair, verb, by, status, request
):
    client = client_of(request.getfixturevalue(by))
    done = client.post(f"{PATH}{offered.pk}/{verb}/")
    assert (done.status_code, done.json()) == (200, whole(offered, *pair, status=status))
    again = client.post(f"{PATH}{offered.pk}/{verb}/")
    assert (again.status_code, again.json()["code"]) == (409, "already_done")


def test_only_the_two_people_see_a_trade_and_each_has_their_verbs(
    client_of, offered, ana, ben, sam
):
    path = f"{PATH}{offered.pk}/"
    assert client_of().get(path).status_code == 401
    assert client_of(sam).get(path).status_code == 404
    assert client_of(sam).get(PATH).json()["results"] == []
    for user, verb, code in (
        (ana, "accept", 403),
        (ana, "reject", 403),
        (ben, "withdraw", 403),
        (sam, "accept", 404),
        (sam, "withdraw", 404),
        (None, "accept", 401),
    ):
        assert client_of(user).post(f"{path}{verb}/").status_code == code
    assert Trade.objects.get().status == "offered"


@pytest.mark.parametrize("sent", [{}, [], "text", {"requester_booking": "x", "target_booking": 1}])
def test_a_malformed_offer_is_refused(client_of, pair, ana, sent):
    answer = client_of(ana).post(PATH, sent)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert not Trade.objects.exists()


def test_an_offer_of_what_is_not_ones_own_is_refused(client_of, pair, ana, ben):
    mine, theirs = pair
    answer = client_of(ben).post(PATH, {"requester_booking": mine.pk, "target_booking": theirs.pk})
    assert (answer.status_code, answer.json()["code"]) == (400, "trade_refused")
    assert answer.json()["detail"] == "This is not your booking."
    assert not Trade.objects.exists()


def test_the_same_key_offers_and_accepts_once(client_of, pair, ana, ben):
    mine, theirs = pair
    sent = {"requester_booking": mine.pk, "target_booking": theirs.pk}
    keyed = {"headers": {"Idempotency-Key": "one"}}
    first, again = (client_of(ana).post(PATH, sent, **keyed) for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    path = f"{PATH}{first.json()['id']}/accept/"
    first, again = (client_of(ben).post(path, {}, **keyed) for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert Booking.objects.get(pk=mine.pk).owner == ben


def test_a_list_costs_the_same_however_long_it_is(
    client_of, booked, ana, ben, django_assert_max_num_queries
):
    for n in range(5):
        first, second = booked(ana, hours=2 * n), booked(ben, hours=2 * n + 1)
        trades.offer_trade(requester=ana, mine=first.pk, theirs=second.pk)
    client = client_of(ana)
    with django_assert_max_num_queries(2):
        assert len(client.get(PATH).json()["results"]) == 5
