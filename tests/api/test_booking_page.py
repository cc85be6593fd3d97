"""What staff do on a booking's page and on the board of its venue: the verbs that its status
allows, in the venue's time, by the same services as everywhere."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from api.models import Booking, BookingEvent, Delivery, Payment, Refund, Resource
from api.models.venues import Approval

pytestmark = pytest.mark.django_db


@pytest.fixture
def at_desk(sam):
    client = Client()
    client.force_login(sam)
    return client


@pytest.fixture
def lima(venue):
    """Five hours behind UTC, the whole year."""
    venue.time_zone = "America/Lima"
    venue.save()
    return venue


def page(booking: Booking) -> str:
    return f"/admin/api/booking/{booking.pk}/change/"


def act(client: Client, booking: Booking, **form: str):
    answer = client.post(f"/admin/bookings/{booking.pk}/act/", form, follow=True)
    booking.refresh_from_db()
    return " ".join(str(message) for message in answer.context["messages"])


def list_verbs(client: Client, booking: Booking) -> set[str]:
    return set(re.findall(r'name="verb" value="(\w+)"', client.get(page(booking)).content.decode()))


def test_a_page_offers_what_its_status_allows(at_desk, venue, ana, booked):
    confirmed = booked(ana)
    assert list_verbs(at_desk, confirmed) == {"check_in", "end", "reject", "cancel", "move"}
    act(at_desk, confirmed, verb="cancel", reason="The roof leaks")
    assert confirmed.status == "cancelled"
    assert list_verbs(at_desk, confirmed) == set()
    venue.approval = Approval.ALWAYS
    venue.save()
    pending = booked(ana, hours=5)
    assert list_verbs(at_desk, pending) == {"approve", "reject", "cancel", "move"}


def test_a_reason_reaches_the_history_and_the_letter(at_desk, sam, ana, booked):
    booking = booked(ana)
    act(at_desk, booking, verb="cancel", reason="The roof leaks")
    event = BookingEvent.objects.filter(booking=booking).latest("id")
    assert (event.verb, event.by, event.actor) == ("cancel", "staff", sam)
    assert event.details["reason"] == "The roof leaks"
    assert Delivery.objects.filter(booking=booking, name="cancelled").exists()


def test_a_move_is_typed_in_the_time_of_the_venue(at_desk, lima, court, ana, booked):
    booking = booked(ana)
    here = booking.starts_at - timedelta(hours=5)
    text = at_desk.get(page(booking)).content.decode()
    assert f'value="{here:%Y-%m-%dT%H:%M}"' in text
    later = here + timedelta(hours=2)
    before = booking.starts_at
    said = act(at_desk, booking, verb="move", starts_at=f"{later:%Y-%m-%dT%H:%M}")
    assert booking.starts_at == before + timedelta(hours=2)
    assert booking.ends_at == booking.starts_at + timedelta(hours=1)
    assert f"{later:%H:%M}" in said


def test_the_form_of_a_booking_is_in_the_time_of_the_venue_too(at_desk, lima, court, ana, soon):
    form = {"owner": ana.pk, "resource": court.pk, "title": "", "notes": "", "guests": 1}
    form |= {"starts_at_0": f"{soon:%Y-%m-%d}", "starts_at_1": "10:00"}
    form |= {"ends_at_0": f"{soon:%Y-%m-%d}", "ends_at_1": "11:00"}
    assert at_desk.post("/admin/api/booking/add/", form).status_code == 302
    booking = Booking.objects.get()
    assert (booking.starts_at.hour, booking.starts_at.date()) == (15, soon.date())
    assert 'value="10:00' in at_desk.get(page(booking)).content.decode()


def test_what_is_refused_is_said_and_changes_nothing(at_desk, ana, ben, booked):
    first, second = booked(ana), booked(ben, hours=3)
    before = second.starts_at
    said = act(at_desk, second, verb="move", starts_at=f"{first.starts_at:%Y-%m-%dT%H:%M}")
    assert said == "The slot is already booked."
    assert second.starts_at == before
    assert act(at_desk, second, verb="approve")
    assert act(at_desk, second, verb="move", starts_at="soon") == "That is not a time."
    assert act(at_desk, second, verb="dance") == "That was not understood."
    assert second.status == "confirmed"


def test_a_refund_is_in_units_and_given_once(at_desk, sam, ana, booked):
    booking = booked(ana)
    Booking.objects.filter(pk=booking.pk).update(
        price_minor=5000, currency="eur", payment_status="succeeded"
    )
    Payment.objects.create(
        booking=booking, amount_minor=5000, currency="eur", status="succeeded", intent_id="pi_1"
    )
    assert "50.00 EUR" in at_desk.get(page(booking)).content.decode()
    form = {"verb": "refund", "amount": "12.50", "key": "once", "reason": "Cold studio"}
    assert act(at_desk, booking, **form) == "12.50 EUR goes back."
    act(at_desk, booking, **form)
    assert [(row.amount_minor, row.by) for row in Refund.objects.all()] == [(1250, sam)]
    assert "small coins" in act(at_desk, booking, verb="refund", amount="0.001", key="two")


def test_only_staff_act(client, ana, ben, booked):
    booking = booked(ana)
    for person in (None, ben, ana):
        if person:
            client.force_login(person)
        answer = client.post(f"/admin/bookings/{booking.pk}/act/", {"verb": "cancel"})
        assert answer["Location"].startswith("/admin/login/")
    booking.refresh_from_db()
    assert booking.status == "confirmed"


# the board


def test_the_board_shows_the_day_and_the_week_of_a_venue(at_desk, lima, court, ana, booked):
    booking = booked(ana)
    here = booking.starts_at - timedelta(hours=5)
    Resource.objects.create(venue=lima, name="Court 2")
    for view in ("day", "week"):
        answer = at_desk.get(f"/admin/board/{lima.slug}/?view={view}&on={here:%Y-%m-%d}")
        text = answer.content.decode()
        assert answer.status_code == 200
        assert f'data-booking="{booking.pk}" data-from="{here:%Y-%m-%dT%H:%M}"' in text
        assert "Court 2" in text
    other = at_desk.get(f"/admin/board/{lima.slug}/?on={here + timedelta(days=9):%Y-%m-%d}")
    assert "data-booking" not in other.content.decode()


def test_the_form_of_the_board_moves_and_leads_back(at_desk, venue, court, ana, booked):
    booking = booked(ana)
    second = Resource.objects.create(venue=venue, name="Court 2")
    form = {"verb": "move", "booking": booking.pk, "resource": second.pk, "board": "?view=week"}
    form["starts_at"] = f"{booking.starts_at + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    answer = at_desk.post("/admin/bookings/move/", form)
    assert answer["Location"] == f"/admin/board/{venue.slug}/?view=week"
    booking.refresh_from_db()
    assert booking.resource == second


def test_a_board_that_is_none_is_not_found(at_desk, venue, ana):
    board = f"/admin/board/{venue.slug}/"
    for path in ("/admin/board/nothing/", f"{board}?view=year", f"{board}?on=soon"):
        assert at_desk.get(path).status_code == 404
    assert at_desk.get("/admin/board/")["Location"] == board
    assert at_desk.post("/admin/bookings/move/", {"booking": "x"}).status_code == 404
    assert Client().get(board)["Location"].startswith("/admin/login/")
