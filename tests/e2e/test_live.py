"""WebSockets on the port of REST, from a real server of two processes, and what becomes of both
when it stops or one of them dies."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
import websockets
from asgiref.sync import async_to_sync, sync_to_async

from api.services.accounts import tokens
from api.services.accounts.joining import join
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.venues import venues
from tests.support.waiting import eventually

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


def connections(worker, port):
    """Those of clients, in this process."""
    return [
        found
        for found in worker.net_connections("tcp")
        if found.laddr.port == port and found.status == psutil.CONN_ESTABLISHED
    ]


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
def test_a_refused_connection_closes_with_the_reason(site, ana, path, code):
    join(ana, venues.get_contract_venue("circletime").pk)
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


def test_a_client_that_leaves_is_forgotten(site, address):
    async def story():
        sockets = [await websockets.connect(address) for _ in range(20)]
        for one in sockets:
            await one.close()

    played(story)
    eventually(lambda: not any(connections(worker, site.port) for worker in site.workers()))


def test_panels_of_every_process_hear_of_a_change(site, address, room, ana):
    """Each process has a hall of its own; connections are opened until both have some."""

    async def story():
        async with contextlib.AsyncExitStack() as stack:
            panels = []

            async def connect():
                panels.append(await stack.enter_async_context(websockets.connect(address)))

            while not all(connections(worker, site.port) for worker in site.workers()):
                await asyncio.gather(*(connect() for _ in range(20)))
            await meet(ana, room)
            for panel in panels:
                message = json.loads(await asyncio.wait_for(panel.recv(), PATIENCE))
                assert message["data"]["status"] == "occupied"

    played(story)


SLOW_BOOKINGS = """
    CREATE FUNCTION sleep_once() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_sleep(1.5); RETURN new; END';
    CREATE TRIGGER sleep_once BEFORE INSERT ON api_booking
    FOR EACH ROW EXECUTE FUNCTION sleep_once()
"""
AS_FAST_AS_EVER = "DROP FUNCTION sleep_once CASCADE"
SLEEPS = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


def test_told_to_stop_it_answers_what_it_began_and_tells_the_sockets(site, address, room, ana):
    """The database works on the booking when the server is told to stop.
    Fails if the processes do not wait for their threads: the connection ends without an answer."""
    start = datetime.now(UTC) + timedelta(days=1)
    times = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=1)).isoformat()}
    body = {"resource": room.pk, **times}
    answers = []

    def book():
        with closing(HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE)) as connection:
            headers = {"Authorization": f"Bearer {tokens.issue(ana).access}"}
            headers["Content-Type"] = "application/json"
            connection.request("POST", "/api/v1/bookings/", json.dumps(body), headers)
            answers.append(connection.getresponse().status)

    @sync_to_async
    def stop_meanwhile():
        with psycopg.connect(site.environment["DATABASE_URL"], autocommit=True) as rival:
            rival.execute(SLOW_BOOKINGS)
            booking = threading.Thread(target=book)
            booking.start()
            eventually(lambda: rival.execute(SLEEPS).fetchone())
            site.parent.terminate()
            eventually(site.refuses)  # nobody is let in whom nobody would answer
        booking.join()

    async def story():
        async with websockets.connect(address) as panel:
            await stop_meanwhile()
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await asyncio.wait_for(panel.recv(), PATIENCE)
            assert closed.value.rcvd.code == 1012  # the service restarts

    try:
        played(story)
    finally:
        with psycopg.connect(site.environment["DATABASE_URL"]) as rival:
            rival.execute(AS_FAST_AS_EVER)
    assert answers == [201]
    assert site.parent.wait(20) == 0
    site.stop()


def test_a_process_that_dies_is_started_again(site):
    before = site.workers()
    for worker in before:
        worker.kill()
    eventually(lambda: len(site.workers()) == len(before) and site.health())
    assert not set(before) & set(site.workers())


def test_told_to_replace_its_processes_it_goes_on_answering(site):
    before = site.workers()
    site.parent.send_signal(signal.SIGHUP)
    asked = 0
    while set(before) & set(site.workers()):
        assert site.health()
        asked += 1
    assert asked
    eventually(lambda: len(site.workers()) == len(before))


def test_whoever_started_it_dies_and_it_ends(site):
    workers = site.workers()
    site.parent.kill()
    assert psutil.wait_procs(workers, timeout=20)[1] == []
    site.stop()
