"""The one server against gunicorn with threads, which serves no WebSockets, and what five hundred
silent or slow connections cost others.

Two processes of four threads each.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any, NamedTuple

import psutil

from bench import load, slow, system
from bench.booking import people_and_rooms
from bench.sizes import PLAN, Figure, spread

CLIENTS, SECONDS = 16, 2.0
SLOW = 500  # connections
GUNICORN = "gunicorn --no-control-socket --log-level=warning --keep-alive=75 --workers=2"
SERVERS = {
    "ours": "backend.web",
    "gunicorn": f"{GUNICORN} --worker-class=gthread --threads=4 bench.plain:application",
    "Django's ASGI": "uvicorn --workers 2 --log-level warning bench.plain_asgi:application",
}


def run() -> list[Figure]:
    people = people_and_rooms("serving")
    _make_bookings(people, 20)
    listing = load.get("/api/v1/bookings/?page_size=20", people["token"])
    nothing = load.get("/floor/nothing/", people["token"])
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(_serving(name)) for name in SERVERS}
        lists = _in_turn(servers, listing, PLAN.rounds(9))
        nothings = _in_turn(servers, nothing, PLAN.rounds(9))
        delays = [_delayed(servers["ours"].port, listing) for _ in range(PLAN.rounds(5))]
    delay = statistics.median(delays)
    return [
        *_compared("list of 20 bookings from the one server", "ours", lists, 0.9),
        *_compared("an empty view from the one server", "ours", nothings),
        *_compared("list of 20 bookings from Django's own ASGI handler", "Django's ASGI", lists),
        Figure(
            f"median time of a list beside {SLOW} silent or slow connections against none",
            f"{delay:.2f} × ({spread(delays)})",
            "< 2",
            delay < 2,
        ),
    ]


def _make_bookings(people: dict[str, Any], many: int) -> None:
    from api.services.actors import Actor
    from api.services.bookings.create import BookingRequest, create_booking

    first = datetime.now(UTC) + timedelta(days=1)
    for number in range(many):
        starts_at = first + timedelta(hours=number)
        request = BookingRequest(
            owner=people["user"],
            resource=people["resources"][0],
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=1),
        )
        create_booking(request, actor=Actor.for_new_booking(people["user"]))


def _delayed(port: int, request: bytes) -> float:
    """How many times longer one client waits while the others stand there."""
    alone = statistics.median(load.steady(port, 1, repeat(request), SECONDS).latencies)
    with slow.connections(port, SLOW):
        beside = statistics.median(load.steady(port, 1, repeat(request), SECONDS).latencies)
    return beside / alone


def _compared(
    what: str, name: str, found: dict[str, list[Round]], goal: float | None = None
) -> Iterator[Figure]:
    pairs = list(zip(found[name], found["gunicorn"], strict=True))
    rates = [ours.rate / theirs.rate for ours, theirs in pairs]
    each = " / ".join(
        f"{statistics.median(r.rate for r in found[n]):.0f}" for n in (name, "gunicorn")
    )
    rate = statistics.median(rates)
    yield Figure(
        f"{what} against gunicorn with threads, requests per second",
        f"{rate:.2f} × ({spread(rates)}; {each} per s)",
        f"≥ {goal}" if goal else "",
        rate >= goal if goal else None,
    )
    times = [theirs.processor / ours.processor for ours, theirs in pairs]
    yield Figure(
        "… by processor time of the server", f"{statistics.median(times):.2f} × ({spread(times)})"
    )


def _in_turn(servers: dict[str, Server], request: bytes, rounds: int) -> dict[str, list[Round]]:
    """Each by turns, after a first time that does not count."""
    found: dict[str, list[Round]] = {name: [] for name in servers}
    for number in range(rounds + 1):
        for name, server in servers.items():
            before = server.processor()
            outcome = load.steady(server.port, CLIENTS, repeat(request), SECONDS)
            assert set(outcome.statuses) == {200}, outcome.statuses
            if number:
                spent = (server.processor() - before) / sum(outcome.statuses.values())
                found[name].append(Round(outcome.rate, spent))
    return found


class Round(NamedTuple):
    rate: float  # requests per second
    processor: float  # seconds a request


class Server(NamedTuple):
    port: int
    pid: int

    def processor(self) -> float:
        """Seconds that its processes have spent."""
        parent = psutil.Process(self.pid)
        times = [each.cpu_times() for each in (parent, *parent.children(recursive=True))]
        return sum(each.user + each.system for each in times)


@contextlib.contextmanager
def _serving(name: str) -> Iterator[Server]:
    port = system.pick_port()
    module, *rest = SERVERS[name].split()
    where = {"gunicorn": [f"--bind=127.0.0.1:{port}"], "uvicorn": [f"--port={port}"]}
    command = [sys.executable, "-m", module, *rest, *where.get(module, [])]
    with system.answering(command, port) as pid:
        yield Server(port, pid)
