"""What can be booked besides one room: sets that overlap, any of several."""

from __future__ import annotations

import json
import random
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import load, system
from bench.booking import count_deadlocks, people_and_rooms
from bench.sizes import PLAN, Figure

STORM, STORMS = 64, 200
BARBERS, RUSHES = 20, 12
HOUR = timedelta(hours=1)


def run() -> Iterator[Figure]:
    people = people_and_rooms("places")
    with system.web() as port:
        yield from _storm_sets(port, people)
        yield from _rush_for_any(port, people)


def add_resource(people: dict[str, Any], name: str, units: int = 1) -> int:
    from api.models import Resource

    return Resource.objects.create(venue_id=people["venue"], name=name, capacity=4, units=units).pk


def get_noon(day: int) -> datetime:
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    return noon + timedelta(days=day)


def post_booking(people: dict[str, Any], **body: Any) -> bytes:
    return load.post("/api/v1/bookings/", json.dumps(body).encode(), people["token"])


def count_rows(sql: str, *values: Any) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.fetchone()[0])


# several at once


def _storm_sets(port: int, people: dict[str, Any]) -> list[Figure]:
    """Three of five resources in random order: any two such sets have one in common."""
    dice, rounds = random.Random(1), PLAN.rounds(STORMS)
    parts = [add_resource(people, f"Part {n}") for n in range(5)]
    before, winners, failed = count_deadlocks(), set(), 0
    slowest: list[float] = []
    for number in range(rounds):
        times = format_times(get_noon(2 + number))
        requests = [
            post_booking(people, resources=dice.sample(parts, 3), **times) for _ in range(STORM)
        ]
        outcome = load.storm(port, requests)
        winners.add(outcome.statuses[201])
        failed += outcome.failed
        slowest.append(max(outcome.latencies))
    partial = count_rows(
        "SELECT count(*) FROM api_booking b WHERE several AND 3 <> (SELECT count(*)"
        " FROM api_allocation a WHERE a.booking_id = b.id AND a.resource_id = ANY(%s))",
        parts,
    )
    orphans = count_rows("SELECT count(*) FROM api_allocation WHERE resource_id = ANY(%s)", parts)
    partial += orphans - 3 * rounds
    tied = count_deadlocks() - before
    return [
        Figure(
            f"storm of {STORM} for three of five resources in random order, {rounds} rounds:"
            " winners a round",
            f"{min(winners)} to {max(winners)}",
            "1",
            winners == {1},
        ),
        Figure(
            "… partial sets, answers 5xx, deadlocks",
            f"{partial}, {failed}, {tied}",
            "0",
            not partial + failed + tied,
        ),
        Figure(
            "… slowest request of a round",
            f"{1e3 * statistics.median(slowest):.0f} ms, at worst {1e3 * max(slowest):.0f} ms",
        ),
    ]


def format_times(start: datetime) -> dict[str, str]:
    return {"starts_at": start.isoformat(), "ends_at": (start + HOUR).isoformat()}


# any of several


def _rush_for_any(port: int, people: dict[str, Any]) -> list[Figure]:
    from api.models import Need, Pool, Service, ServiceDuration

    barbers = [add_resource(people, f"Barber {n}") for n in range(BARBERS)]
    service = Service.objects.create(venue_id=people["venue"], name="Cut")
    ServiceDuration.objects.create(service=service, duration=HOUR)
    pool = Pool.objects.create(venue_id=people["venue"], name="Barbers")
    pool.resources.set(barbers)
    Need.objects.create(service=service, pool=pool)
    found, failed, before = set(), 0, count_deadlocks()
    rounds = PLAN.rounds(RUSHES)
    for number in range(rounds):
        start = get_noon(2 + number)
        body = {"service": service.pk, "starts_at": start.isoformat()}
        outcome = load.storm(port, [post_booking(people, **body)] * STORM)
        different = count_rows(
            "SELECT count(DISTINCT resource_id) FROM api_booking"
            " WHERE service_id = %s AND starts_at = %s",
            service.pk,
            start,
        )
        found.add((outcome.statuses[201], different, outcome.statuses[409]))
        failed += outcome.failed
    tied = count_deadlocks() - before
    wanted = (BARBERS, BARBERS, STORM - BARBERS)
    least, most = min(found), max(found)
    return [
        Figure(
            f"any of {BARBERS} barbers, {STORM} rivals, {rounds} rounds: winners, barbers, refused",
            "{} of {}, {}".format(*least) if least == most else f"{least} to {most}",
            "{} of {}, {}".format(*wanted),
            found == {wanted},
        ),
        Figure("… answers 5xx, deadlocks", f"{failed}, {tied}", "0", not failed + tied),
    ]
