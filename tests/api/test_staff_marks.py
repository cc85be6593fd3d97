"""What the staff site marks: bookings of a series, with the way to it, what is on offer, and who
waits for what."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.models import Booking, Membership, Resource, Venue
from api.models.venues import Approval
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.waitlist.entries import WaitlistRequest, join_waitlist

from .test_staff_site import site, text_of

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def series(client_of, ana, court, soon):
    """The id of one that begins soon."""
    body = {
        "resource": court.pk,
        "starts_at": soon.isoformat(),
        "ends_at": (soon + HOUR).isoformat(),
        "rule": "FREQ=WEEKLY;COUNT=3",
    }
    return client_of(ana).post("/api/v1/series/", body, format="json").json()["id"]


@pytest.fixture
def waits(soon):
    """Puts somebody in line for that resource, for an hour of three."""

    def make(person, place):
        request = WaitlistRequest(person, soon, soon + 3 * HOUR, HOUR, resource=place.pk)
        return join_waitlist(request)

    return make


def list_pages(court, soon):
    on = f"{soon:%Y-%m-%d}"
    return [
        f"/admin/board/club/?view=day&on={on}",
        f"/admin/board/club/?view=week&on={on}",
        f"/admin/api/resource/{court.pk}/week/?on={on}",
    ]


def shows_line(client, path):
    return 'id="line"' in client.get(path).content.decode()


def test_what_is_of_a_series_is_marked_and_leads_to_it(sam, series, booked, ana, court, soon):
    client, link = site(sam), f"/admin/api/series/{series}/change/"
    first = Booking.objects.filter(series=series).earliest("pk")
    board, board_of_week, week = list_pages(court, soon)
    for path in (board, board_of_week, "/admin/api/booking/", _get_page(first)):
        assert link in client.get(path).content.decode(), path
    assert f"One of series {series}" in client.get(week).content.decode()
    assert client.get(link).status_code == 200
    alone = booked(ana, 5)
    assert "/admin/api/series/" not in _get_form(client, alone)
    Booking.objects.filter(series=series).delete()
    for path in (board, "/admin/api/booking/"):
        assert link not in client.get(path).content.decode(), path


def _get_page(booking):
    return f"/admin/api/booking/{booking.pk}/change/"


def _get_form(client, booking):
    page = client.get(_get_page(booking)).content.decode()
    return page[page.index('id="booking_form"') :]


def test_requests_of_a_series_are_marked_on_the_dashboard(sam, venue, client_of, ana, court, soon):
    Venue.objects.update(approval=Approval.ALWAYS)
    body = {
        "resource": court.pk,
        "starts_at": soon.isoformat(),
        "ends_at": (soon + HOUR).isoformat(),
        "rule": "FREQ=WEEKLY;COUNT=3",
    }
    pk = client_of(ana).post("/api/v1/series/", body, format="json").json()["id"]
    page = site(sam).get("/admin/").content.decode()
    assert page.count(f'href="/admin/api/series/{pk}/change/"') == 3


def test_staff_see_who_waits_for_a_resource_on_a_day(
    sam, booked, ana, ben, person, court, soon, waits
):
    for path in list_pages(court, soon):
        assert not shows_line(site(sam), path), path
    taken = booked(ana, length=3)
    first, second = waits(ben, court), waits(person("cleo"), court)
    for path in list_pages(court, soon):
        page = site(sam).get(path)
        text = text_of(page)
        assert "Waitlist 2" in text, path
        window = f"{soon:%a} {soon.day} {soon:%b} 09:00–{soon:%a} {soon.day} {soon:%b} 12:00"
        assert f"1 Ben Example Court 1 {window}" in text, path
        assert f"2 Cleo Example Court 1 {window}" in text, path
        for entry in (first, second):
            link = f"/admin/api/waitlistentry/{entry.pk}/change/"
            assert link in page.content.decode()
            assert site(sam).get(link).status_code == 200
    cancel_booking(taken.pk, Actor.for_new_booking(ana))
    offers = Booking.objects.filter(status="offered").order_by("starts_at")
    assert [offer.owner for offer in offers] == [ben, second.owner]
    for path in list_pages(court, soon):
        page = site(sam).get(path)
        assert f"offered booking {offers[0].pk} , until" in text_of(page), path
        assert "s-offered" in page.content.decode()
    next_day = list_pages(court, soon + timedelta(days=8))
    assert not any(shows_line(site(sam), path) for path in next_day)


def test_who_waits_at_another_venue_is_nobody_of_ours(sam, booked, ana, ben, soon, waits, court):
    other = Venue.objects.create(slug="other", name="Other", max_advance=timedelta(days=60))
    hall = Resource.objects.create(venue=other, name="Hall")
    booked(ana, length=3, place=hall)
    waits(ben, hall)
    Membership.objects.filter(user=sam, venue=other).delete()
    for path in list_pages(court, soon):
        assert not shows_line(site(sam), path)
    assert site(sam).get("/admin/board/other/").status_code == 404


def test_the_board_costs_the_same_however_many_wait(
    sam, booked, ana, ben, person, court, soon, waits
):
    booked(ana, length=3)
    waits(ben, court)
    client, (board, _, week) = site(sam), list_pages(court, soon)
    counts = []
    for _ in range(2):
        for path in (board, week):
            client.get(path)
            with CaptureQueriesContext(
                connection,
            ) as found:
                client.get(path)
            counts.append(len(found))
        for name in ("cleo", "dan", "eve"):
            if not court.waitlist.filter(owner__first_name=name.title()).exists():
                waits(person(name), court)
    assert counts[:2] == counts[2:]


def test_a_series_and_who_waits_are_shown_in_the_time_of_their_venue(
    sam, series, ana, court, waits, booked
):
    Venue.objects.update(time_zone="Asia/Tokyo")
    client = site(sam)
    first = Booking.objects.filter(series=series).earliest("starts_at")
    local = first.starts_at.astimezone(ZoneInfo("Asia/Tokyo"))
    page = text_of(client.get(f"/admin/api/series/{series}/change/"))
    assert f"{local.day} {local:%b %Y %H:%M}" in page
    for hours in (1, 2):
        booked(ana, hours)
    waits(ana, court)
    assert f"{local:%a} {local.day} {local:%b %Y %H:%M}–" in text_of(
        client.get("/admin/api/waitlistentry/")
    )
