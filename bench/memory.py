"""What one web and one worker process hold after minutes of load, against their first minute.

The rule: the load is of every kind, reading, booking, refusals and tasks, as fast as it goes.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

import psutil

from bench import load, system
from bench.booking import bodies, people_and_rooms
from bench.sizes import CURVES, PLAN, Curve, Figure

EVERY = 15.0  # seconds
CLIENTS = 8


def run() -> list[Figure]:
    people = people_and_rooms("memory")
    seen: dict[str, list[float]] = {"web": [], "worker": []}
    port = system.pick_port()
    with system.worker(concurrency=1) as worker, system.web(1, port=port):
        web = next(p for p in psutil.process_iter() if _is_web(p, port))
        requests, until = _requests(people), time.monotonic() + 60 * (PLAN.minutes + 1)
        while time.monotonic() < until:
            load.steady(port, CLIENTS, requests, EVERY)
            seen["web"].append(_held(web.pid))
            seen["worker"].append(_held(worker))
    return _figures(seen)


def _is_web(process: psutil.Process, port: int) -> bool:
    return f"--bind=127.0.0.1:{port}" in " ".join(process.cmdline())


def _held(pid: int) -> float:
    """Megabytes of the process's children, which do the work."""
    children = psutil.Process(pid).children(recursive=True)
    return sum(child.memory_full_info().uss for child in children) / 1e6


def _requests(people: dict[str, Any]) -> Iterator[bytes]:
    token = people["token"]
    for body in bodies(people, 2):
        yield load.post("/api/v1/bookings/", body, token)
        yield load.get("/api/v1/bookings/?page_size=50", token)
        yield load.get(f"/api/v1/resources/{people['resources'][0]}/", token)
        yield load.post("/api/v1/bookings/", body, token)  # refused: there it is already


def _figures(seen: dict[str, list[float]]) -> list[Figure]:
    first = round(60 / EVERY)
    found = []
    for name, held in seen.items():
        before, after = statistics.median(held[1:first]), statistics.median(held[-first:])
        grown = after / before
        found.append(
            Figure(
                f"memory of one {name} process after {PLAN.minutes:g} minutes of load,"
                " against its first minute",
                f"{grown:.2f} × ({before:.0f} MB, {after:.0f} MB)",
                "≤ 1.1",
                grown <= 1.1,
            )
        )
    lines = {name: {int(n * EVERY): mb for n, mb in enumerate(h, 1)} for name, h in seen.items()}
    CURVES.append(Curve("Memory under load", "MB", lines, "seconds"))
    return found
