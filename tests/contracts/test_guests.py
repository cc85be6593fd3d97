"""What a guest has booked is printed by every contract in its own shape of an owner, with no id."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from api.models import Booking, Guest, Resource
from api.services.accounts import links, tokens
from api.services.bookings import guests
from api.services.bookings.create import BookingRequest
from api.services.venues import venues

pytestmark = pytest.mark.django_db

NAME, EMAIL = "Gus Example", "gus@example.com"


@pytest.fixture
def guest_booking(soon):
    """Confirmed by its guest, at that contract's venue, from noon there."""

    def make(contract):
        venue = venues.get_contract_venue(contract)
        place = Resource.objects.create(venue=venue, name="Place", capacity=4)
        start = (soon + timedelta(days=1)).astimezone(venue.zone).replace(hour=12)
        booking = guests.request_booking(
            BookingRequest(
                owner=Guest(NAME, EMAIL),
                resource=place.pk,
                starts_at=start,
                ends_at=start + timedelta(hours=1),
            )
        )
        booking.refresh_from_db()
        guests.confirm_guest_booking(links.build_guest_token(booking))
        return Booking.objects.get()

    return make


@pytest.fixture
def staff(ada):
    def sign_in(contract):
        client = APIClient()
        access = tokens.issue(ada, contract).access
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
        return client

    return sign_in


def test_primetime(guest_booking, staff):
    booking, client = guest_booking("primetime"), staff("primetime")
    (row,) = client.get("/primetime/api/reservations/").json()
    user = {"id": None, "email": EMAIL, "first_name": "", "last_name": NAME, "role": "user"}
    assert {name: row["user"][name] for name in user if name in row["user"]} == {
        name: value for name, value in user.items() if name in row["user"]
    }
    assert row["can_be_traded"] is False
    assert client.get(f"/primetime/api/reservations/{booking.pk}/").json() == row
    assert client.get("/primetime/api/reservations/?user=gus@").json() == [row]
    board = client.get("/primetime/api/reservations/dashboard/admin/").json()
    performers = {line["performed_by"]["email"] for line in board["recent_activity"]}
    assert performers == {EMAIL}
    day = f"?start_date={booking.starts_at:%Y-%m-%d}&end_date={booking.starts_at:%Y-%m-%d}"
    assert client.get(f"/primetime/api/reservations/calendar/{day}").status_code == 200


def test_barbershop(guest_booking, staff):
    booking, client = guest_booking("barbershop"), staff("barbershop")
    (row,) = client.get("/barbershop/api/reservations/").json()
    assert (row["customer"], row["customer_name"]) == (None, NAME)
    details = row["customer_details"]
    assert (details["id"], details["email"]) == (None, EMAIL)
    assert (details["is_admin"], details["is_staff_member"]) == (False, False)
    assert client.get(f"/barbershop/api/reservations/{booking.pk}/").json() == row
    done = client.patch(f"/barbershop/api/reservations/{booking.pk}/", {"status": "confirmed"})
    assert (done.status_code, done.json()["status"]) == (200, "confirmed")
    assert client.delete(f"/barbershop/api/reservations/{booking.pk}/").status_code == 204


def test_circletime(guest_booking, staff):
    booking, client = guest_booking("circletime"), staff("circletime")
    shown = client.get(f"/circletime/api/bookings/{booking.pk}").json()["data"]
    assert shown["organizer"] == {"id": None, "name": NAME, "email": EMAIL}
    day = f"{booking.starts_at:%Y-%m-%d}"
    rows = client.get(f"/circletime/api/rooms/{booking.resource_id}/bookings?date={day}").json()
    assert rows["data"] == [shown]
    period = f"start_date={day}&end_date={day}"
    for name in ("ghosting/departments", "export", "kpi", "utilization", "capacity"):
        answer = client.get(f"/circletime/api/analytics/{name}?{period}")
        assert answer.status_code in (200, 404), name
        if name == "export":
            assert NAME in answer.content.decode()


def test_resources(guest_booking, ada):
    booking, client = guest_booking("resources"), APIClient()
    token = Token.objects.create(user=ada)
    client.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")
    row = client.get(f"/resources/api/bookings/{booking.pk}/").json()
    assert (row["user"], row["username"]) == (None, EMAIL)


def test_paidrooms(guest_booking, staff):
    booking, client = guest_booking("paidrooms"), staff("paidrooms")
    found = client.get(f"/paidrooms/api/bookings/{booking.pk}/").json()
    row = found.get("booking", found)
    assert (row["user_id"], row["user_name"], row["user_email"]) == (None, NAME, EMAIL)
