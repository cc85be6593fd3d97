"""README, "V1 Endpoint Summary" 4.1 to 4.3: the composite state and the tablet's two verbs."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from rest_framework.test import APIClient

from api.lifecycle import Status
from api.models import Booking, BookingEvent
from api.services.actors import Actor
from api.services.bookings.actions import check_in_booking
from api.services.panels import panels
from tasks import pushes

pytestmark = pytest.mark.django_db
API = "/circletime/api"


@pytest.fixture
def device(room, sam):
    """The token of a panel at that room."""
    return panels.create(room, "Door", sam).token


@pytest.fixture
def tablet(device):
    client = APIClient()
    client.credentials(HTTP_X_DEVICE_TOKEN=device)
    return client


def meeting_of(booking, z, **more):
    return {
        "id": str(booking.pk),
        "title": "Standup",
        "organizer": "Ana Example",
        "organizerEmail": "ana@example.com",
        "startTime": z(booking.starts_at),
        "endTime": z(booking.ends_at),
        "attendeeCount": 1,
        "checkedIn": False,
        "checkedInAt": None,
    } | more


def test_the_state_of_a_room_is_what_goes_on_and_what_comes(tablet, room, ana, ben, met, now, z):
    current = met(ana, -5, 30, attendees=[ben, ana])
    following, later = met(ana, 40, 10), met(ana, 60, 10)
    answer = tablet.get(f"{API}/panel/rooms/{room.pk}/state")
    updated = answer.json()["data"]["lastUpdated"]
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0)
    soon = now + timedelta(minutes=15)
    ahead = [b for b in (following, later) if b.starts_at < max(midnight, soon)]
    shown = [meeting_of(booking, z) for booking in ahead]
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "success": True,
            "data": {
                "room": {
                    "id": str(room.pk),
                    "name": "Aquarium",
                    "building": "North",
                    "floor": 2,
                    "capacity": 8,
                },
                "status": "occupied",
                "currentMeeting": meeting_of(current, z, attendeeCount=2),
                "nextMeeting": shown[0] if shown else None,
                "upcomingMeetings": shown,
                "lastUpdated": updated,
            },
        },
    )
    assert updated.endswith("Z")


@pytest.mark.parametrize(
    ("minutes", "status"),
    [(-5, "occupied"), (10, "upcoming"), (16, "available"), (None, "available")],
)
def test_the_status_of_a_panel(tablet, room, ana, met, minutes, status):
    if minutes is not None:
        met(ana, minutes)
    data = tablet.get(f"{API}/panel/rooms/{room.pk}/state/").json()["data"]
    assert data["status"] == status


def test_a_room_in_maintenance_is_offline_whoever_is_in_it(tablet, room, ana, met):
    met(ana, -5)
    room.maintenance = True
    room.save()
    data = tablet.get(f"{API}/panel/rooms/{room.pk}/state").json()["data"]
    assert (data["status"], data["currentMeeting"]["title"]) == ("offline", "Standup")


def test_a_missed_meeting_is_gone_before_any_sweep_has_run(tablet, room, ana, met):
    missed = met(ana, -5)
    Booking.objects.filter(pk=missed.pk).update(no_show_at=Now())
    data = tablet.get(f"{API}/panel/rooms/{room.pk}/state").json()["data"]
    assert (data["status"], data["currentMeeting"]) == ("available", None)


def test_ten_meetings_at_most_are_listed(tablet, room, ana, met, now, circle):
    circle.time_zone = f"Etc/GMT{(now.hour - 1) % 12:+d}"  # where the day has hours to go
    circle.save()
    for number in range(12):
        met(ana, 20 + 3 * number, 3)
    data = tablet.get(f"{API}/panel/rooms/{room.pk}/state").json()["data"]
    assert len(data["upcomingMeetings"]) == 10
    assert data["nextMeeting"] == data["upcomingMeetings"][0]


# who may


@pytest.mark.parametrize("header", ["X-Device-Token", "Authorization"])
def test_a_device_brings_its_token_in_either_header(device, room, header):
    value = f"Bearer {device}" if header == "Authorization" else device
    answer = APIClient().get(f"{API}/panel/rooms/{room.pk}/state", headers={header: value})
    assert answer.status_code == 200


def test_a_signed_in_person_reads_every_room(as_, ana, room, other_room):
    for place in (room, other_room):
        assert as_(ana).get(f"{API}/panel/rooms/{place.pk}/state").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Device-Token": "hfp_wrong"},
        {"Authorization": "Bearer hfp_wrong"},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": "Bearer"},
    ],
)
def test_a_bad_token_is_unauthorized(room, headers):
    answer = APIClient().get(f"{API}/panel/rooms/{room.pk}/state", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_panel_is_unauthorized(tablet, room, sam):
    assert tablet.get(f"{API}/panel/rooms/{room.pk}/state").status_code == 200
    panels.revoke(room.panels.get().pk)
    assert tablet.get(f"{API}/panel/rooms/{room.pk}/state").status_code == 401


def test_the_panel_of_another_room_is_forbidden_and_changes_nothing(tablet, ana, other_room, met):
    booking = met(ana, 5, place=other_room)
    for answer in (
        tablet.get(f"{API}/panel/rooms/{other_room.pk}/state"),
        tablet.post(f"{API}/panel/meetings/{booking.pk}/checkin"),
        tablet.post(f"{API}/panel/meetings/{booking.pk}/end"),
    ):
        assert (answer.status_code, answer.json()) == (
            403,
            {
                "success": False,
                "message": "This panel belongs to another room.",
                "code": "forbidden",
            },
        )
    booking.refresh_from_db()
    assert booking.status == Status.CONFIRMED


def test_a_device_is_nobody_elsewhere(tablet, device, room):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {device}")
    assert client.get(f"{API}/rooms").status_code == 401
    assert client.post(f"{API}/bookings", {}).status_code == 401


def test_an_unknown_room_or_meeting_is_not_found(tablet, room):
    for answer in (
        tablet.get(f"{API}/panel/rooms/999999/state"),
        tablet.get(f"{API}/panel/rooms/x/state"),
        tablet.post(f"{API}/panel/meetings/999999/checkin"),
        tablet.post(f"{API}/panel/meetings/x/end"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# the two verbs


def test_at_the_door_one_checks_in_once_and_not_before_the_window(tablet, ana, met):
    early = met(ana, 90)
    answer = tablet.post(f"{API}/panel/meetings/{early.pk}/checkin")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    booking = met(ana, 10)
    answer = tablet.post(f"{API}/panel/meetings/{booking.pk}/checkin")
    assert (answer.status_code, answer.json()) == (
        200,
        {"success": True, "data": None, "message": "Checked in successfully"},
    )
    booking.refresh_from_db()
    assert booking.status == Status.CHECKED_IN
    event = BookingEvent.objects.get(verb="check_in")
    assert (event.by, event.actor_name) == ("panel", "Door")
    again = tablet.post(f"{API}/panel/meetings/{booking.pk}/checkin/")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


def test_too_late_is_too_late_at_the_door_too(tablet, ana, met):
    booking = met(ana, -5)
    Booking.objects.filter(pk=booking.pk).update(check_in_closes_at=Now(), no_show_at=Now())
    answer = tablet.post(f"{API}/panel/meetings/{booking.pk}/checkin")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_the_tablet_ends_a_meeting_and_says_what_it_freed(tablet, ana, met):
    booking = met(ana, 0, 45)
    not_yet = tablet.post(f"{API}/panel/meetings/{booking.pk}/end")
    assert (not_yet.status_code, not_yet.json()["code"]) == (409, "conflict")
    check_in_booking(booking.pk, Actor.in_venue(ana, booking.venue_id))
    answer = tablet.post(f"{API}/panel/meetings/{booking.pk}/end")
    assert (answer.status_code, answer.json()) == (
        200,
        {"success": True, "data": {"freedMinutes": 44}, "message": "Meeting ended"},
    )


def test_a_person_uses_the_same_two_verbs(as_, ben, ana, met):
    booking = met(ana, 10)
    assert as_(ben).post(f"{API}/panel/meetings/{booking.pk}/checkin").status_code == 200
    assert as_(ben).post(f"{API}/panel/meetings/{booking.pk}/end").json()["data"] == {
        "freedMinutes": 69
    }


@pytest.mark.parametrize(
    ("change", "status", "name"),
    [({"maintenance": True}, "offline", "Aquarium"), ({"name": "Lagoon"}, "available", "Lagoon")],
)
def test_a_changed_room_is_seen_at_its_door_at_once(
    tablet, room, sam, client_of, django_capture_on_commit_callbacks, change, status, name
):
    """README, "Specific Migration Points": room-state cache invalidation. Without `places.tell` the
    door shows what was cached for ten seconds more."""
    state = f"{API}/panel/rooms/{room.pk}/state"
    pushes.push_now([room.pk])  # a version to be cached under
    assert tablet.get(state).json()["data"]["status"] == "available"
    with django_capture_on_commit_callbacks(execute=True):
        client_of(sam).patch(f"/api/v1/resources/{room.pk}/", change)
    shown = tablet.get(state).json()["data"]
    assert (shown["status"], shown["room"]["name"]) == (status, name)


def test_the_tablet_may_use_the_web_s_two_verbs_at_its_own_room(tablet, ana, met, other_room):
    booking, elsewhere = met(ana, 0), met(ana, 0, place=other_room)
    checked = tablet.post(f"{API}/bookings/{booking.pk}/checkin")
    assert (checked.status_code, checked.json()["data"]["checkedIn"]) == (200, True)
    assert tablet.post(f"{API}/bookings/{booking.pk}/end").json()["data"]["ended"] is True
    assert tablet.post(f"{API}/bookings/{elsewhere.pk}/checkin").status_code == 403
