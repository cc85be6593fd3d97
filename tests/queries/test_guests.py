"""Guests wherever bookings are read: panels, figures, dashboards, the admin."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client

from api.models import Booking, Guest
from api.queries.analytics import breakdowns, no_shows
from api.queries.panels import panels
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.operations.invariants import list_problems

pytestmark = pytest.mark.django_db

GUS = Guest("Gus Example", "gus@example.com")


@pytest.fixture
def guest_booking(court, soon, ana):
    def make(hours=0, guest=GUS):
        start = soon + timedelta(hours=hours)
        times = {"starts_at": start, "ends_at": start + timedelta(hours=1)}
        booking = create_booking(
            BookingRequest(owner=guest, resource=court.pk, attendees=[ana], **times),
            actor=Actor.clock("test"),
        )
        Booking.objects.filter(pk=booking.pk).update(guest_confirmed_at=Now())
        return booking

    return make


def test_a_panel_shows_the_guest(guest_booking, court):
    booking = guest_booking()
    hour = timedelta(hours=1)
    Booking.objects.filter(pk=booking.pk).update(
        starts_at=Now() - hour / 2, ends_at=Now() + hour / 2
    )
    current = panels.get_state(court.pk)["current"]
    assert (current["organizer"], current["organizer_email"]) == (GUS.name, GUS.email)
    assert current["people"] == 2


def test_guests_who_do_not_come_are_listed_by_their_address(guest_booking, sam):
    for n in range(3):
        guest_booking(hours=2 * n)
    guest_booking(hours=8, guest=Guest("Once", "once@example.com"))
    Booking.objects.update(status="no_show", starts_at=Now() - timedelta(days=1))
    (row,) = no_shows.list_repeated(sam)
    assert (row["person"].pk, row["person"].name, row["person"].email, row["times"]) == (
        None,
        GUS.name,
        GUS.email,
        3,
    )


def test_guests_count_among_those_without_a_department(guest_booking, venue):
    on = guest_booking().starts_at.date()
    (row,) = breakdowns.compute_departments(venue, on, on, "None")
    assert (row["department"], row["total_bookings"]) == ("None", 1)
    (row,) = breakdowns.list_counted_bookings(venue, on, on)
    assert row["organizer"] == GUS.name


def test_the_admin_names_the_guest_and_hides_what_the_link_is_made_of(guest_booking, ada):
    booking = guest_booking()
    booking.refresh_from_db()
    browser = Client()
    browser.force_login(ada)
    for path in (
        "/admin/",
        "/admin/api/booking/",
        "/admin/api/booking/?q=gus@example.com",
        f"/admin/api/booking/{booking.pk}/change/",
    ):
        page = browser.get(path)
        assert page.status_code == 200
        assert booking.guest_link not in page.content.decode()
    assert GUS.email in browser.get("/admin/api/booking/").content.decode()
    assert GUS.email in page.content.decode()


def test_the_rows_are_sound(guest_booking):
    guest_booking()
    assert [line for line in list_problems() if "history" not in line] == []
