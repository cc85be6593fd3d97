"""Booking over HTTP: against the floor, in a storm, and in statements per request."""

from __future__ import annotations

import itertools
import json
import random
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import load, processor, refusals, system
from bench.sizes import PLAN, Figure, spread

ROUNDS, SECONDS, CLIENTS = 12, 3.0, 16
STORM, STORMS = 64, 50
RESOURCES = 1000


def run() -> list[Figure]:
    people = people_and_rooms()
    with system.web() as port:
        rows = _against_the_floor(port, people)
        rows += _storms(port, people)
    return [*rows, _processor(people), *refusals.run(people), *_statements(people)]


def _processor(people: dict[str, Any]) -> Figure:
    found = processor.compared(
        ("/api/v1/bookings/", bodies(people, 700)),
        ("/floor/bookings/", bodies(people, 800, venue=people["venue"])),
        people["token"],
    )
    ratio = 1 / found.ratio
    times = " / ".join(f"{1e3 * statistics.median(t):.2f}" for t in (found.ours, found.floor))
    return Figure(
        "POST /api/v1/bookings/ against the floor view, by processor time of web and database",
        f"{ratio:.2f} × ({spread([1 / r for r in found.ratios])}; {times} ms a request)",
        "≥ 0.75",
        ratio >= 0.75,
    )


def people_and_rooms(name: str = "bench") -> dict[str, Any]:
    """A venue of two hundred rooms, somebody with a token, and staff."""
    from django.db.models.functions import Now

    from api.models import Membership, Resource, User, Venue
    from api.services.accounts import tokens

    venue = Venue.objects.create(slug=name, name=name)
    Resource.objects.bulk_create(
        Resource(venue=venue, name=f"Room {n}", capacity=4) for n in range(RESOURCES)
    )
    user = User.objects.create_user(f"{name}@example.com", email_verified_at=Now())
    staff = User.objects.create_user(f"{name}-staff@example.com", None)
    Membership.objects.create(user=staff, venue=venue, role="staff")
    return {
        "venue": venue.pk,
        "resources": list(Resource.objects.filter(venue=venue).values_list("pk", flat=True)),
        "token": tokens.issue(user).access,
        "staff": staff,
        "user": user,
    }


def bodies(people: dict[str, Any], days: int, **more: Any) -> Iterator[bytes]:
    """Every hour of every resource once, from that many days ahead on."""
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=days)
    for hour in itertools.count():
        start = first + timedelta(hours=hour)
        for pk in people["resources"]:
            ends = start + timedelta(hours=1)
            times = {"starts_at": start.isoformat(), "ends_at": ends.isoformat()}
            yield json.dumps({"resource": pk, **times, **more}).encode()


def _against_the_floor(port: int, people: dict[str, Any]) -> list[Figure]:
    def requests(path: str, days: int, **more: Any) -> Iterator[bytes]:
        return (load.post(path, body, people["token"]) for body in bodies(people, days, **more))

    ours = requests("/api/v1/bookings/", 2)
    floor = requests("/floor/bookings/", 200, venue=people["venue"])
    # until every process has seen every resource: what is kept of them is part of the design
    for requests_of in (ours, floor):
        load.steady(port, CLIENTS, itertools.islice(requests_of, 5 * RESOURCES), 60)
    ratios, rates, slow = [], [], []
    for _ in range(PLAN.rounds(ROUNDS)):
        base = load.steady(port, CLIENTS, floor, SECONDS)
        mine = load.steady(port, CLIENTS, ours, SECONDS)
        assert set(mine.statuses) == {201}, mine.statuses
        assert set(base.statuses) == {201}, base.statuses
        ratios.append(mine.rate / base.rate)
        rates.append((mine.rate, base.rate))
        slow += mine.latencies
    mine_rate = statistics.median(rate for rate, _ in rates)
    base_rate = statistics.median(rate for _, rate in rates)
    p95 = statistics.quantiles(slow, n=20)[-1] * 1000
    ratio = statistics.median(ratios)
    return [
        Figure(
            "POST /api/v1/bookings/ against the floor view, requests per second",
            f"{ratio:.2f} × ({spread(ratios)}; {mine_rate:.0f} / {base_rate:.0f} per s)",
            "≥ 0.8",
            ratio >= 0.8,
        ),
        Figure(f"… p95 with {CLIENTS} clients", f"{p95:.0f} ms"),
    ]


def _storms(port: int, people: dict[str, Any]) -> list[Figure]:
    clients, rounds, dice = STORM, PLAN.rounds(STORMS), random.Random(1)
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=400)
    resource, winners, slowest, medians, failed = people["resources"][0], [], [], [], 0
    before = count_deadlocks()
    for number in range(rounds):
        start = first + timedelta(days=number)
        requests = []
        for _ in range(clients):
            # all of them cover noon, none of them alike
            begins = start - timedelta(minutes=dice.randint(1, 90))
            ends = start + timedelta(minutes=dice.randint(1, 90))
            body = {
                "resource": resource,
                "starts_at": begins.isoformat(),
                "ends_at": ends.isoformat(),
            }
            requests.append(
                load.post("/api/v1/bookings/", json.dumps(body).encode(), people["token"])
            )
        outcome = load.storm(port, requests)
        winners.append(outcome.statuses[201])
        failed += outcome.failed
        slowest.append(max(outcome.latencies))
        medians.append(statistics.median(outcome.latencies))
    worst = max(s / m for s, m in zip(slowest, medians, strict=True))
    tied = count_deadlocks() - before
    return [
        Figure(
            f"storm of {clients} on one slot, {rounds} rounds: winners a round",
            f"{min(winners)} to {max(winners)}",
            "1",
            set(winners) == {1},
        ),
        Figure("… answers 5xx, deadlocks", f"{failed}, {tied}", "0", not failed + tied),
        Figure(
            "… slowest request against the median request of its round",
            f"{worst:.1f} × at worst ({max(slowest) * 1000:.0f} ms)",
            "< 5",
            worst < 5,
        ),
    ]


def count_deadlocks() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def _statements(people: dict[str, Any]) -> list[Figure]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from rest_framework.test import APIClient

    from api.services.accounts import tokens

    client = APIClient()

    def sign_in(person: str) -> None:
        token = tokens.issue(people[person]).access
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    def count(method: str, path: str, data: Any = None) -> int:
        with CaptureQueriesContext(connection) as queries:
            answer = getattr(client, method)(path, data)
        assert answer.status_code < 300, answer.content
        return len(queries)

    # the second of a resource: what a process keeps of it is part of the design
    first, *_, second = itertools.islice(bodies(people, 600), RESOURCES + 1)
    sign_in("user")
    count("post", "/api/v1/bookings/", json.loads(first))
    booking = count("post", "/api/v1/bookings/", json.loads(second))
    sign_in("staff")
    listing = count("get", "/api/v1/bookings/?page_size=200")
    start = datetime.now(UTC).date()
    calendar = count(
        "get", f"/api/v1/venues/bench/calendar/?start={start}&end={start + timedelta(days=1)}"
    )
    return [
        Figure(
            "statements a request, with that of who asks: booking / list / calendar",
            f"{booking} / {listing} / {calendar}",
        )
    ]
