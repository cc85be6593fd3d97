"""The tablet of docs/contracts/circletime.md: its short paths, its network, and short meetings."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from rest_framework.test import APIClient

from api.lifecycle import BOOKING
from api.models import Booking, BookingEvent, Venue
from api.services.bookings.sweeps import sweep
from api.services.panels import panels

pytestmark = pytest.mark.django_db
API = "/circletime/api"
MINUTE = timedelta(minutes=1)


def told(answer):
    return answer.status_code, answer.json()


# a meeting that is shorter than the grace


def test_who_has_not_come_by_the_end_of_a_short_meeting_is_a_no_show(as_, ana, met):
    booking = met(ana, -5, 10)
    assert booking.no_show_at == booking.ends_at
    Booking.objects.filter(pk=booking.pk).update(
        starts_at=Now() - 10 * MINUTE, ends_at=Now(), no_show_at=Now(), completes_at=Now()
    )
    shown = as_(ana).get(f"{API}/bookings/{booking.pk}").json()["data"]
    assert shown["status"] == "no_show"
    late = as_(ana).post(f"{API}/bookings/{booking.pk}/checkin")
    assert late.status_code == 409
    assert sweep(BOOKING.release, "release_no_shows") == 1


def test_extending_a_short_meeting_gives_its_grace_back_and_no_more(as_, ana, met):
    booking = met(ana, 60, 10)
    for _ in range(2):
        as_(ana).post(f"{API}/bookings/{booking.pk}/extend", {"minutes": 15})
    booking.refresh_from_db()
    assert booking.no_show_at == booking.starts_at + 15 * MINUTE


# the tablet


def test_the_tablets_short_paths_are_the_panels(room, ana, sam, met):
    door = APIClient()
    door.credentials(HTTP_X_DEVICE_TOKEN=panels.create(room, "Door", sam).token)
    booking = met(ana, -5, 30)
    states = [
        door.get(f"{API}/{path}").json()["data"] | {"lastUpdated": ""}
        for path in (f"rooms/{room.pk}/state", f"panel/rooms/{room.pk}/state")
    ]
    assert states[0] == states[1]
    assert states[0]["currentMeeting"]["id"] == str(booking.pk)
    assert told(door.post(f"{API}/meetings/{booking.pk}/checkin")) == (
        200,
        {"success": True, "data": None, "message": "Checked in successfully"},
    )
    assert told(door.post(f"{API}/meetings/{booking.pk}/end")) == (
        200,
        {"success": True, "data": {"freedMinutes": 24}, "message": "Meeting ended"},
    )
    assert as_status(door.get(f"{API}/rooms/999999/state")) == (404, "not_found")


def as_status(answer):
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(
    ("networks", "address", "forwarded", "proxies", "status"),
    [
        ([], "192.0.2.7", None, 0, 401),
        (["192.0.2.0/24"], "192.0.2.7", None, 0, 200),
        (["192.0.2.0/24"], "::ffff:192.0.2.7", None, 0, 200),
        (["192.0.2.0/24"], "198.51.100.7", None, 0, 401),
        (["2001:db8::/32", "192.0.2.7"], "2001:db8::7", None, 0, 200),
        (["2001:db8::/32"], "192.0.2.7", None, 0, 401),
        # the address is the one that our own proxy saw, not the one that a client claims
        (["192.0.2.0/24"], "198.51.100.7", "192.0.2.7", 0, 401),
        (["192.0.2.0/24"], "10.0.0.1", "198.51.100.9, 192.0.2.7", 1, 200),
        (["192.0.2.0/24"], "10.0.0.1", "192.0.2.7, 198.51.100.9", 1, 401),
        (["192.0.2.0/24"], "10.0.0.1", "nonsense", 1, 401),
    ],
)
def test_a_panel_needs_no_token_on_a_network_that_the_venue_names(
    room, ana, met, monkeypatch, networks, address, forwarded, proxies, status
):
    monkeypatch.setattr("rest_framework.throttling.api_settings.NUM_PROXIES", proxies)
    Venue.objects.filter(slug="circletime").update(panel_networks=networks)
    booking = met(ana, -5, 30)
    client = APIClient(REMOTE_ADDR=address)
    if forwarded:
        client.credentials(HTTP_X_FORWARDED_FOR=forwarded)
    calls = [
        client.get(f"{API}/rooms/{room.pk}/state"),
        client.post(f"{API}/meetings/{booking.pk}/checkin"),
        client.post(f"{API}/panel/meetings/{booking.pk}/end"),
    ]
    assert [answer.status_code for answer in calls] == [status] * 3
    if status == 401:
        assert as_status(calls[0]) == (401, "unauthorized")
    events = BookingEvent.objects.filter(booking=booking, by="panel").order_by("pk")
    who = "panel on the venue's network"
    done = [("check_in", who), ("end", who)] if status == 200 else []
    assert list(events.values_list("verb", "actor_name")) == done


def test_the_network_opens_no_more_than_the_panels_paths(room, ana, met):
    """Nor to a bad token, nor to a stranger's web page that somebody there has open."""
    Venue.objects.filter(slug="circletime").update(panel_networks=["192.0.2.0/24"])
    booking = met(ana, -5, 30)
    client = APIClient(REMOTE_ADDR="192.0.2.7")
    for path in ("rooms", f"bookings/{booking.pk}", "analytics/kpi", "auth/me"):
        assert client.get(f"{API}/{path}").status_code == 401
    path = f"{API}/meetings/{booking.pk}/checkin"
    assert client.post(path, headers={"Origin": "https://evil.example"}).status_code == 401
    assert client.post(path, headers={"X-Device-Token": "hfp_nonsense"}).status_code == 401
    assert client.post(path, headers={"Origin": "http://testserver"}).status_code == 200
