"""README, "Booking Service APIs": rooms and bookings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db.models.functions import Now
from rest_framework.test import APIClient

from api.models import Booking, Resource, Venue
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.venues import venues

pytestmark = pytest.mark.django_db

BASE = "/paidrooms/api/"


@pytest.fixture
def room(db):
    venue = venues.get_contract_venue("paidrooms")
    return Resource.objects.create(
        venue=venue,
        name="Conference Room A",
        description="Large conference room",
        price_minor=5000,
        capacity=10,
        amenities=["WiFi", "Projector", "Whiteboard"],
    )


@pytest.fixture
def on():
    return datetime.now(UTC).date() + timedelta(days=3)


@pytest.fixture
def new(room, on):
    """The body of the README."""
    return {
        "user_id": 1,
        "room_id": room.pk,
        "booking_date": on.isoformat(),
        "start_time": "09:00:00",
        "end_time": "10:00:00",
        "guest_count": 5,
        "special_requests": "Need projector setup",
    }


@pytest.fixture
def as_(client_of):
    return lambda user: client_of(user, "paidrooms")


def stamp(moment):
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


# rooms


def test_rooms_are_public_and_only_those_that_can_be_booked(room):
    """README, "List Available Rooms"."""
    more = {"venue": room.venue, "capacity": 2}
    for name, off in (
        ("Shut", {"is_available": False}),
        ("Broken", {"maintenance": True}),
        ("Gone", {"retired_at": Now()}),
    ):
        Resource.objects.create(name=name, **more, **off)
    Resource.objects.create(name="Free", price_minor=1999, **more)
    Resource.objects.create(name="Elsewhere", venue=Venue.objects.create(slug="x", name="X"))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    answer = client.get(f"{BASE}rooms/")
    assert answer.status_code == 200
    assert [each["name"] for each in answer.json()["rooms"]] == ["Conference Room A", "Free"]
    assert answer.json()["count"] == 2
    assert answer.json()["rooms"][1]["price_per_slot"] == 19.99
    assert answer.json()["rooms"][0] == {
        "id": room.pk,
        "name": "Conference Room A",
        "description": "Large conference room",
        "price_per_slot": 50.0,
        "capacity": 10,
        "amenities": ["WiFi", "Projector", "Whiteboard"],
        "is_available": True,
        "slot_duration_minutes": 30,
        "opening_time": "09:00:00",
        "closing_time": "18:00:00",
        "created_at": stamp(room.created_at),
        "updated_at": stamp(room.updated_at),
    }


def test_no_rooms_is_an_empty_list(db):
    """README, "List Available Rooms"."""
    assert APIClient().get(f"{BASE}rooms/").json() == {"count": 0, "rooms": []}


# create


def test_create_holds_the_room_for_thirty_minutes(as_, ana, new, room, on):
    """README, "Create Booking" and "Automatic Room Release"; `user_id` is not believed."""
    answer = as_(ana).post(f"{BASE}bookings/", new)
    booking = Booking.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": booking.pk,
        "user_id": ana.pk,
        "user_name": "Ana Example",
        "user_email": "ana@example.com",
        "room_id": room.pk,
        "room_name": "Conference Room A",
        "booking_date": on.isoformat(),
        "start_time": "09:00:00",
        "end_time": "10:00:00",
        "guest_count": 5,
        "total_amount": 100.0,
        "number_of_slots": 2,
        "status": "pending",
        "payment_status": "pending",
        "special_requests": "Need projector setup",
        "hold_expires_at": stamp(booking.hold_expires_at),
        "created_at": stamp(booking.created_at),
        "updated_at": stamp(booking.updated_at),
    }
    held_for = booking.hold_expires_at - booking.created_at
    assert abs(held_for - timedelta(minutes=30)) < timedelta(seconds=2)
    assert as_(ana).get(f"{BASE}bookings/{booking.pk}/").json() == answer.json()


def test_create_again_conflicts_for_anyone(as_, ana, ben, new):
    """README, "Create Booking": 409 with what is in the way."""
    as_(ana).post(f"{BASE}bookings/", new)
    for person, start, end in (
        (ben, "09:00", "10:00"),
        (ana, "09:00", "10:00"),
        (ben, "09:30", "11:00"),
        (ben, "09:00", "18:00"),
    ):
        body = new | {"start_time": start, "end_time": end, "user_id": None}
        answer = as_(person).post(f"{BASE}bookings/", body)
        assert answer.status_code == 409
        assert answer.json() == {
            "error": "Time slot conflicts with existing booking",
            "conflicting_booking": {"start_time": "09:00", "end_time": "10:00"},
        }
    assert Booking.objects.count() == 1
    beside = new | {"start_time": "10:00", "end_time": "10:30"}
    assert as_(ben).post(f"{BASE}bookings/", beside).status_code == 201


def test_a_payment_begun_and_left_is_taken_up_again(as_, ana, ben, new):
    """README, "Automatic Room Release": who abandons and books again pays, or gets their own hold
    with the deadline it had; never a free room."""
    first = as_(ana).post(f"{BASE}bookings/", new).json()
    Booking.objects.update(payment_status="processing")
    again = as_(ana).post(f"{BASE}bookings/", new)
    assert again.status_code == 201
    assert (again.json()["id"], again.json()["hold_expires_at"]) == (
        first["id"],
        first["hold_expires_at"],
    )
    assert (again.json()["status"], again.json()["payment_status"]) == ("pending", "processing")
    assert as_(ben).post(f"{BASE}bookings/", new).status_code == 409
    for changed in ({"end_time": "10:30"}, {"guest_count": 3}, {"special_requests": "Drums"}):
        assert as_(ana).post(f"{BASE}bookings/", new | changed).status_code == 409
    assert Booking.objects.count() == 1


def test_an_expired_hold_blocks_nobody_before_any_sweep(as_, ana, ben, new):
    """README, "Automatic Room Release"."""
    pk = as_(ana).post(f"{BASE}bookings/", new).json()["id"]
    Booking.objects.update(hold_expires_at=Now())
    seen = as_(ana).get(f"{BASE}bookings/{pk}/").json()
    assert (seen["status"], seen["payment_status"]) == ("expired", "failed")
    assert Booking.objects.get().status == "held"  # no sweep has run
    assert as_(ben).post(f"{BASE}bookings/", new).status_code == 201
    assert Booking.objects.get(pk=pk).status == "expired"


def test_staff_book_for_others_and_nobody_else_does(as_, ana, ben, sam, new):
    """README, "Create Booking": the `user_id` of the body."""
    answer = as_(sam).post(f"{BASE}bookings/", new | {"user_id": ben.pk})
    assert (answer.status_code, answer.json()["user_id"]) == (201, ben.pk)
    assert Booking.objects.get().events.get().actor == sam
    missing = as_(sam).post(f"{BASE}bookings/", new | {"user_id": 10**9})
    assert (missing.status_code, missing.json()) == (404, {"error": "User not found"})
    later = new | {"user_id": ben.pk, "start_time": "11:00", "end_time": "12:00"}
    assert as_(ana).post(f"{BASE}bookings/", later).json()["user_id"] == ana.pk


def test_a_free_room_is_confirmed_at_once(as_, ana, new, room):
    """README, "Create Booking": nothing to pay reads as paid."""
    room.price_minor = 0
    room.save()
    found = as_(ana).post(f"{BASE}bookings/", new).json()
    assert (found["status"], found["payment_status"]) == ("confirmed", "succeeded")
    assert (found["total_amount"], found["hold_expires_at"]) == (0.0, None)


def item(found, **expected):
    """The only item of the detail list, its address apart."""
    assert found["error"] == "Validation failed"
    (only,) = found["detail"]
    assert only.pop("url").startswith("https://errors.pydantic.dev/2.")
    assert only == expected


def test_validation_has_the_shape_of_pydantic(as_, ana, new):
    """README, "Technology Stack", Validation: Pydantic."""
    client, yesterday = as_(ana), (date.today() - timedelta(days=1)).isoformat()  # noqa: DTZ011 - as a client would
    item(
        client.post(f"{BASE}bookings/", new | {"booking_date": yesterday}).json(),
        type="value_error",
        loc=["booking_date"],
        msg="Value error, Booking date cannot be in the past",
        input=yesterday,
        ctx={"error": "Booking date cannot be in the past"},
    )
    item(
        client.post(f"{BASE}bookings/", new | {"end_time": "09:00:00"}).json(),
        type="value_error",
        loc=["end_time"],
        msg="Value error, End time must be after start time",
        input="09:00:00",
        ctx={"error": "End time must be after start time"},
    )
    item(
        client.post(f"{BASE}bookings/", new | {"guest_count": 0}).json(),
        type="greater_than",
        loc=["guest_count"],
        msg="Input should be greater than 0",
        input=0,
        ctx={"gt": 0},
    )
    without = {name: value for name, value in new.items() if name != "room_id"}
    item(
        client.post(f"{BASE}bookings/", without).json(),
        type="missing",
        loc=["room_id"],
        msg="Field required",
        input=without,
    )
    answer = client.post(f"{BASE}bookings/", {})
    assert answer.status_code == 400
    assert [each["loc"] for each in answer.json()["detail"]] == [
        ["room_id"],
        ["booking_date"],
        ["start_time"],
        ["end_time"],
        ["guest_count"],
    ]
    assert Booking.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"room_id": 10**9}, 404, "Room not found or not available"),
        ({"room_id": -1}, 404, "Room not found or not available"),
        (
            {"start_time": "08:30", "end_time": "09:30"},
            400,
            "Booking time must be between 09:00 and 18:00",
        ),
        (
            {"start_time": "17:30", "end_time": "18:30"},
            400,
            "Booking time must be between 09:00 and 18:00",
        ),
        (
            {"start_time": "03:00", "end_time": "03:10", "guest_count": 99},
            400,
            "Booking time must be between 09:00 and 18:00",
        ),
        ({"end_time": "09:20"}, 400, "Booking duration must be at least one slot"),
        (
            {"end_time": "09:45"},
            400,
            "Booking duration must be a whole number of 30-minute slots",
        ),
        (
            {"end_time": "09:30:01"},
            400,
            "Booking duration must be a whole number of 30-minute slots",
        ),
        ({"guest_count": 11}, 400, "Guest count exceeds room capacity of 10"),
        ({"booking_date": "9999-12-31"}, 400, "Booking date is too far ahead"),
    ],
)
def test_create_refuses_in_this_order(as_, ana, new, changes, status, error):
    """README, "Create Booking" and "Booking Service APIs"."""
    answer = as_(ana).post(f"{BASE}bookings/", new | changes)
    assert (answer.status_code, answer.json()) == (status, {"error": error})
    assert Booking.objects.count() == 0


def test_a_taken_slot_is_said_before_a_full_room(as_, ana, ben, new):
    """README, "Create Booking"."""
    as_(ana).post(f"{BASE}bookings/", new)
    answer = as_(ben).post(f"{BASE}bookings/", new | {"guest_count": 11})
    assert answer.status_code == 409


@pytest.mark.parametrize("off", [{"is_available": False}, {"maintenance": True}])
def test_a_room_that_is_shut_is_not_found(as_, ana, new, room, off):
    """README, "Create Booking"."""
    Resource.objects.filter(pk=room.pk).update(**off)
    answer = as_(ana).post(f"{BASE}bookings/", new | {"guest_count": 99})
    assert (answer.status_code, answer.json()["error"]) == (404, "Room not found or not available")


def test_a_resource_of_another_venue_is_not_found(as_, ana, new, court):
    """README, "Create Booking"."""
    assert as_(ana).post(f"{BASE}bookings/", new | {"room_id": court.pk}).status_code == 404


def test_a_time_that_is_past_today_is_refused(as_, ana, new, room):
    """README, "Create Booking"; the hours are opened so that the clock alone decides, and the rooms
    lie where it is noon, so that some of today is past."""
    room.opens_at = room.closes_at = "00:00"
    room.save()
    now = datetime.now(UTC)
    Venue.objects.filter(pk=room.venue_id).update(time_zone=f"Etc/GMT{now.hour - 12:+d}")
    body = new | {
        "booking_date": now.astimezone(Venue.objects.get(pk=room.venue_id).zone).date().isoformat(),
        "start_time": "00:00",
        "end_time": "00:30",
    }
    answer = as_(ana).post(f"{BASE}bookings/", body)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "Booking time cannot be in the past"},
    )


def test_hours_and_slots_come_before_what_is_past(as_, ana, new, room):
    """README, "Create Booking": in this order; today, past, and outside the hours."""
    room.opens_at, room.closes_at = "13:00", "18:00"
    room.save()
    now = datetime.now(UTC)
    Venue.objects.filter(pk=room.venue_id).update(time_zone=f"Etc/GMT{now.hour - 12:+d}")
    here = now.astimezone(Venue.objects.get(pk=room.venue_id).zone).date().isoformat()
    times = {"booking_date": here, "start_time": "03:00", "end_time": "03:30"}
    answer = as_(ana).post(f"{BASE}bookings/", new | times)
    assert answer.json() == {"error": "Booking time must be between 13:00 and 18:00"}


WRONG = [[], {}, "\0", 10**30, -(10**30), 1e300, "9" * 5001, -1.5]


@pytest.mark.parametrize(
    "name",
    ["room_id", "booking_date", "start_time", "end_time", "guest_count", "special_requests"],
)
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: repr(wrong)[:12])
def test_nonsense_is_refused_and_books_nothing(as_, ana, new, name, wrong):
    """README, "Create Booking"."""
    answer = as_(ana).post(f"{BASE}bookings/", new | {name: wrong})
    assert (answer.status_code, answer.json()["error"]) == (400, "Validation failed")
    assert Booking.objects.count() == 0


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"room_id": NaN}', b'{"a": "\\ud800"}']
)
def test_a_body_that_is_no_object_is_refused(as_, ana, raw, db):
    """README, "Create Booking"."""
    for path in ("bookings/", "payment-intent/"):
        answer = as_(ana).generic("POST", f"{BASE}{path}", raw, "application/json")
        assert answer.status_code == 400
        assert answer.json()["error"] == "Validation failed"
        assert all({"type", "loc", "msg", "input"} <= set(d) for d in answer.json()["detail"])


def test_only_json_is_read(as_, ana):
    """README, "Create Booking"."""
    answer = as_(ana).post(f"{BASE}bookings/", "a=1", content_type="text/plain")
    assert (answer.status_code, answer.json()) == (415, {"error": "Send JSON."})


@pytest.mark.prefix_only
def test_create_needs_somebody(new):
    """README, "Booking Service APIs": all booking endpoints require authentication."""
    for method, path in (
        ("post", "bookings/"),
        ("get", "bookings/1/"),
        ("get", "bookings/all/"),
        ("post", "payment-intent/"),
    ):
        for token in ("", "Bearer nonsense"):
            client = APIClient()
            client.credentials(**({"HTTP_AUTHORIZATION": token} if token else {}))
            answer = getattr(client, method)(f"{BASE}{path}", new)
            assert answer.status_code == 401
            assert answer.json()["error"] == "Authentication required"
            assert answer["WWW-Authenticate"].startswith("Bearer")


# read


def test_one_booking_is_for_its_owner_and_staff(as_, ana, ben, sam, new):
    """README, "Get Specific Booking"."""
    pk = as_(ana).post(f"{BASE}bookings/", new).json()["id"]
    assert as_(ana).get(f"{BASE}bookings/{pk}/").status_code == 200
    assert as_(sam).get(f"{BASE}bookings/{pk}/").status_code == 200
    foreign = as_(ben).get(f"{BASE}bookings/{pk}/")
    assert foreign.status_code == 403
    assert foreign.json() == {"error": "Permission denied. This is not your booking."}
    for missing in (10**9, 10**30):
        answer = as_(ben).get(f"{BASE}bookings/{missing}/")
        assert (answer.status_code, answer.json()) == (404, {"error": "Booking not found"})


def test_all_bookings_are_for_staff_newest_first(
    as_, ana, ben, sam, new, booked, django_assert_max_num_queries
):
    """README, "Get All Bookings (Admin Only)"."""
    mine = as_(ana).post(f"{BASE}bookings/", new).json()
    later = new | {"start_time": "12:00", "end_time": "12:30"}
    theirs = as_(ben).post(f"{BASE}bookings/", later).json()
    booked(ben)  # at another venue
    staff = as_(sam)
    with django_assert_max_num_queries(4):
        answer = staff.get(f"{BASE}bookings/all/")
    assert answer.json() == {"count": 2, "bookings": [theirs, mine]}
    refused = as_(ana).get(f"{BASE}bookings/all/")
    assert refused.status_code == 403
    assert refused.json() == {"error": "Permission denied. Admin access required."}


def test_every_status_has_its_word(as_, ana, sam, new, room):
    """README, "Database Schema", Booking: pending, confirmed, cancelled, expired, completed."""
    pk = as_(ana).post(f"{BASE}bookings/", new).json()["id"]

    def word(**changes):
        if changes:
            Booking.objects.filter(pk=pk).update(**changes)
        found = as_(ana).get(f"{BASE}bookings/{pk}/").json()
        return found["status"], found["payment_status"]

    ahead = Now() + timedelta(days=9)
    assert word() == ("pending", "pending")
    assert word(payment_status="processing") == ("pending", "processing")
    assert word(status="pending", lapses_at=ahead) == ("pending", "processing")
    assert word(status="confirmed", payment_status="succeeded") == ("confirmed", "succeeded")
    assert word(status="checked_in", checked_in_at=Now()) == ("confirmed", "succeeded")
    assert word(completes_at=Now()) == ("completed", "succeeded")
    assert word(status="completed") == ("completed", "succeeded")
    assert word(status="no_show") == ("completed", "succeeded")
    assert word(status="cancelled", payment_status="refunded") == ("cancelled", "refunded")
    assert word(status="rejected") == ("cancelled", "refunded")
    assert word(status="expired", payment_status="failed") == ("expired", "failed")


def test_wall_times_are_the_venues(as_, ana, new, room):
    """README, "Create Booking": a venue in New York opens at nine there."""
    Venue.objects.filter(pk=room.venue_id).update(time_zone="America/New_York")
    found = as_(ana).post(f"{BASE}bookings/", new).json()
    booking = Booking.objects.get()
    assert booking.starts_at.astimezone(booking.venue.zone).hour == 9
    assert booking.starts_at.hour in (13, 14)
    assert (found["start_time"], found["end_time"]) == ("09:00:00", "10:00:00")


# the clock


@pytest.mark.parametrize("path", ["cleanup-expired-bookings", "cleanup-expired-bookings/"])
def test_cleanup_is_for_staff_and_for_who_has_the_secret(path, as_, ana, sam, new, settings):
    """README, "Manual Cleanup": both slash forms."""
    settings.CLEANUP_SECRET = "of the cron"
    url, nobody = f"{BASE}{path}", APIClient()
    as_(ana).post(f"{BASE}bookings/", new)
    Booking.objects.update(hold_expires_at=Now())
    for client, status, error in (
        (nobody, 401, "Authentication required"),
        (as_(ana), 403, "Permission denied. Admin access required."),
    ):
        answer = client.post(url)
        assert (answer.status_code, answer.json()["error"]) == (status, error)
    wrong = nobody.post(url, headers={"X-Cleanup-Secret": "of the crön"})
    assert wrong.status_code == 401
    assert Booking.objects.get().status == "held"
    answer = nobody.post(url, headers={"X-Cleanup-Secret": "of the cron"})
    assert (answer.status_code, answer.json()) == (
        200,
        {"expired_count": 1, "message": "Expired 1 bookings"},
    )
    assert Booking.objects.get().status == "expired"
    nothing = {"expired_count": 0, "message": "Expired 0 bookings"}
    bearer = {"Authorization": "Bearer of the cron"}
    assert nobody.post(url, headers=bearer).json() == nothing
    assert as_(sam).post(url).json() == nothing
    settings.CLEANUP_OPEN = True
    assert nobody.post(url).json() == nothing


def test_cleanup_is_closed_without_a_secret(settings):
    """README, "Manual Cleanup": an unset secret opens nothing."""
    settings.CLEANUP_SECRET = ""
    for headers in ({}, {"X-Cleanup-Secret": ""}, {"Authorization": "Bearer "}):
        assert (
            APIClient().post(f"{BASE}cleanup-expired-bookings", headers=headers).status_code == 401
        )


def test_a_cancelled_booking_frees_its_room(as_, ana, ben, new):
    """README, "Time Slot Management"."""
    pk = as_(ana).post(f"{BASE}bookings/", new).json()["id"]
    cancel_booking(pk, Actor.for_booking(ana, Booking.objects.get()))
    assert as_(ben).post(f"{BASE}bookings/", new).status_code == 201


@pytest.mark.parametrize("path", ["rooms/", "bookings/", "payment-intent/", "stripe-webhook/"])
def test_other_methods_are_refused(path, as_, ana):
    """README, "API Documentation"."""
    answer = as_(ana).put(f"{BASE}{path}", {})
    assert (answer.status_code, answer.json()) == (
        405,
        {"error": "This method is not allowed here."},
    )
