"""README, "V1 Endpoint Summary" 2.1, 2.2 and 3.1: room inventory and filtering."""

import pytest
from django.db.models.functions import Now

from api.models import Booking, Resource
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking

pytestmark = pytest.mark.django_db
API = "/circletime/api"


def names(answer):
    assert answer.status_code == 200, answer.content
    return [room["name"] for room in answer.json()["data"]]


def test_rooms_are_all_of_them_with_what_they_have(as_, ana, room, court):
    answer = as_(ana).get(f"{API}/rooms")
    assert answer.json() == {
        "success": True,
        "data": [
            {
                "id": str(room.pk),
                "name": "Aquarium",
                "building": "North",
                "floor": 2,
                "capacity": 8,
                "amenities": ["projector", "whiteboard"],
                "status": "available",
                "imageUrl": None,
            }
        ],
    }
    assert as_(None).get(f"{API}/rooms").status_code == 401


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=aqua", ["Aquarium"]),
        ("search=SOUTH", ["Boardroom"]),
        ("building=north", ["Aquarium"]),
        ("building=nor", []),
        ("floor=2", ["Aquarium"]),
        ("floor=two", ["Aquarium", "Boardroom"]),
        ("min_capacity=9", ["Boardroom"]),
        ("min_capacity=99999999999999999999", ["Aquarium", "Boardroom"]),
        ("amenities=projector", ["Aquarium"]),
        ("amenities=projector,%20whiteboard", ["Aquarium"]),
        ("amenities=projector,phone", []),
        ("status=available", ["Aquarium", "Boardroom"]),
        ("status=occupied", []),
    ],
)
def test_filters_leave_the_rooms_that_meet_them(as_, ana, room, other_room, query, found):
    assert names(as_(ana).get(f"{API}/rooms/?{query}")) == found


def test_the_status_of_a_room_is_what_goes_on_in_it_now(as_, ana, room, other_room, met, circle):
    later = Resource.objects.create(venue=circle, name="Cosmos")
    broken = Resource.objects.create(venue=circle, name="Delta", maintenance=True)
    met(ana, -5)
    met(ana, 10, place=other_room)
    met(ana, 20, place=later)
    rooms = as_(ana).get(f"{API}/rooms").json()["data"]
    assert {one["name"]: one["status"] for one in rooms} == {
        "Aquarium": "occupied",
        "Boardroom": "reserved",
        "Cosmos": "available",
        "Delta": "maintenance",
    }
    assert names(as_(ana).get(f"{API}/rooms?status=maintenance")) == ["Delta"]
    one = as_(ana).get(f"{API}/rooms/{broken.pk}").json()["data"]
    assert (one["id"], one["status"]) == (str(broken.pk), "maintenance")


def test_a_room_nobody_came_to_is_available_before_any_sweep_has_run(as_, ana, room, met):
    missed = met(ana, -5)
    Booking.objects.filter(pk=missed.pk).update(no_show_at=Now())
    assert as_(ana).get(f"{API}/rooms/{room.pk}").json()["data"]["status"] == "available"


def test_the_number_of_statements_does_not_grow_with_the_rooms(
    as_, ana, circle, met, django_assert_max_num_queries
):
    for number in range(30):
        place = Resource.objects.create(venue=circle, name=f"Room {number}")
        met(ana, -5, place=place)
    client = as_(ana)
    with django_assert_max_num_queries(4):
        assert len(names(client.get(f"{API}/rooms"))) == 31  # and the one of the fixture


@pytest.mark.parametrize("which", ["0", "999999", "abc", "-1", "1.5", "9" * 40, "%00", "²"])
def test_an_unknown_room_is_not_found(as_, ana, room, which):
    expected = (404, "not_found", False)
    for path in (f"{API}/rooms/{which}", f"{API}/rooms/{which}/bookings?date=2030-01-01"):
        answer = as_(ana).get(path)
        body = answer.json()
        assert (answer.status_code, body["code"], body["success"]) == expected


def test_a_resource_of_another_venue_is_no_room_here(as_, ana, room, court):
    assert as_(ana).get(f"{API}/rooms/{court.pk}").status_code == 404


# 3.1 bookings of a room on a date


def test_a_days_bookings_are_listed_without_those_called_off(as_, ana, ben, room, met, now, z):
    tomorrow = 24 * 60
    kept = met(ana, tomorrow, title="Review", notes="Bring the plan", attendees=[ben])
    gone = met(ana, tomorrow + 90)
    cancel_booking(gone.pk, Actor.for_booking(ana, gone))
    answer = as_(ben).get(f"{API}/rooms/{room.pk}/bookings?date={kept.starts_at.date()}")
    assert answer.json() == {
        "success": True,
        "data": [
            {
                "id": str(kept.pk),
                "roomId": str(room.pk),
                "roomName": "Aquarium",
                "title": "Review",
                "description": "Bring the plan",
                "organizer": {
                    "id": str(ana.pk),
                    "name": "Ana Example",
                    "email": "ana@example.com",
                },
                "attendees": [
                    {"id": str(ben.pk), "name": "Ben Example", "email": "ben@example.com"}
                ],
                "startTime": z(kept.starts_at),
                "endTime": z(kept.ends_at),
                "status": "confirmed",
                "checkedIn": False,
                "checkedInAt": None,
            }
        ],
    }


@pytest.mark.parametrize("on", ["", "tomorrow", "2030-02-30", "0001-01-01", None])
def test_a_missing_or_wrong_date_is_a_mistake(as_, ana, room, on):
    query = "" if on is None else f"?date={on}"
    answer = as_(ana).get(f"{API}/rooms/{room.pk}/bookings{query}")
    body = answer.json()
    assert (answer.status_code, body["code"]) == (400, "validation_error")
    assert body["message"] == "Missing or invalid fields"
    assert body["errors"][0].startswith("date: ")


def test_a_day_is_a_day_of_the_venues_own_clock(as_, ana, room, circle, met, now):
    circle.time_zone = "Pacific/Auckland"
    circle.save()
    booking = met(ana, 24 * 60)
    there = booking.starts_at.astimezone(circle.zone).date()
    answer = as_(ana).get(f"{API}/rooms/{room.pk}/bookings?date={there}")
    assert [one["id"] for one in answer.json()["data"]] == [str(booking.pk)]
