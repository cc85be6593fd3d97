"""Standing in line by the booking page, and answering an offer there."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client

from api.lifecycle import BOOKING
from api.models import Booking, Venue, WaitlistEntry
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.sweeps import sweep

from .test_venue_page import choose, page, press, read

pytestmark = pytest.mark.django_db

__all__ = ["choose", "page"]  # fixtures


@pytest.fixture
def signed_in(ben):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ben)
    return client


def test_a_taken_time_leads_to_the_line(page, signed_in, booked, ana, ben, court, soon, choose):
    booked(ana)
    text = read(signed_in.get(f"{page}?on={soon:%F}"))
    (link,) = re.findall(r'<a class="slot taken" href="([^"]+)"', text)
    form = read(signed_in.get(link.replace("&amp;", "&")))
    assert "Wait for it" in form
    url, fields = choose()
    answer = press(signed_in, url, **fields, action="wait")
    assert (answer.status_code, answer["Location"]) == (303, f"{page}bookings/")
    entry = WaitlistEntry.objects.get()
    assert (entry.owner, entry.resource, entry.from_at) == (ben, court, soon)
    assert press(signed_in, url, **fields, action="wait").status_code == 303  # pressed twice
    assert WaitlistEntry.objects.count() == 1
    mine = read(signed_in.get(f"{page}bookings/"))
    assert "Number 1 in line" in mine
    answer = press(signed_in, f"{page}bookings/", leave=entry.pk)
    assert answer.status_code == 303
    entry.refresh_from_db()
    assert entry.status == "withdrawn"
    other = Client()  # that page has no form any more
    other.force_login(ben)
    assert other.post(f"{page}bookings/", {"leave": entry.pk + 1}).status_code == 404
    assert other.post(f"{page}bookings/", {"leave": entry.pk}).status_code == 409


def test_nobody_stands_in_line_for_a_free_time_by_the_page(page, signed_in, court, choose):
    url, fields = choose()
    answer = press(signed_in, url, **fields, action="wait")
    assert answer.status_code == 409
    assert "is free" in read(answer)
    assert not WaitlistEntry.objects.exists()


def test_who_is_not_signed_in_is_asked_to(page, booked, ana, choose):
    booked(ana)
    url, fields = choose()
    client = Client()
    assert "Sign in to wait" in read(client.get(f"{url}&wait=1"))
    answer = client.post(url.partition("?")[0], fields | {"action": "wait"})
    assert answer.status_code == 302


@pytest.mark.parametrize(("action", "status"), [("accept", "confirmed"), ("decline", "cancelled")])
def test_an_offer_is_answered_on_its_page(
    page, signed_in, booked, ana, ben, choose, action, status
):
    taken = booked(ana)
    url, fields = choose()
    press(signed_in, url, **fields, action="wait")
    cancel_booking(taken.pk, Actor.for_new_booking(ana))
    offer = Booking.objects.get(status="offered")
    where = f"{page}bookings/{offer.pk}/"
    text = read(signed_in.get(where))
    assert "An offer to you" in text
    assert "Cancel it" not in text
    assert press(signed_in, where, action=action).status_code == 303
    offer.refresh_from_db()
    assert offer.status == status
    again = Client()
    again.force_login(ben)
    assert again.post(where, {"action": "accept"}).status_code == 409


def test_a_taken_time_shows_the_line_and_no_form_to_book(page, signed_in, booked, ana, choose):
    booked(ana)
    url, _ = choose()
    text = read(signed_in.get(f"{url}&wait=1"))
    assert "Somebody has this time. Stand in line for it" in text
    assert "Book it" not in text
    guest = read(Client().get(f"{url}&wait=1"))
    assert "Guests cannot stand in line." in guest
    assert "Wait for it" not in guest


# any time of a day


@pytest.fixture
def full(venue, court, ana, soon, booked):
    """A day of two hours, both of them taken; the address of the page to wait for it."""
    Venue.objects.update(opens_at="09:00", closes_at="11:00")
    return [booked(ana), booked(ana, 1)]


def get_wait_link(client, page, soon):
    text = read(client.get(f"{page}?on={soon:%Y-%m-%d}"))
    assert "Nothing is free on this day." in text
    (link,) = re.findall(r'<a href="([^"]+)"[^>]*>Wait for any time of it', text)
    return link.replace("&amp;", "&")


def test_a_full_day_leads_to_the_line_for_any_time_of_it(page, signed_in, full, ben, court, soon):
    link = get_wait_link(signed_in, page, soon)
    text = read(signed_in.get(link))
    assert 'name="since" value="09:00"' in text
    assert 'name="until" value="11:00"' in text
    fields = {"place": court.pk, "minutes": 60, "on": f"{soon:%Y-%m-%d}"}
    sent = fields | {"since": "09:30", "until": "11:00"}
    for _ in range(2):  # pressed twice
        answer = press(signed_in, link, **sent)
        assert (answer.status_code, answer["Location"]) == (303, f"{page}bookings/")
    entry = WaitlistEntry.objects.get()
    half_past, eleven = soon + timedelta(minutes=30), soon + timedelta(hours=2)
    assert (entry.owner, entry.resource, entry.duration) == (ben, court, timedelta(hours=1))
    assert (entry.from_at, entry.until_at) == (half_past, eleven)
    assert "Number 1 in line" in read(signed_in.get(f"{page}bookings/"))
    cancel_booking(full[1].pk, Actor.for_new_booking(full[1].owner))
    offer = Booking.objects.get(status="offered")
    assert offer.starts_at == soon + timedelta(hours=1)
    mine = read(signed_in.get(f"{page}bookings/"))
    assert "Offered to you" in mine
    assert "Take it or leave it by" in mine
    assert "(UTC)" in mine


def test_midnight_and_what_is_after_it_end_on_the_next_day(page, signed_in, full, court, soon):
    Venue.objects.update(hours_enforced=False)
    fields = {"place": court.pk, "minutes": 60, "on": f"{soon:%Y-%m-%d}"}
    link = get_wait_link(signed_in, page, soon)
    answer = press(signed_in, link, **fields, since="23:00", until="00:00")
    assert answer.status_code == 409  # free
    assert not WaitlistEntry.objects.exists()
    assert "23:00 to 00:00" in read(answer)
    answer = press(signed_in, link, **fields, since="10:00", until="09:00")
    after = soon + timedelta(hours=2)  # the free times of a day are named with it
    assert f"{after:%a} {after.day} {after:%b}, 11:00 to 12:00</a>" in read(answer)


def test_who_waits_for_some_of_it_reads_that_nothing_was_added(page, signed_in, full, court, soon):
    link = get_wait_link(signed_in, page, soon)
    fields = {"place": court.pk, "minutes": 60, "on": f"{soon:%Y-%m-%d}"}
    narrow, wide = {"since": "09:00", "until": "10:00"}, {"since": "09:00", "until": "11:00"}
    assert press(signed_in, link, **fields, **narrow).status_code == 303
    for changed in (wide, narrow | {"minutes": 30}):
        answer = press(signed_in, link, **fields | changed)
        assert answer.status_code == 409
        assert "You wait already for times that overlap with these." in read(answer)
    assert WaitlistEntry.objects.get().until_at == soon + timedelta(hours=1)


def test_a_day_with_free_times_names_them_instead(page, signed_in, full, court, soon):
    link = get_wait_link(signed_in, page, soon)
    full[0].delete()
    fields = {"place": court.pk, "minutes": 60, "on": f"{soon:%Y-%m-%d}"}
    answer = press(signed_in, link, **fields, since="09:00", until="11:00")
    text = read(answer)
    assert answer.status_code == 409
    assert "A time that fits is free now. Book it." in text
    assert "09:00 to 10:00</a>" in text
    assert not WaitlistEntry.objects.exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"since": "", "until": "11:00"}, "This field is required."),
        ({"since": "soon", "until": "11:00"}, "Enter a valid time."),
        ({"since": "10:30", "until": "11:00"}, "The window is shorter than the duration."),
    ],
)
def test_a_window_that_cannot_be_says_why(page, signed_in, full, court, soon, fields, message):
    link = get_wait_link(signed_in, page, soon)
    sent = {"place": court.pk, "minutes": 60, "on": f"{soon:%Y-%m-%d}"} | fields
    answer = press(signed_in, link, **sent)
    assert answer.status_code == 400
    assert message in read(answer)
    assert not WaitlistEntry.objects.exists()


def test_guests_read_why_they_cannot_wait(page, full, court, soon):
    link = get_wait_link(Client(), page, soon)
    text = read(Client().get(link))
    assert "Guests cannot stand in line." in text
    assert "Sign in to wait" in text
    assert "Stand in line" not in text
    fields = {"place": court.pk, "minutes": 60, "on": f"{soon:%Y-%m-%d}"}
    answer = Client().post(link.partition("?")[0], fields)
    assert (answer.status_code, answer["Location"].startswith("/account/login/")) == (302, True)


def test_the_address_of_nothing_is_not_there(page, signed_in, court):
    for query in ("", "?place=999&on=2030-01-01", f"?place={court.pk}", f"?place={court.pk}&on=x"):
        assert signed_in.get(f"{page}wait/{query}").status_code == 404


@pytest.mark.parametrize(
    ("action", "message"),
    [("decline", "You have left it to the others."), ("", "The offer has run out.")],
)
def test_an_offer_that_was_not_taken_says_what_became_of_it(
    page, signed_in, booked, ana, choose, action, message
):
    taken = booked(ana)
    url, fields = choose()
    press(signed_in, url, **fields, action="wait")
    cancel_booking(taken.pk, Actor.for_new_booking(ana))
    offer = Booking.objects.get(status="offered")
    where = f"{page}bookings/{offer.pk}/"
    if action:
        press(signed_in, where, action=action)
    else:
        Booking.objects.filter(pk=offer.pk).update(offer_expires_at=Now())
        sweep(BOOKING.lapse_offer, "lapse_offers")
    assert message in read(signed_in.get(where))


def test_an_offer_of_somebody_else_is_not_there(page, signed_in, booked, ana, choose):
    taken = booked(ana)
    url, fields = choose()
    press(signed_in, url, **fields, action="wait")
    cancel_booking(taken.pk, Actor.for_new_booking(ana))
    offer = Booking.objects.get(status="offered")
    client = Client()
    client.force_login(ana)
    where = f"{page}bookings/{offer.pk}/"
    assert client.post(where, {"action": "accept"}).status_code == 404
    assert offer.offer_expires_at - offer.created_at <= timedelta(hours=1)
