"""Standing in line by the booking page, and answering an offer there."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from api.models import Booking, WaitlistEntry
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking

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
