"""Our own API of panels: staff pair and revoke, a panel reads and acts at its door."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from rest_framework.test import APIClient

from api.lifecycle import Status
from api.models import Booking, Panel
from api.services.panels import panels

pytestmark = pytest.mark.django_db
API = "/api/v1/panels/"
ROOM = {
    "name": "Court 1",
    "building": "",
    "floor": 0,
    "capacity": 4,
    "units": 1,
    "venue": "club",
    "time_zone": "UTC",
}


@pytest.fixture
def door(court, sam):
    """A client of a panel at the court."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Panel {panels.create(court, 'Door', sam).token}")
    return client


@pytest.fixture
def running(booked, ana):
    booking = booked(ana, title="Practice")
    hour = timedelta(hours=1)
    Booking.objects.filter(pk=booking.pk).update(
        starts_at=Now() - hour, ends_at=Now() + hour, completes_at=Now() + hour
    )
    return booking


@pytest.mark.parametrize(("who", "status"), [(None, 401), ("ana", 403), ("sam", 201), ("ada", 201)])
def test_staff_make_panels_and_see_the_secrets_once(client_of, request, court, who, status):
    client = client_of(request.getfixturevalue(who) if who else None)
    answer = client.post(API, {"resource": court.pk, "name": "Door"})
    assert answer.status_code == status
    if status != 201:
        assert not Panel.objects.exists()
        return
    body = answer.json()
    panel = Panel.objects.get()
    shown = {
        "id": panel.pk,
        "resource": court.pk,
        "resource_name": "Court 1",
        "name": "Door",
        "waiting": True,
        "paired_at": None,
        "last_seen_at": None,
        "created_at": body["created_at"],
    }
    secrets = {name: body[name] for name in ("token", "code", "code_expires_at")}
    assert body == shown | secrets
    assert client.get(f"{API}{panel.pk}/").json() == shown
    assert client.get(API).json() == {"next": None, "previous": None, "results": [shown]}


def test_a_secret_is_not_kept_for_a_replay(client_of, sam, court):
    for _ in range(2):
        headers = {"Idempotency-Key": "once"}
        assert client_of(sam).post(API, {"resource": court.pk}, headers=headers).status_code == 201
    assert Panel.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"resource": 10**9}, 400), ({"resource": "x"}, 400), ({"resource": None}, 400)],
)
def test_a_panel_needs_a_room(client_of, sam, court, body, status):
    answer = client_of(sam).post(API, body)
    assert (answer.status_code, list(answer.json()["errors"])) == (status, ["resource"])
    assert not Panel.objects.exists()


def test_a_browser_pairs_with_the_code(client_of, sam, court):
    made = client_of(sam).post(API, {"resource": court.pk}).json()
    code = made["code"]
    answer = APIClient().post(f"{API}pair/", {"code": f" {code[:3]} {code[3:]} "})
    assert answer.status_code == 200
    assert set(answer.json()) == {"token", "panel"}
    assert answer.json()["panel"]["waiting"] is False
    headers = {"Authorization": f"Panel {answer.json()['token']}"}
    assert APIClient().get(f"{API}state/", headers=headers).json()["room"]["id"] == court.pk
    again = APIClient().post(f"{API}pair/", {"code": code})
    assert (again.status_code, again.json()["code"]) == (400, "code_refused")


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", None, 123, ["1"], "١٢٣٤٥٦"])
def test_what_is_no_code_is_refused(db, code):
    answer = APIClient().post(f"{API}pair/", {"code": code})
    assert answer.status_code == 400


@pytest.mark.parametrize(("who", "status"), [(None, 401), ("ana", 403), ("sam", 204)])
def test_staff_revoke_a_panel(client_of, request, door, who, status):
    panel = Panel.objects.get()
    client = client_of(request.getfixturevalue(who) if who else None)
    assert client.delete(f"{API}{panel.pk}/").status_code == status
    assert door.get(f"{API}state/").status_code == (401 if status == 204 else 200)
    if status == 204:
        assert client.get(API).json()["results"] == []
        assert client.delete(f"{API}{panel.pk}/").status_code == 404


def test_a_panel_reads_the_state_of_its_room(door, court, running):
    body = door.get(f"{API}state/").json()
    running.refresh_from_db()

    def z(moment):
        return moment.isoformat().replace("+00:00", "Z")

    assert body == {
        "version": 0,
        "room": {"id": court.pk, **ROOM},
        "status": "occupied",
        "current": {
            "id": running.pk,
            "title": "Practice",
            "organizer": "Ana Example",
            "starts_at": z(running.starts_at),
            "ends_at": z(running.ends_at),
            "people": 1,
            "checked_in_at": None,
            "check_in_from": None,
            "check_in_until": None,
            "may_end": True,
        },
        "next": None,
        "upcoming": [],
        "blocked": [],
        "free_units": 0,
        "free_until": None,
        "changes_at": body["changes_at"],
        "at": body["at"],
    }
    assert body["at"] < body["changes_at"] <= z(running.ends_at)


@pytest.mark.parametrize("scheme", ["", "Panel ", "Panel wrong", "Bearer hfp_x", "Panel a b"])
@pytest.mark.parametrize("path", ["state/", "check-in/", "end/", "book/"])
def test_without_its_token_a_panel_is_nobody(court, scheme, path):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=scheme)
    answer = client.get(f"{API}{path}") if path == "state/" else client.post(f"{API}{path}")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Panel")


def test_a_person_is_no_panel(client_of, ada, court):
    assert client_of(ada).get(f"{API}state/").status_code == 401


def test_checking_in_twice_gives_the_same_answer(door, running):
    for _ in range(2):
        answer = door.post(f"{API}check-in/", {"booking": running.pk})
        if answer.status_code == 409:
            assert answer.json()["code"] == "check_in_closed"
    Booking.objects.update(check_in_closes_at=Now() + timedelta(minutes=5))
    first, again = (door.post(f"{API}check-in/", {"booking": running.pk}) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["current"] == again.json()["current"]
    assert first.json()["current"]["checked_in_at"] is not None


def test_an_ended_meeting_frees_the_room(door, running):
    answer = door.post(f"{API}end/", {"booking": running.pk})
    assert (answer.status_code, answer.json()["status"]) == (200, "available")
    again = door.post(f"{API}end/", {"booking": running.pk})
    assert (again.status_code, again.json()["code"]) == (409, "already_done")


def test_a_room_is_booked_at_the_door(door, court, sam):
    answer = door.post(f"{API}book/", {"minutes": 15})
    assert (answer.status_code, answer.json()["status"]) == (201, "occupied")
    assert answer.json()["current"]["may_end"] is True
    assert Booking.objects.get().status == Status.CHECKED_IN
    taken = door.post(f"{API}book/", {"minutes": 30})
    assert (taken.status_code, taken.json()["code"]) == (409, "slot_taken")


@pytest.mark.parametrize("minutes", [None, 0, -15, 7, 10**30, "x", [15]])
def test_only_the_three_lengths_are_given_out(door, minutes):
    assert door.post(f"{API}book/", {"minutes": minutes}).status_code == 400
    assert not Booking.objects.exists()


def test_two_panels_behind_one_address_do_not_share_a_key(door, court, venue, sam):
    from api.models import Resource

    there = Resource.objects.create(venue=venue, name="Court 2")
    other = APIClient()
    other.credentials(HTTP_AUTHORIZATION=f"Panel {panels.create(there, '', sam).token}")
    headers = {"Idempotency-Key": "tap-1"}
    rooms = [
        client.post(f"{API}book/", {"minutes": 15}, headers=headers).json()["room"]["id"]
        for client in (door, other, door)
    ]
    assert rooms == [court.pk, there.pk, court.pk]
    assert Booking.objects.count() == 2


def test_the_page_holds_no_secret_and_nothing_from_elsewhere(client):
    for path in ("/panel/", "/panel"):
        page = client.get(path)
        assert page.status_code == 200
        assert "http://" not in page.content.decode()
        assert "https://" not in page.content.decode()
        assert page["Content-Security-Policy"].startswith("default-src 'none'")
