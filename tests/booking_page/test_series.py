"""Series on the booking page: a booking says that it is one of them, and all that follow go too."""

from __future__ import annotations

import pytest
from django.test import Client

from api.models import Booking
from api.services.bookings import trades

pytestmark = pytest.mark.django_db


@pytest.fixture
def own(ana):
    client = Client()
    client.force_login(ana)
    return client


@pytest.fixture
def rows(client_of, ana, court, soon):
    sent = {
        "resource": court.pk,
        "starts_at": soon.isoformat(),
        "ends_at": soon.replace(hour=10).isoformat(),
        "rule": "FREQ=WEEKLY;COUNT=4",
    }
    pk = client_of(ana).post("/api/v1/series/", sent, format="json").json()["id"]
    return Booking.objects.filter(series=pk).order_by("recurrence_id")


def test_a_booking_says_that_it_is_one_of_a_series(own, rows, venue, booked, ana):
    page = own.get(f"/book/{venue.slug}/bookings/{rows[1].pk}/").content.decode()
    assert "It is one of a series." in page
    assert 'name="following"' in page
    assert "one of a series" in own.get(f"/book/{venue.slug}/bookings/").content.decode()
    alone = booked(ana, 5)
    page = own.get(f"/book/{venue.slug}/bookings/{alone.pk}/").content.decode()
    assert "series" not in page


def test_it_is_cancelled_alone_or_with_those_that_follow(own, rows, venue):
    path = f"/book/{venue.slug}/bookings"
    own.post(f"{path}/{rows[0].pk}/", {"action": "cancel", "reason": ""})
    assert [row.status for row in rows] == ["cancelled"] + ["confirmed"] * 3
    own.post(f"{path}/{rows[2].pk}/", {"action": "cancel", "reason": "", "following": "1"})
    assert [row.status for row in rows.all()] == ["cancelled", "confirmed"] + ["cancelled"] * 2


def test_who_has_it_by_a_trade_cancels_it_alone(rows, venue, booked, ana, ben):
    given, got = rows[1], booked(ben, hours=30)
    trades.accept_trade(trades.offer_trade(requester=ana, mine=given.pk, theirs=got.pk).pk, ben)
    client = Client()
    client.force_login(ben)
    path = f"/book/{venue.slug}/bookings/{given.pk}/"
    assert 'name="following"' not in client.get(path).content.decode()
    client.post(path, {"action": "cancel", "reason": "", "following": "1"})
    assert [row.status for row in rows.all()] == ["confirmed", "cancelled"] + ["confirmed"] * 2
