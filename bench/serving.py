"""The servers side by side on our own views, and the one origin of `make up` against gunicorn.

Two processes of four threads each, where a server has threads. A server that is not installed is
left out: `pip install granian` brings the one that is no dependency.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import repeat

from bench import load, system
from bench.booking import people_and_rooms
from bench.sizes import PLAN, Figure, spread

CLIENTS, SECONDS = 16, 2.0
GUNICORN = "gunicorn --no-control-socket --log-level=warning --keep-alive=75 --workers=2"
ORIGIN = "gunicorn --config=backend/gunicorn.py backend.wsgi:application"
PLAIN = f"{GUNICORN} --worker-class=gthread --threads=4 bench.plain:application"
SERVERS = {
    "gunicorn, threads": PLAIN,
    "gunicorn, no threads": f"{GUNICORN} --worker-class=sync bench.plain:application",
    "granian": "granian --interface wsgi --workers 2 --blocking-threads 4 --no-ws --log-level"
    " warning bench.plain:application",
    "uvicorn (ASGI)": "uvicorn --workers 2 --log-level warning bench.plain_asgi:application",
}


def run() -> list[Figure]:
    people = people_and_rooms("serving")
    listing = load.get("/api/v1/bookings/?page_size=20", people["token"])
    nothing = load.get("/floor/nothing/", people["token"])
    with _serving(ORIGIN) as ours, _serving(PLAIN) as plain:
        origin = _in_turn({"ours": ours, "plain": plain}, nothing, PLAN.rounds(9))
    ratios = [a / b for a, b in zip(origin["ours"], origin["plain"], strict=True)]
    ratio = statistics.median(ratios)
    found = [
        Figure(
            "REST on the one origin of `make up` against plain gunicorn, requests per second",
            f"{ratio:.2f} × ({spread(ratios)}; {_rates(origin)} per s)",
            "≥ 0.9",
            ratio >= 0.9,
        )
    ]
    return [*found, *_servers(listing)]


def _servers(request: bytes) -> list[Figure]:
    with contextlib.ExitStack() as stack:
        ports = {
            name: stack.enter_context(_serving(command))
            for name, command in SERVERS.items()
            if find_spec(command.split()[0])
        }
        rates = _in_turn(ports, request, PLAN.rounds(7))
    first = next(iter(rates))
    found = []
    for name, each in rates.items():
        ratios = [a / b for a, b in zip(each, rates[first], strict=True)]
        median, rate = statistics.median(ratios), _rates({name: each})
        figure = f"{median:.2f} × ({spread(ratios)}; {rate} per s)"
        found.append(Figure(f"list of 20 bookings from {name} against {first}", figure))
    return found


def _rates(rates: dict[str, list[float]]) -> str:
    return " / ".join(f"{statistics.median(each):.0f}" for each in rates.values())


def _in_turn(ports: dict[str, int], request: bytes, rounds: int) -> dict[str, list[float]]:
    """Requests per second of each, by turns, after a first time that does not count."""
    rates: dict[str, list[float]] = {name: [] for name in ports}
    for number in range(rounds + 1):
        for name, port in ports.items():
            outcome = load.steady(port, CLIENTS, repeat(request), SECONDS)
            assert set(outcome.statuses) == {200}, outcome.statuses
            if number:
                rates[name].append(outcome.rate)
    return rates


@contextlib.contextmanager
def _serving(command: str) -> Iterator[int]:
    port = system.pick_port()
    name, *rest = command.split()
    where = {
        "gunicorn": [f"--bind=127.0.0.1:{port}"],
        "granian": ["--host", "127.0.0.1", "--port", str(port)],
        "uvicorn": ["--host", "127.0.0.1", "--port", str(port)],
    }[name]
    with system.answering([sys.executable, "-m", name, *rest, *where], port):
        yield port
