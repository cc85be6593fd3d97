"""Bookings are answered whole, with exact values; so is their history."""

import pytest
from django.db.models.functions import Now

from api.models import Booking, BookingEvent

from .shapes import API, HOUR, whole, z

pytestmark = pytest.mark.django_db


def test_a_booking_is_answered_whole_when_it_is_made_read_listed_and_moved(
    client_of, get, ana, ben, court, soon
):
    made = client_of(ana).post(
        f"{API}bookings/",
        {
            "resource": court.pk,
            "starts_at": soon.isoformat(),
            "ends_at": (soon + HOUR).isoformat(),
            "title": "Practice",
            "notes": "Bring balls",
            "guests": 2,
            "attendees": [ben.pk],
        },
    )
    assert made.status_code == 201
    booking = Booking.objects.get()
    assert made.json() == whole(booking)
    assert (booking.starts_at, booking.title, booking.guests) == (soon, "Practice", 2)
    assert booking.contract == "v1"
    assert get(f"bookings/{booking.pk}/") == whole(booking)
    assert get("bookings/") == {"next": None, "previous": None, "results": [whole(booking)]}
    moved = client_of(ana).patch(
        f"{API}bookings/{booking.pk}/", {"ends_at": (soon + 2 * HOUR).isoformat()}
    )
    booking.refresh_from_db()
    assert moved.json() == whole(booking)
    assert booking.ends_at == soon + 2 * HOUR


def test_a_time_may_be_given_with_any_offset(client_of, ana, court, soon):
    berlin = (soon + HOUR).replace(tzinfo=None).isoformat() + "+01:00"
    answer = client_of(ana).post(
        f"{API}bookings/", {"resource": court.pk, "starts_at": berlin, "ends_at": z(soon + HOUR)}
    )
    assert answer.status_code == 201
    assert (answer.json()["starts_at"], answer.json()["ends_at"]) == (z(soon), z(soon + HOUR))
    assert Booking.objects.get().starts_at == soon


def test_the_timeline_says_who_what_when_and_why(client_of, get, booked, ana, sam):
    booking = booked(ana)
    client_of(sam).post(f"{API}bookings/{booking.pk}/reject/", {"reason": "Rain"})
    events = BookingEvent.objects.order_by("-id")
    assert get(f"bookings/{booking.pk}/events/")["results"] == [
        {
            "id": events[0].pk,
            "verb": "reject",
            "from_status": "confirmed",
            "to_status": "rejected",
            "by": "staff",
            "actor": "Sam Example",
            "details": {"reason": "Rain"},
            "at": z(events[0].at),
        },
        {
            "id": events[1].pk,
            "verb": "book",
            "from_status": "",
            "to_status": "confirmed",
            "by": "owner",
            "actor": "Ana Example",
            "details": {"initial_status": "confirmed"},
            "at": z(events[1].at),
        },
    ]


def test_many_are_answered_at_once_each_with_its_result(client_of, booked, venue, ana, sam):
    venue.approval = "always"
    venue.save()
    first, second = booked(ana), booked(ana, hours=1)
    client_of(ana).post(f"{API}bookings/{first.pk}/cancel/")
    answer = client_of(sam).post(f"{API}bookings/approve/", {"ids": [first.pk, second.pk, 10**9]})
    assert answer.json() == {
        "results": [
            {
                "id": first.pk,
                "code": "wrong_status",
                "detail": "A booking that is cancelled cannot do that.",
            },
            {"id": second.pk, "status": "confirmed"},
            {"id": 10**9, "code": "not_found", "detail": "There is no such booking."},
        ]
    }


def test_checking_in_again_gets_the_same_answer(client_of, booked, ana):
    booking = booked(ana)
    Booking.objects.update(check_in_opens_at=Now())
    path = f"{API}bookings/{booking.pk}/check-in/"
    first, again = client_of(ana).post(path), client_of(ana).post(path)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert BookingEvent.objects.filter(verb="check_in").count() == 1
