"""Doors open: 10,000 requests for the 1,000 places of one class, all at once. In SQL by pgbench,
with the statement that a booking runs, against as many bare inserts; over REST against plain
bookings on free resources.
"""

from __future__ import annotations

import itertools
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import load, system
from bench.booking import bodies, people_and_rooms
from bench.places import add_resource, count_rows, format_times, get_noon, post_booking
from bench.sizes import PLAN, Figure, spread

PLACES, REQUESTS, CLIENTS = 1000, 10_000, 200
SQL_CLIENTS = 190  # the server lets 200 in, some of whom are ours
ROUNDS = 3
HOUR = timedelta(hours=1)


def _size(many: int) -> int:
    return many // 5 if PLAN.quick else many


def run() -> Iterator[Figure]:
    people = people_and_rooms("doors")
    yield from _measure_sql(people)
    with system.web() as port:
        yield from _measure_rest(port, people)


def _measure_rest(port: int, people: dict[str, Any]) -> list[Figure]:
    """The same clients ask for places of the class and, before, for rooms that nobody else wants.
    Who is told that the server is busy asks again, so that every answer is a booking or a refusal
    of a class that is full."""
    few = people | {"resources": people["resources"][:20]}
    plain = (load.post("/api/v1/bookings/", body, people["token"]) for body in bodies(few, 200))
    # until every process has cached the rules of every room: those of the class are in a moment
    load.steady(port, 16, itertools.islice(plain, 1000), 60)
    rates, sales, sold, failed, busy = [], [], set(), 0, Counter[str]()
    shown: list[tuple[float, float, float]] = []
    for number in range(2 if PLAN.quick else ROUNDS):
        resource = add_resource(people, f"Class {number}", _size(PLACES))
        request = post_booking(people, resource=resource, **format_times(get_noon(10)))
        base = load.steady(port, CLIENTS, itertools.islice(plain, _size(REQUESTS) // 10), 600)
        assert set(base.statuses) == {201}, base.statuses
        mine = load.steady(port, CLIENTS, iter([request] * _size(REQUESTS)), 600)
        sold.add(_count_taken(resource))
        failed += mine.failed + _size(REQUESTS) - mine.statuses[201] - mine.statuses[409]
        busy.update(plain=base.busy, doors=mine.busy)
        sale = mine.statuses[201] / mine.last[201]
        rates.append(mine.rate / base.rate)
        sales.append(sale / base.rate)
        shown.append((mine.rate, sale, base.rate))
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
        Figure(
            "… how often somebody had to ask again: class / plain bookings",
            f"{busy['doors']} / {busy['plain']}",
        ),
    ]


def _count_taken(resource: int) -> int:
    return count_rows(
        "SELECT count(DISTINCT unit) FROM api_allocation WHERE resource_id = %s AND blocking",
        resource,
    )


# in SQL: the statement that a booking runs, made by the function that makes it

DOOR, WARM = 4711, 6  # an advisory lock; how often each connection has run its statement before
_ID, _RESOURCE, _STARTS = 10**15, 10**14, datetime(2090, 1, 1, 12, tzinfo=UTC)  # put in instead
# for all the same, or for each another
_START = "(timestamptz '2090-01-01' + (:apart::bigint * :id::bigint % 4000000) * interval '1 hour')"
_END = f"({_START} + interval '1 hour')"
_BARE = (
    "WITH taken AS (INSERT INTO api_allocation (booking_id, resource_id, unit, span, blocking,"
    f" kind) VALUES (:id::bigint, :resource::bigint, 1::bigint, tstzrange({_START}, {_END}), true,"
    " 'booking') ON CONFLICT DO NOTHING RETURNING booking_id) INSERT INTO api_booking (id,"
    " venue_id, resource_id, owner_id, title, notes, guests, starts_at, ends_at, status, primetime,"
    " completes_at, lapses_at, price_minor, currency, payment_status, rejection_reason, contract,"
    " version) SELECT booking_id, {venue}, :resource::bigint, {owner}, '', '', 1,"
    f" {_START}, {_END}, 'confirmed', false, {_END}, {_END}, 0, '', 'none', '', '', 1 FROM taken"
)


def _write_booking(people: dict[str, Any]) -> str:
    """What `create_booking` runs for a place of a class. Without history and emails, which the bare
    inserts do not write either."""
    from django.db import connection
    from psycopg import ClientCursor

    from api.models import Booking, Resource
    from api.queries.bookings.occupancy import Part
    from api.services.bookings.statements import insert_statement

    resource, ends = Resource(pk=_RESOURCE, units=PLACES), _STARTS + HOUR
    booking = Booking(
        pk=_ID, venue_id=people["venue"], resource=resource, owner=people["user"],
        starts_at=_STARTS, ends_at=ends, completes_at=ends, lapses_at=ends, status="confirmed",
    )  # fmt: skip
    statement = insert_statement(booking, [Part(resource, 1, _STARTS, ends)], [])
    sql = ClientCursor(connection.connection).mogrify(*statement)
    put_in = {
        f"'{_STARTS}'": _START,
        f"'{ends}'": _END,
        str(_ID): ":id",
        str(_RESOURCE): ":resource",
    }
    for value, name in put_in.items():
        sql = sql.replace(value, name)
    return sql


def _measure_sql(people: dict[str, Any]) -> Iterator[Figure]:
    """Clients with connections that have booked before wait at the door, and each then asks several
    times: in all as often as there are places, or ten times as often."""
    bare = _BARE.format(venue=people["venue"], owner=people["user"].pk)
    booking = _write_booking(people)
    room = add_resource(people, "Room of bare inserts")
    course = add_resource(people, "Course of whom nobody wants the same time", PLACES)
    ratios: dict[int, list[float]] = {5: [], 53: []}
    shown: dict[int, list[tuple[float, float]]] = {each: [] for each in ratios}
    calm, unsold = [], 0
    for number in range(PLAN.rounds(ROUNDS)):
        for each, found in ratios.items():
            places = min(PLACES, each * SQL_CLIENTS)
            resource = add_resource(people, f"Course {number} {each}", places)
            base = _pgbench(bare, each, room)
            mine = _pgbench(booking, each, course, resource, apart=0)
            found.append(mine / base)
            shown[each].append((mine, base))
            unsold += abs(places - _count_taken(resource))
            if places < PLACES:
                calm.append(mine / _pgbench(booking, each, course))
    for each, found in ratios.items():
        rates = " / ".join(f"{statistics.median(r):.0f}" for r in zip(*shown[each], strict=True))
        many = each * SQL_CLIENTS
        what = "all of them sold" if many <= PLACES else f"{PLACES:,} sold, the rest refused"
        ratio = statistics.median(found)
        yield Figure(
            f"doors open in SQL, {many:,} requests of {SQL_CLIENTS} clients ({what}),"
            " against bare inserts",
            f"{ratio:.2f} × ({spread(found)}; {rates} per s)",
            "≥ 0.8",
            ratio >= 0.8 and not unsold,
        )
    yield Figure(
        "… where all are sold, against the same statement at times that nobody else wants",
        f"{statistics.median(calm):.2f} × ({spread(calm)})",
        "≥ 0.8",
        statistics.median(calm) >= 0.8,
    )


def _pgbench(
    statement: str, each: int, resource: int, then: int | None = None, *, apart: int = 1
) -> float:
    """How often a second the statement ran from when the doors opened to the last answer. Each
    connection has run it before, with the first resource and times of its own."""
    from django.db import connection

    from backend.devserver.postgres import find_binaries
    from backend.devserver.processes import Owner

    script = f"""
\\if :n = {WARM}
SELECT pg_advisory_xact_lock_shared({DOOR});
\\set resource {then or resource}
\\set apart {apart}
\\endif
\\set n :n + 1
SELECT nextval('api_booking_id_seq') AS id \\gset
{statement};
"""
    info = connection.connection.info
    with TemporaryDirectory() as folder, connection.cursor() as cursor:
        (Path(folder) / "script.sql").write_text(script)
        cursor.execute("SELECT pg_advisory_lock(%s)", [DOOR])
        with subprocess.Popen(
            [
                str(find_binaries(Owner.of(Path(".data/bench/postgres"))) / "pgbench"),
                "-h", info.host, "-p", str(info.port), "-U", info.user,
                "-n", "-M", "prepared", "-j", "2", "-c", str(SQL_CLIENTS), "-t", str(WARM + each),
                "-D", "n=0", "-D", f"resource={resource}", "-D", "apart=1",
                "-f", "script.sql", "--log", info.dbname,
            ],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PGPASSWORD": info.password or "", "PATH": "/usr/bin"},
        ) as pgbench:  # fmt: skip
            while count_rows(_WAITING) < SQL_CLIENTS and pgbench.poll() is None:
                time.sleep(0.1)
            opened = time.time()
            cursor.execute("SELECT pg_advisory_unlock(%s)", [DOOR])
            output = pgbench.communicate()[0]
        assert "failed transactions: 0" in output, output
        lines = [
            line.split()
            for log in Path(folder).glob("pgbench_log.*")
            for line in log.read_text().splitlines()
        ]
    assert len(lines) == SQL_CLIENTS * (WARM + each), output
    closed = max(int(seconds) + int(rest) / 1e6 for *_, seconds, rest in lines)
    return each * SQL_CLIENTS / (closed - opened)


_WAITING = f"SELECT count(*) FROM pg_locks WHERE objid = {DOOR} AND NOT granted"
