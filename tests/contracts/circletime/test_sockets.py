"""README, "WebSocket Support" and 4.4: the state is pushed on every change."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from api.models import Booking, User
from api.realtime import connections
from api.services.accounts import tokens
from api.services.actors import Actor
from api.services.bookings.actions import check_in_booking, end_booking
from api.services.panels import panels
from api.services.venues import resources
from tests.support.websocket import Socket, off_stage, opened, scene

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def device(room, sam):
    return panels.create(room, "Door", sam).token


def path_of(room, token="", prefix="/circletime", slash=""):
    query = f"?token={token}" if token else ""
    return f"{prefix}/api/panel/rooms/{room.pk}/ws{slash}{query}"


@pytest.mark.parametrize("prefix", ["", "/circletime"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_booking_is_pushed_as_the_whole_state(room, device, ana, met, z, prefix, slash):
    async def story():
        async with opened(path_of(room, device, prefix, slash)) as panel:
            booking = await off_stage(met)(ana, -5)
            message = await panel.heard()
            assert set(message) == {"type", "version", "data"}
            assert message["type"] == "room_state_update"
            updated = message["data"].pop("lastUpdated")
            assert updated.endswith("Z")
            upcoming = message["data"].pop("upcomingMeetings")
            assert upcoming == []
            assert message["data"] == {
                "room": {
                    "id": str(room.pk),
                    "name": "Aquarium",
                    "building": "North",
                    "floor": 2,
                    "capacity": 8,
                },
                "status": "occupied",
                "currentMeeting": {
                    "id": str(booking.pk),
                    "title": "Standup",
                    "organizer": "Ana Example",
                    "organizerEmail": "ana@example.com",
                    "startTime": z(booking.starts_at),
                    "endTime": z(booking.ends_at),
                    "attendeeCount": 1,
                    "checkedIn": False,
                    "checkedInAt": None,
                },
                "nextMeeting": None,
            }

    scene(story)


def test_each_push_carries_the_next_version(room, device, ana, met):
    async def story():
        async with opened(path_of(room, device)) as panel:
            booking = await off_stage(met)(ana, 5)
            first = await panel.heard()
            await off_stage(check_in_booking)(booking.pk, Actor.in_venue(ana, booking.venue_id))
            second = await panel.heard()
            assert second["version"] == first["version"] + 1
            assert second["data"]["nextMeeting"]["checkedIn"] is True
            await off_stage(end_booking)(booking.pk, Actor.in_venue(ana, booking.venue_id))
            assert (await panel.heard())["data"]["nextMeeting"] is None

    scene(story)


def test_another_rooms_changes_are_not_heard(room, other_room, device, ana, met):
    async def story():
        async with opened(path_of(room, device)) as panel:
            await off_stage(met)(ana, 5, place=other_room)
            await off_stage(met)(ana, 30)
            message = await panel.heard()
            assert message["data"]["room"]["id"] == str(room.pk)
            assert await panel.receive_nothing(0.2)

    scene(story)


def test_what_time_alone_changes_is_pushed_too(room, device, ana, met):
    """Nothing is announced here: the row is moved past its deadline behind everybody's back."""
    booking = met(ana, -5)

    async def story():
        async with opened(path_of(room, device)) as panel:
            past = {"no_show_at": Now(), "check_in_closes_at": Now()}
            await off_stage(Booking.objects.filter(pk=booking.pk).update)(**past)
            await off_stage(panels.cache.delete_many)(
                [f"room:{room.pk}:state:{version}" for version in range(3)]
            )
            message = await panel.heard()
            assert message["data"]["status"] == "available"

    scene(story)


def test_a_lost_announcement_is_made_good(room, device, ana, met, monkeypatch):
    """With `ConnectionRegistry.poll` not polling, nothing is ever heard here."""
    from tasks import pushes

    monkeypatch.setattr(pushes.announcer, "enqueue", lambda room: None)

    async def story():
        async with opened(path_of(room, device)) as panel:
            await off_stage(met)(ana, -5)
            assert (await panel.heard())["data"]["status"] == "occupied"

    scene(story)


# who may


@pytest.mark.parametrize("how", ["query", "bearer", "device"])
def test_a_token_comes_in_the_query_or_a_header(room, device, ana, met, how):
    headers = {
        "query": [],
        "bearer": [("authorization", f"Bearer {device}")],
        "device": [("x-device-token", device)],
    }[how]
    path = path_of(room, device if how == "query" else "")

    async def story():
        async with opened(path, headers=headers) as panel:
            await off_stage(met)(ana, -5)
            assert (await panel.heard())["type"] == "room_state_update"

    scene(story)


def test_a_persons_access_token_opens_every_room(room, other_room, ana, met):
    access = tokens.issue(ana, "circletime").access

    async def story():
        async with opened(path_of(other_room, access)) as panel:
            await off_stage(met)(ana, -5, place=other_room)
            assert (await panel.heard())["data"]["room"]["id"] == str(other_room.pk)

    scene(story)


@pytest.mark.parametrize("token", ["", "x", "hfp_wrong", "a.b.c", "%00", "é.é.é", "x" * 5000])
def test_a_bad_token_closes_with_4001(room, token):
    async def story():
        socket = Socket(path_of(room, token))
        await socket.connect()
        assert await socket.closed() == 4001

    scene(story)


def test_the_panel_of_another_room_closes_with_4001(device, other_room):
    async def story():
        socket = Socket(path_of(other_room, device))
        await socket.connect()
        assert await socket.closed() == 4001

    scene(story)


@pytest.mark.parametrize("which", ["999999", "x", str(2**70)])
def test_an_unknown_room_closes_with_4004(room, ana, which):
    access = tokens.issue(ana).access

    async def story():
        socket = Socket(f"/circletime/api/panel/rooms/{which}/ws?token={access}")
        await socket.connect()
        assert await socket.closed() == 4004

    scene(story)


def test_a_revoked_panel_is_disconnected(room, device):
    async def story():
        async with opened(path_of(room, device)) as panel:
            await off_stage(panels.revoke)(await off_stage(lambda: room.panels.get().pk)())
            assert await panel.closed() == 4001

    scene(story)


def test_an_access_token_that_expires_ends_its_socket(room, ana):
    from rest_framework_simplejwt.tokens import AccessToken

    from api.services.accounts.tokens import Access

    token: AccessToken = Access(tokens.issue(ana).access)
    token.set_exp(lifetime=timedelta(seconds=2))

    async def story():
        async with opened(path_of(room, str(token))) as panel:
            assert await panel.closed() == 4001

    scene(story)


def test_a_person_who_was_shut_out_is_disconnected(room, ana):
    access = tokens.issue(ana).access

    async def story():
        async with opened(path_of(room, access)) as panel:
            await off_stage(User.objects.filter(pk=ana.pk).update)(is_active=False)
            assert await panel.closed() == 4001

    scene(story)


# bad input


@pytest.mark.parametrize("text", ["{", "", "nonsense", '"\\ud800"', "[" * 9000])
def test_a_malformed_frame_closes_with_1007(room, device, text):
    async def story():
        async with opened(path_of(room, device)) as panel:
            await panel.say(text=text)
            assert await panel.closed() == 1007

    scene(story)


def test_a_binary_frame_closes_with_1003(room, device):
    async def story():
        async with opened(path_of(room, device)) as panel:
            await panel.say(bytes=b"\x00\xff")
            assert await panel.closed() == 1003

    scene(story)


def test_what_a_client_says_changes_nothing(room, device, ana, met):
    async def story():
        async with opened(path_of(room, device)) as panel:
            for text in ("{}", "[]", "null", '{"type": "room_state_update"}'):
                await panel.say(text=text)
            await off_stage(met)(ana, -5)
            assert (await panel.heard())["data"]["status"] == "occupied"

    scene(story)


def test_without_redis_a_panel_is_sent_off_to_read_over_http(room, device, servers, client):
    """1013, "try again later": the client reads 4.1 meanwhile, which answers without Redis."""

    async def story():
        async with opened(path_of(room, device)) as panel:
            servers.valkey.stop()
            try:
                assert await panel.closed() == 1013
                late = Socket(path_of(room, device))
                await late.connect()
                assert await late.closed() == 1013
                answer = await off_stage(client.get)(
                    f"/circletime/api/panel/rooms/{room.pk}/state",
                    headers={"X-Device-Token": device},
                )
                assert answer.json()["data"]["status"] == "available"
            finally:
                servers.valkey.start()
        assert not connections.get_registry().by_room

    scene(story)


def test_the_panel_of_a_room_that_is_retired_is_sent_away(room, device, sam):
    async def story():
        async with opened(path_of(room, device)) as panel:
            await off_stage(resources.retire_resources)([room.pk], sam)
            assert await panel.closed() == 4004

    scene(story)
