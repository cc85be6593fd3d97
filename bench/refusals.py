"""A booking that is refused because the slot is taken, against one that is made: processor time of
this process, as the web server's threads spend it, and of the database."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import processor
from bench.sizes import PLAN, Figure

EACH, ROUNDS = 50, 8


def run(people: dict[str, Any]) -> list[Figure]:
    """Where the answer has the nearest free times (our own API), and where it has not (a
    contract)."""
    return [
        _compare("with alternatives", "/api/v1/bookings/", people["token"], _make_own(people)),
        _compare("without", "/circletime/api/bookings", *_circletime(people)),
    ]


def _compare(
    what: str, path: str, token: str, make_body: Callable[[int], dict[str, Any]]
) -> Figure:
    application, hours = processor.get_application(), iter(range(10**6))
    made, refused = [], []
    for number in range(PLAN.rounds(ROUNDS) + 1):
        taken = [make_body(next(hours)) for _ in range(EACH)]
        for times, status in ((made, "201"), (refused, "409")):
            began, database = time.process_time(), processor.get_database_time()
            for body in taken:
                processor.post(application, path, body, token, status)
            if number:
                times.append(
                    (
                        1e3 * (time.process_time() - began) / EACH,
                        1e3 * (processor.get_database_time() - database) / EACH,
                    )
                )
    web, whole = _ratio(refused, made, lambda t: t[0]), _ratio(refused, made, sum)
    (one, its), (other, others) = map(_medians, (refused, made))
    return Figure(
        f"a refused booking, {what}, against a made one, by processor time of web",
        f"{web:.2f} × ({one:.2f} / {other:.2f} ms; the database {its:.2f} / {others:.2f} ms)",
        "≤ 1",
        web <= 1 or whole <= 1,
    )


Times = list[tuple[float, float]]


def _ratio(ours: Times, theirs: Times, of: Callable[[Any], float]) -> float:
    return statistics.median(of(a) / of(b) for a, b in zip(ours, theirs, strict=True))


def _medians(times: Times) -> Iterator[float]:
    return map(statistics.median, zip(*times, strict=True))


def _interval(hour: int) -> tuple[str, str]:
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=900)
    start = first + timedelta(hours=hour)
    return start.isoformat(), (start + timedelta(hours=1)).isoformat()


def _make_own(people: dict[str, Any]) -> Callable[[int], dict[str, Any]]:
    def make(hour: int) -> dict[str, Any]:
        starts_at, ends_at = _interval(hour)
        return {"resource": people["resources"][-1], "starts_at": starts_at, "ends_at": ends_at}

    return make


def _circletime(people: dict[str, Any]) -> tuple[str, Callable[[int], dict[str, Any]]]:
    from api.models import Resource
    from api.services.accounts import tokens
    from api.services.venues import venues

    room = Resource.objects.create(venue=venues.get_contract_venue("circletime"), name="Room")

    def make(hour: int) -> dict[str, Any]:
        starts_at, ends_at = _interval(hour)
        return {"roomId": str(room.pk), "title": "x", "startTime": starts_at, "endTime": ends_at}

    return tokens.issue(people["user"], "circletime").access, make
