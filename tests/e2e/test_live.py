"""A real live process behind the one port."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import websockets
from asgiref.sync import async_to_sync, sync_to_async

from api.services.accounts import tokens
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from backend import handover

pytestmark = pytest.mark.slow
PATIENCE = 5


@pytest.fixture
def address(site, room, made):
    """Of the contract's WebSocket, with the token of the panel."""
    path = f"/circletime/api/panel/rooms/{room.pk}/ws?token={made.token}"
    return site.url(path, "ws")


@sync_to_async
def meet(owner, room):
    now = datetime.now(UTC)
    return create_booking(
        BookingRequest(
            owner=owner, resource=room.pk, starts_at=now, ends_at=now + timedelta(hours=1)
        ),
        actor=Actor.for_new_booking(owner),
    )


def played(story):
    async_to_sync(story)()


def test_a_push_comes_through_the_port_of_rest(address, room, ana):
    async def story():
        async with websockets.connect(address) as one, websockets.connect(address) as other:
            await meet(ana, room)
            for panel in (one, other):
                message = json.loads(await asyncio.wait_for(panel.recv(), PATIENCE))
                assert message["type"] == "room_state_update"
                assert message["data"]["status"] == "occupied"

    played(story)


def test_a_browsers_panel_hears_its_state_first_and_a_beat_after(site, room, made):
    async def story():
        url = site.url("/api/v1/panels/ws/", "ws")
        async with websockets.connect(url, subprotocols=["panel", made.token]) as panel:
            assert panel.subprotocol == "panel"
            first = json.loads(await asyncio.wait_for(panel.recv(), PATIENCE))
            assert set(first) == {"type", "version", "state"}
            assert first["state"]["room"]["id"] == room.pk
            assert "organizer_email" not in json.dumps(first)
            beat = json.loads(await asyncio.wait_for(panel.recv(), PATIENCE))
            assert beat == {"type": "beat", "version": first["version"]}

    played(story)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/v1/panels/ws/", 4001),
        ("/api/v1/panels/ws/?token=hfp_no", 4001),
        ("/circletime/api/panel/rooms/1/ws?token=no", 4001),
        ("/circletime/api/panel/rooms/999999/ws?token={access}", 4004),
        ("/api/v1/panels/ws/?token={access}", 4001),
        ("/nowhere", 4004),
    ],
)
def test_whoever_may_not_come_in_is_told_why(site, ana, path, code):
    url = site.url(path.format(access=tokens.issue(ana).access), "ws")

    async def story():
        async with websockets.connect(url) as panel:
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await asyncio.wait_for(panel.recv(), PATIENCE)
            assert closed.value.rcvd.code == code

    played(story)


def test_an_oversized_frame_closes_with_1009(address):
    async def story():
        async with websockets.connect(address) as panel:
            await panel.send("x" * 20_000)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await asyncio.wait_for(panel.recv(), PATIENCE)
            assert closed.value.rcvd.code == 1009

    played(story)


@pytest.mark.parametrize(
    "frame",
    [
        b"\x81\x05hello",  # not masked
        b"\x83\x80\0\0\0\0",  # an opcode of nobody's
        b"\xf1\x80\0\0\0\0",  # reserved bits
        b"\x81\x84\0\0\0\0\xff\xfe\xfd\xfc",  # no UTF-8
    ],
)
def test_a_malformed_frame_ends_the_connection(address, frame):
    where = urlsplit(address)
    host, port, path = where.hostname, where.port, f"{where.path}?{where.query}"
    head = (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with socket.create_connection((host, port), PATIENCE) as connection:
        connection.sendall(head.encode())
        assert connection.recv(12) == b"HTTP/1.1 101"
        connection.sendall(frame)
        heard = b""
        while part := connection.recv(4096):
            heard += part
    assert b"\x88" in heard  # a close frame, then the end


def test_a_handshake_that_is_none_is_refused(site):
    with closing(HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE)) as connection:
        headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
        connection.request("GET", "/api/v1/panels/ws/", headers=headers)
        assert 400 <= connection.getresponse().status < 500


def test_without_the_live_process_rest_goes_on_and_upgrades_are_refused(site, address):
    site.stop("live")
    health = site.health()
    assert (health["status"], health["live"]) == ("ok", "down")

    async def story():
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(address)
        assert refused.value.response.status_code == 503

    played(story)


def test_a_client_that_leaves_is_forgotten_and_the_web_process_keeps_nothing(site, address):
    import psutil

    async def story():
        sockets = [await websockets.connect(address) for _ in range(20)]
        for one in sockets:
            await one.close()

    def connections():
        processes = [psutil.Process(site.running[name].pid) for name in ("web", "live")]
        family = [*processes, *processes[0].children(recursive=True)]
        return [
            found
            for process in family
            for found in process.net_connections("tcp")
            if found.laddr.port == site.port and found.status == psutil.CONN_ESTABLISHED
        ]

    played(story)
    for _ in range(100):
        if not connections():
            break
        asyncio.run(asyncio.sleep(0.05))
    assert connections() == []


def test_the_door_is_found_at_the_end_of_a_long_path(tmp_path: Path):
    folder = tmp_path / ("x" * 100) / ("y" * 100)
    folder.mkdir(parents=True)
    ours, theirs = socket.socketpair()
    with handover.open_door(folder / "live.sock") as door, ours, theirs:
        assert (folder / "live.sock").stat().st_mode & 0o077 == 0
        handover.give(folder / "live.sock", theirs, b"head")
        head, handles, _, _ = socket.recv_fds(door, 100, 1)
        assert head == b"head"
        with socket.socket(fileno=handles[0]) as taken:
            taken.sendall(b"hello")
            assert ours.recv(5) == b"hello"


def test_what_was_handed_over_cannot_be_harmed_any_more():
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket(fileno=theirs.dup().detach()) as taken:
        handover.forget(theirs)
        theirs.shutdown(socket.SHUT_RDWR)
        theirs.close()
        taken.sendall(b"still there")
        assert ours.recv(20) == b"still there"
