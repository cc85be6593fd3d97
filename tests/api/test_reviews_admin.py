"""Bookings under review on the admin's first page: each is kept, moved or cancelled there."""

from datetime import timedelta

import pytest
from django.test import Client

from api.models import Booking, Closure, Resource, Review
from api.services.venues import exceptions, venues

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def closed(booked, ana, venue, soon):
    """A booking in a closure; the venue is nine hours ahead of UTC."""
    venues.update_venue(venue, {"time_zone": "Asia/Tokyo"})
    booking = booked(ana, title="Practice")
    exceptions.create_exception(venue, {"first_on": soon.date(), "last_on": soon.date()})
    return booking


@pytest.fixture
def desk(sam):
    client = Client()
    client.force_login(sam)
    return client


def decide(desk, **more):
    typed = {"review": Review.objects.get().pk, "reason": "Storm", **more}
    return desk.post("/admin/review/", typed, follow=True).content.decode()


def test_the_first_page_lists_what_is_under_review(desk, closed, soon):
    page = desk.get("/admin/").content.decode()
    for text in (
        "Under review",
        "Closed on that day.",
        "18:00–19:00",
        f'value="{soon:%Y-%m-%d}T18:00"',
    ):
        assert text in page
    exceptions.delete_exception(Closure.objects.get(venue=closed.venue))
    assert "Under review" not in desk.get("/admin/").content.decode()


@pytest.mark.parametrize(("decision", "status"), [("keep", "confirmed"), ("cancel", "cancelled")])
def test_a_booking_is_kept_or_cancelled_there(desk, closed, sam, decision, status):
    assert f"Done: booking {closed.pk}." in decide(desk, decision=decision)
    assert Booking.objects.get().status == status
    review = Review.objects.get()
    assert (review.decision, review.reason, review.decided_by) == (decision, "Storm", sam)
    assert "It is under review no more." in decide(desk, decision=decision)


def test_a_booking_is_moved_there_by_the_venues_clock(desk, closed, court, soon):
    place = Resource.objects.create(venue=court.venue, name="Court 2")
    on = soon.date() + DAY
    times = {"starts_at": f"{on}T09:00", "ends_at": f"{on}T10:30", "resource": place.pk}
    assert f"Done: booking {closed.pk}." in decide(desk, decision="move", **times)
    booking = Booking.objects.get()
    starts_at, ends_at = (
        t.astimezone(court.venue.zone) for t in (booking.starts_at, booking.ends_at)
    )
    assert (f"{starts_at:%F %H:%M}", f"{ends_at:%H:%M}") == (f"{on} 09:00", "10:30")
    assert booking.resource == place


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"decision": "keep", "reason": ""}, "Give a reason."),
        ({"decision": "forget"}, "Give a reason."),
        ({"decision": "move", "starts_at": "", "ends_at": "x"}, "That is not a time."),
    ],
)
def test_what_is_typed_wrong_changes_nothing(desk, closed, typed, said):
    assert said in decide(desk, **typed)
    assert (Review.objects.get().decided_at, Booking.objects.get().version) == (None, 1)


def test_a_stranger_decides_nothing(closed, ana):
    client = Client()
    client.force_login(ana)
    client.post("/admin/review/", {"review": Review.objects.get().pk, "decision": "keep"})
    assert Review.objects.get().decided_at is None
