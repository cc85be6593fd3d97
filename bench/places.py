"""What can be booked besides one room: sets that overlap, the places of a class, any of several.

Doors open: 10,000 requests for the 1,000 places of one class, all at once. In SQL by pgbench, with
the statements that a booking runs, against as many bare inserts; over REST against plain bookings
on free resources.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import statistics
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import load, system
from bench.booking import bodies, count_deadlocks, people_and_rooms
from bench.sizes import PLAN, Figure, spread

STORM, STORMS = 64, 200
BARBERS, RUSHES = 20, 12
PLACES, REQUESTS, CLIENTS = 1000, 10_000, 200
SQL_CLIENTS = 190  # the server lets 200 in, some of whom are ours
ROUNDS = 3
HOUR = timedelta(hours=1)


def run() -> Iterator[Figure]:
    people = people_and_rooms("places")
    with system.web() as port:
        yield from _storm_sets(port, people)
        yield from _rush_for_any(port, people)
        yield from _open_doors_in_sql(people)
        yield from _open_doors(port, people)


def _size(many: int) -> int:
    return many // 5 if PLAN.quick else many


def _add(people: dict[str, Any], name: str, units: int = 1) -> int:
    from api.models import Resource

    return Resource.objects.create(venue_id=people["venue"], name=name, capacity=4, units=units).pk


def _start(day: int) -> datetime:
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    return noon + timedelta(days=day)


def _post(people: dict[str, Any], **body: Any) -> bytes:
    return load.post("/api/v1/bookings/", json.dumps(body).encode(), people["token"])


def _count(sql: str, *values: Any) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.fetchone()[0])


# several at once


def _storm_sets(port: int, people: dict[str, Any]) -> list[Figure]:
    """Three of five resources in random order: any two such sets have one in common."""
    dice, rounds = random.Random(1), PLAN.rounds(STORMS)
    parts = [_add(people, f"Part {n}") for n in range(5)]
    before, winners, failed = count_deadlocks(), set(), 0
    slowest: list[float] = []
    for number in range(rounds):
        times = _times(_start(2 + number))
        requests = [_post(people, resources=dice.sample(parts, 3), **times) for _ in range(STORM)]
        outcome = load.storm(port, requests)
        winners.add(outcome.statuses[201])
        failed += outcome.failed
        slowest.append(max(outcome.latencies))
    partial = _count(
        "SELECT count(*) FROM api_booking b WHERE several AND 3 <> (SELECT count(*)"
        " FROM api_allocation a WHERE a.booking_id = b.id AND a.resource_id = ANY(%s))",
        parts,
    )
    orphans = _count("SELECT count(*) FROM api_allocation WHERE resource_id = ANY(%s)", parts)
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


def _times(start: datetime) -> dict[str, str]:
    return {"starts_at": start.isoformat(), "ends_at": (start + HOUR).isoformat()}


# any of several


def _rush_for_any(port: int, people: dict[str, Any]) -> list[Figure]:
    from api.models import Need, Pool, Service, ServiceDuration

    barbers = [_add(people, f"Barber {n}") for n in range(BARBERS)]
    service = Service.objects.create(venue_id=people["venue"], name="Cut")
    ServiceDuration.objects.create(service=service, duration=HOUR)
    pool = Pool.objects.create(venue_id=people["venue"], name="Barbers")
    pool.resources.set(barbers)
    Need.objects.create(service=service, pool=pool)
    found, failed, before = set(), 0, count_deadlocks()
    rounds = PLAN.rounds(RUSHES)
    for number in range(rounds):
        start = _start(2 + number)
        body = {"service": service.pk, "starts_at": start.isoformat()}
        outcome = load.storm(port, [_post(people, **body)] * STORM)
        different = _count(
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


# doors open


def _open_doors(port: int, people: dict[str, Any]) -> list[Figure]:
    plain = (load.post("/api/v1/bookings/", b, people["token"]) for b in bodies(people, 200))
    load.steady(port, 16, itertools.islice(plain, 2000), 60)  # until caches are full
    rates, sales, sold, failed = [], [], set(), 0
    shown: list[tuple[float, float, float]] = []
    for number in range(2 if PLAN.quick else ROUNDS):
        resource = _add(people, f"Class {number}", _size(PLACES))
        request = _post(people, resource=resource, **_times(_start(10)))
        base = load.steady(port, CLIENTS, itertools.islice(plain, _size(REQUESTS) // 10), 600)
        # 409 where more wait for the server than it lets wait
        assert set(base.statuses) <= {201, 409}, base.statuses
        mine = load.steady(port, CLIENTS, iter([request] * _size(REQUESTS)), 600)
        sold.add(_count_taken(resource))
        failed += mine.failed + _size(REQUESTS) - sum(mine.statuses.values())
        sale, made = (each.statuses[201] / each.last[201] for each in (mine, base))
        rates.append(mine.rate / base.rate)
        sales.append(sale / made)
        shown.append((mine.rate, sale, made))
    places, requests = _size(PLACES), _size(REQUESTS)
    rate, sale, base_rate = (statistics.median(each) for each in zip(*shown, strict=True))
    share = min(statistics.median(rates), statistics.median(sales))
    return [
        Figure(
            f"doors open: places sold of {places:,} to {requests:,} requests of {CLIENTS} clients",
            " ".join(f"{n:,}" for n in sorted(sold)),
            f"{places:,}",
            sold == {places},
        ),
        Figure("… answers 5xx", str(failed), "0", not failed),
        Figure(
            "… over REST, answers / places sold a second, against plain bookings of free resources",
            f"{statistics.median(rates):.2f} × ({spread(rates)}) /"
            f" {statistics.median(sales):.2f} × ({spread(sales)};"
            f" {rate:.0f} / {sale:.0f} against {base_rate:.0f} per s)",
            "≥ 0.5",
            share >= 0.5,
        ),
    ]


def _count_taken(resource: int) -> int:
    return _count(
        "SELECT count(DISTINCT unit) FROM api_allocation WHERE resource_id = %s AND blocking",
        resource,
    )


# as `api.services.bookings.places.take` does it: guess, look for a free one, refuse by the count
_GUESSED = "(:id::bigint % :units::bigint + 1)"
_BOOKING = (
    "INSERT INTO api_booking (id, venue_id, resource_id, owner_id, title, notes, guests, starts_at,"
    " ends_at, status, primetime, completes_at, lapses_at, price_minor, currency, payment_status,"
    " rejection_reason, contract, version) SELECT booking_id, :venue::bigint, :resource::bigint,"
    " :owner::bigint, '', '', 1, {start}, {start} + interval '1 hour', 'confirmed', false, {start},"
    " {start}, 0, '', 'none', '', '', 1 FROM taken RETURNING id"
)
_ALLOCATION = (
    "taken AS (INSERT INTO api_allocation (booking_id, resource_id, unit, span, blocking, kind)"
    " VALUES (:id::bigint, :resource::bigint, {unit}::bigint,"
    " tstzrange({start}, {start} + interval '1 hour'), true, 'booking') ON CONFLICT DO NOTHING"
    " RETURNING booking_id)"
)
_TAKE = f"WITH {_ALLOCATION}, written AS ({_BOOKING}) SELECT count(*) AS won FROM written \\gset"
_FIXED = "timestamptz '2090-01-01 12:00+00'"
_DISTINCT = "(timestamptz '2100-01-01 12:00+00' + (:id::bigint % 4000000) * interval '1 hour')"
_FREE = (
    "SELECT coalesce((SELECT n FROM (SELECT n FROM generate_series(1::bigint, :units::bigint) n"
    " EXCEPT SELECT a.unit FROM api_allocation a WHERE a.resource_id = :resource::bigint"
    f" AND a.span && tstzrange({_FIXED}, {_FIXED} + interval '1 hour') AND a.blocking) free"
    " ORDER BY random() LIMIT 1), 0) AS unit \\gset"
)
_FULL = (
    "SELECT coalesce(max(taken), 0) AS taken FROM (SELECT sum(e.change) OVER (ORDER BY e.at,"
    " e.change) AS taken FROM api_allocation a LEFT JOIN api_booking b ON b.id = a.booking_id"
    " CROSS JOIN LATERAL (VALUES (lower(a.span), 1), (upper(a.span), -1)) AS e(at, change)"
    " WHERE a.resource_id = :resource::bigint"
    f" AND a.span && tstzrange({_FIXED}, {_FIXED} + interval '1 hour') AND a.blocking) s \\gset"
)
_NEXT = "SELECT nextval('api_booking_id_seq') AS id \\gset"
_OPEN = "\n".join([
    _NEXT,
    "BEGIN;",
    "SELECT pg_advisory_xact_lock_shared(1970170228::int, :resource::int);",
    _TAKE.format(unit=_GUESSED, start=_FIXED),
    "\\if :won = 0",
    _FREE,
    "\\if :unit > 0",
    _TAKE.format(unit=":unit", start=_FIXED),
    "\\endif",
    "\\endif",
    "\\if :won = 0",
    "ROLLBACK;",
    _FULL,
    "\\else",
    "COMMIT;",
    "\\endif",
])  # fmt: skip
_BARE = "\n".join([_NEXT, _TAKE.format(unit="1", start=_DISTINCT)])
_CALM = "\n".join([
    _NEXT,
    "BEGIN;",
    "SELECT pg_advisory_xact_lock_shared(1970170228::int, :resource::int);",
    _TAKE.format(unit=_GUESSED, start=_DISTINCT),
    "COMMIT;",
])  # fmt: skip


def _open_doors_in_sql(people: dict[str, Any]) -> Iterator[Figure]:
    ratios: dict[int, list[float]] = {PLACES: [], REQUESTS: []}
    shown: dict[int, list[tuple[float, float]]] = {PLACES: [], REQUESTS: []}
    sold, calm = set(), []
    room = _add(people, "Room of bare inserts")
    empty = _add(people, "Course of whom nobody wants the same time", PLACES)
    for number in range(PLAN.rounds(ROUNDS)):
        for many, found in ratios.items():
            resource = _add(people, f"Course {number} {many}", PLACES)
            base = _pgbench(people, _BARE, room, many)
            mine = _pgbench(people, _OPEN, resource, many)
            found.append(mine / base)
            shown[many].append((mine, base))
            if many == PLACES:
                calm.append(mine / _pgbench(people, _CALM, empty, many))
            else:
                sold.add(_count_taken(resource))
    for many, found in ratios.items():
        rates = " / ".join(f"{statistics.median(r):.0f}" for r in zip(*shown[many], strict=True))
        what = "all of them sold" if many == PLACES else f"{min(sold):,} sold, the rest refused"
        ratio = statistics.median(found)
        yield Figure(
            f"doors open in SQL, {many:,} requests of {SQL_CLIENTS} clients ({what}),"
            " against bare inserts",
            f"{ratio:.2f} × ({spread(found)}; {rates} per s)",
            "≥ 0.8",
            ratio >= 0.8 and sold == {PLACES},
        )
    yield Figure(
        f"… {PLACES:,} of them sold, against the same statements at times that nobody else wants",
        f"{statistics.median(calm):.2f} × ({spread(calm)})",
        "≥ 0.8",
        statistics.median(calm) >= 0.8,
    )


def _pgbench(people: dict[str, Any], script: str, resource: int, many: int) -> float:
    """Transactions a second."""
    from django.db import connection

    from backend.devserver.postgres import find_binaries
    from backend.devserver.processes import Owner

    clients = min(SQL_CLIENTS, many)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "script.sql"
        file.write_text(script + "\n")
        info = connection.connection.info
        where = ["-h", info.host, "-p", str(info.port), "-U", info.user]
        known = {
            "venue": people["venue"],
            "owner": people["user"].pk,
            "resource": resource,
            "units": PLACES,
        }
        done = subprocess.run(
            [
                str(find_binaries(Owner.of(Path(".data/bench/postgres"))) / "pgbench"),
                *where, "-n", "-M", "prepared", "-j", "2", "-c", str(clients),
                "-t", str(-(-many // clients)), "-f", str(file),
                *(f"-D{name}={value}" for name, value in known.items()),
                info.dbname,
            ],
            check=True,
            capture_output=True,
            text=True,
            env={"PGPASSWORD": info.password or "", "PATH": "/usr/bin"},
        )  # fmt: skip
    assert "failed transactions: 0" in done.stdout, done.stdout + done.stderr
    return float(re.search(r"tps = ([\d.]+)", done.stdout)[1])  # type: ignore[index]
