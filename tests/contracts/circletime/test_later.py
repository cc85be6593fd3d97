"""What the later web app and the tablet call, as docs/contracts/circletime.md has it."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db.models.functions import Now

from api.models import Booking, Resource, Venue

pytestmark = pytest.mark.django_db
API = "/circletime/api"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TAKEN = "Room is already booked for the requested time slot."


def shown_person(user):
    return {"id": str(user.pk), "name": f"{user.first_name} Example", "email": user.email}


def body_of(booking, z, **more):
    return {
        "id": str(booking.pk),
        "roomId": str(booking.resource_id),
        "roomName": booking.resource.name,
        "title": "Standup",
        "description": None,
        "organizer": shown_person(booking.owner),
        "attendees": [],
        "startTime": z(booking.starts_at),
        "endTime": z(booking.ends_at),
        "status": "confirmed",
        "checkedIn": False,
        "checkedInAt": None,
    } | more


def refused(status, code, message):
    return status, {"success": False, "message": message, "code": code}


def told(answer):
    return answer.status_code, answer.json()


def row(booking):
    return Booking.objects.filter(pk=booking.pk).values().get()


# rooms


def test_rooms_are_searched_under_the_later_name_too(as_, ana, room, other_room):
    found = [
        [row["name"] for row in as_(ana).get(f"{API}/rooms?{query}").json()["data"]]
        for query in ("searchQuery=AQUA", "searchQuery=south", "searchQuery=", "searchQuery=x")
    ]
    assert found == [["Aquarium"], ["Boardroom"], ["Aquarium", "Boardroom"], []]


def test_the_slots_of_a_date_lie_within_the_hours_and_say_what_is_taken(
    as_, ana, room, soon, met, now, z
):
    """08:00 to 10:00 in Berlin; a booking touches two slots, another ends where one begins."""
    Venue.objects.filter(slug="circletime").update(
        time_zone="Europe/Berlin", opens_at="08:00", closes_at="10:00"
    )
    zone = Venue.objects.get(slug="circletime").zone
    eight = soon.astimezone(zone).replace(hour=8, minute=0)
    minutes = (eight - now) / MINUTE
    met(ana, minutes - 60, 60)
    met(ana, minutes + 45, 30)
    answer = as_(ana).get(f"{API}/rooms/{room.pk}/availability?date={eight:%F}")
    slots = [eight + n * 30 * MINUTE for n in range(4)]
    assert told(answer) == (
        200,
        {
            "success": True,
            "data": [
                {"startTime": z(at), "endTime": z(at + 30 * MINUTE), "isAvailable": free}
                for at, free in zip(slots, (True, False, False, True), strict=True)
            ],
        },
    )


def test_a_slot_is_available_if_it_would_be_booked(as_, ana, room, now):
    """What is over is not; of a room in maintenance none is; a closed weekday has none."""

    def available(on):
        rows = as_(ana).get(f"{API}/rooms/{room.pk}/availability?date={on:%F}").json()["data"]
        return [row["isAvailable"] for row in rows]

    assert available(now - timedelta(days=2)) == [False] * 24
    tomorrow = now + timedelta(days=1)
    assert available(tomorrow) == [True] * 24
    Resource.objects.filter(pk=room.pk).update(maintenance=True)
    assert available(tomorrow) == [False] * 24
    Venue.objects.filter(slug="circletime").update(closed_weekdays=[tomorrow.weekday()])
    assert available(tomorrow) == []


def test_slots_need_a_date_and_a_room(as_, ana, room):
    path = f"{API}/rooms/{room.pk}/availability"
    assert as_(None).get(f"{path}?date=2030-01-01").status_code == 401
    assert as_(ana).get(path).json()["errors"] == ["date: This field is required."]
    assert as_(ana).get(f"{path}?date=2030-02-30").status_code == 400
    assert as_(ana).get(f"{API}/rooms/999999/availability?date=2030-01-01").status_code == 404


def test_the_buildings_are_those_of_the_rooms(as_, ana, circle, room, other_room, court):
    Resource.objects.create(venue=circle, name="Attic", building="NORTH", floor=4)
    Resource.objects.create(venue=circle, name="Den", building="North", floor=2)
    Resource.objects.create(venue=circle, name="Tent")
    Resource.objects.create(venue=circle, name="Gone", building="East", retired_at=Now())
    answer = as_(ana).get(f"{API}/buildings")
    north, south = (row["id"] for row in answer.json()["data"])
    assert told(answer) == (
        200,
        {
            "success": True,
            "data": [
                {"id": north, "name": "North", "address": "", "floors": 2},
                {"id": south, "name": "South", "address": "", "floors": 1},
            ],
        },
    )
    assert (UUID(north).version, UUID(south).version) == (5, 5)
    room.delete()
    again = as_(ana).get(f"{API}/buildings").json()["data"]
    assert [row["id"] for row in again] == [north, south]
    assert as_(None).get(f"{API}/buildings").status_code == 401


@pytest.mark.parametrize("floor", ["2", "-1", "x"])
def test_no_plan_of_a_floor_is_kept(as_, ana, room, floor):
    answer = as_(ana).get(f"{API}/buildings/1/floors/{floor}")
    assert told(answer) == refused(404, "not_found", "No plan is kept of this floor.")


# bookings


def test_a_booking_is_shown_to_its_people_and_to_staff(as_, ana, ben, sam, ada, person, met, z):
    booking = met(ana, 60, attendees=[ben], notes="Daily")
    shown = body_of(booking, z, description="Daily", attendees=[shown_person(ben)])
    path = f"{API}/bookings/{booking.pk}"
    for user in (ana, ben, sam, ada):
        assert told(as_(user).get(path)) == (200, {"success": True, "data": shown})
    for answer in (as_(person("cleo")).get(path), as_(ana).get(f"{API}/bookings/{10**9}")):
        assert told(answer) == refused(404, "not_found", "There is no such booking.")
    assert as_(None).get(path).status_code == 401


def test_a_booking_is_shown_as_the_clock_has_it(as_, ana, met):
    booking = met(ana, 60)
    Booking.objects.filter(pk=booking.pk).update(no_show_at=Now())
    answer = as_(ana).get(f"{API}/bookings/{booking.pk}")
    assert answer.json()["data"]["status"] == "no_show"


def test_a_change_of_some_fields_leaves_the_others(as_, ana, ben, sam, other_room, met, soon, z):
    """And of all of them at once, by staff."""
    booking = met(ana, 60, attendees=[ben], notes="Daily")
    invited = [shown_person(ben)]
    path = f"{API}/bookings/{booking.pk}"
    answer = as_(ana).put(path, {"title": "Retro"})
    shown = body_of(booking, z, title="Retro", description="Daily", attendees=invited)
    assert told(answer) == (200, {"success": True, "data": shown})
    whole = {
        "roomId": str(other_room.pk),
        "title": "Review",
        "description": None,
        "startTime": z(soon),
        "endTime": z(soon + HOUR),
        "attendeeIds": [],
    }
    answer = as_(sam).put(path, whole)
    booking.refresh_from_db()
    shown = body_of(booking, z, title="Review", roomName="Boardroom", startTime=z(soon))
    assert told(answer) == (200, {"success": True, "data": shown | {"endTime": z(soon + HOUR)}})
    assert (booking.resource, booking.guests) == (other_room, 1)
    assert told(as_(ana).put(path, {})) == (200, {"success": True, "data": shown})


def test_more_people_than_places_are_no_mistake_of_a_change(as_, ana, person, circle, met):
    cell = Resource.objects.create(venue=circle, name="Cell", capacity=1)
    booking = met(ana, 60)
    ids = [str(person(name).pk) for name in ("cleo", "dora")]
    answer = as_(ana).put(
        f"{API}/bookings/{booking.pk}", {"roomId": str(cell.pk), "attendeeIds": ids}
    )
    assert answer.status_code == 200
    booking.refresh_from_db()
    assert (booking.resource, booking.guests, booking.attendees.count()) == (cell, 3, 2)


def test_a_change_is_the_organizers_and_the_staffs(as_, ana, ben, person, met):
    booking = met(ana, 60, attendees=[ben])
    before = row(booking)
    for user in (ben, person("cleo")):
        answer = as_(user).put(f"{API}/bookings/{booking.pk}", {"title": "Mine"})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        answer = as_(user).post(f"{API}/bookings/{booking.pk}/extend", {"minutes": 15})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert row(booking) == before


def test_a_change_onto_another_meeting_is_a_conflict_and_changes_nothing(as_, ana, ben, met, z):
    booking, other = met(ana, 60, 60), met(ben, 120, 60)
    before = row(booking)
    answer = as_(ana).put(
        f"{API}/bookings/{booking.pk}", {"title": "Long", "endTime": z(other.starts_at + MINUTE)}
    )
    assert told(answer) == refused(409, "conflict", TAKEN)
    assert row(booking) == before


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"title": ""}, 400, "title: This field may not be blank."),
        ({"title": None}, 400, "title: This field may not be null."),
        ({"attendeeIds": ["me"]}, 400, "attendeeIds: Unknown person: me."),
        ({"description": 7}, 400, "description: Not a valid string."),
        ({"startTime": "soon"}, 400, "startTime: "),
        ({"roomId": "999999"}, 404, None),
    ],
)
def test_what_is_wrong_with_a_change_is_named(as_, ana, met, change, status, sentence):
    booking = met(ana, 60)
    before = row(booking)
    answer = as_(ana).put(f"{API}/bookings/{booking.pk}", change)
    assert answer.status_code == status
    assert sentence is None or answer.json()["errors"][0].startswith(sentence)
    assert row(booking) == before


def test_times_without_an_offset_are_the_venues(as_, ana, room, soon):
    Venue.objects.filter(slug="circletime").update(time_zone="Asia/Kolkata")
    times = {"startTime": f"{soon:%F}T14:00:00", "endTime": f"{soon:%F}T15:00"}
    made = as_(ana).post(f"{API}/bookings", times | {"roomId": str(room.pk), "title": "x"})
    assert made.json()["data"]["startTime"] == f"{soon:%F}T08:30:00Z"
    pk = made.json()["data"]["id"]
    moved = as_(ana).put(f"{API}/bookings/{pk}", {"endTime": f"{soon:%F}T16:00:00"})
    assert moved.json()["data"]["endTime"] == f"{soon:%F}T10:30:00Z"


def test_a_meeting_is_extended_also_once_it_has_begun(as_, ana, sam, met, z):
    booking = met(ana, -5, 30)
    path = f"{API}/bookings/{booking.pk}"
    assert as_(ana).post(f"{path}/checkin").status_code == 200
    answer = as_(ana).post(f"{path}/extend", {"minutes": 15})
    booking.refresh_from_db()
    here = z(booking.checked_in_at)
    shown = body_of(booking, z, checkedIn=True, checkedInAt=here)
    assert told(answer) == (200, {"success": True, "data": shown})
    assert booking.ends_at - booking.starts_at == 45 * MINUTE
    assert booking.completes_at == booking.ends_at
    assert as_(sam).post(f"{path}/extend", {"minutes": 15}).status_code == 200


def test_a_room_that_is_taken_says_until_when_it_is_free(as_, ana, ben, met, z):
    booking, other = met(ana, 60, 30), met(ben, 100, 30)
    before = row(booking)
    answer = as_(ana).post(f"{API}/bookings/{booking.pk}/extend", {"minutes": 30})
    free_until = z(other.starts_at)
    message = f"{TAKEN} It is free until {free_until}."
    status, body = refused(409, "conflict", message)
    assert told(answer) == (status, body | {"freeUntil": free_until})
    assert row(booking) == before


@pytest.mark.parametrize("minutes", [None, 0, -15, "soon", 1.5, True, 10**9])
def test_only_whole_minutes_extend(as_, ana, met, minutes):
    booking = met(ana, 60)
    body = {} if minutes is None else {"minutes": minutes}
    answer = as_(ana).post(f"{API}/bookings/{booking.pk}/extend", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert answer.json()["errors"][0].startswith("minutes: ")


def test_what_is_over_or_cancelled_is_not_extended(as_, ana, met):
    booking = met(ana, 60)
    as_(ana).delete(f"{API}/bookings/{booking.pk}")
    answer = as_(ana).post(f"{API}/bookings/{booking.pk}/extend", {"minutes": 15})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert as_(ana).put(f"{API}/bookings/{booking.pk}", {"title": "x"}).status_code == 409
