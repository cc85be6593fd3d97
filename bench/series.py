"""Series and the waitlist: what 52 bookings cost against one, and how soon who waits is offered."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import Any

from bench.clock import (
    HOLDS,
    WITHIN,
    _empty,
    _people,
    _percentile,
    _process,
    _rows,
    _sql,
    _until,
    _worker,
)
from bench.sizes import PLAN, Figure

ROUNDS = 120
HOUR = timedelta(hours=1)


def run() -> list[Figure]:
    _people()
    rows = _requests()
    _empty()
    return rows + _offers()


# requests


def _requests() -> list[Figure]:
    """A booking and a year of weeks in turn, each a request to v1 without the network."""
    from django.utils import timezone
    from rest_framework.test import APIClient

    from api.models import Resource, User

    rooms = list(Resource.objects.filter(venue__slug="clock").values_list("pk", flat=True))
    client = APIClient()
    client.force_authenticate(User.objects.get(email="clock@example.com"))
    start = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=2)

    def ask(path: str, room: int, **more: Any) -> float:
        body = {"resource": room, "starts_at": start, "ends_at": start + HOUR, **more}
        began = time.perf_counter()
        answer = client.post(f"/api/v1/{path}/", body, format="json")
        took = time.perf_counter() - began
        assert answer.status_code == 201, answer.content
        return took

    one, many = [], []
    for n in range(PLAN.rounds(ROUNDS)):
        one.append(ask("bookings", rooms[2 * n]))
        many.append(ask("series", rooms[2 * n + 1], rule="FREQ=WEEKLY;COUNT=52"))
    ratio = _percentile(many, 0.95) / _percentile(one, 0.95)
    middle = _percentile(many, 0.5) / _percentile(one, 0.5)
    times = f"{_percentile(one, 0.5) * 1e3:.0f} → {_percentile(many, 0.5) * 1e3:.0f} ms"
    return [
        Figure(
            "52 occurrences against one booking, p95",
            f"{ratio:.2f} × (p50 {middle:.2f} ×, {times})",
            "≤ 4",
            ratio <= 4,
        )
    ]


# offers

ENTRIES = (
    "INSERT INTO api_waitlistentry (venue_id, owner_id, resource_id, from_at, until_at, duration,"
    " status, lapses_at, version) SELECT venue_id, owner_id, resource_id, starts_at, ends_at,"
    " ends_at - starts_at, 'waiting', ends_at, 1 FROM api_booking WHERE status = '{status}'"
)
# past the services, so that nobody offers it there and then
FREE = (
    "UPDATE api_booking SET status = 'cancelled', ended_at = statement_timestamp() WHERE id ="
    " (SELECT min(id) FROM api_booking WHERE status = 'confirmed')"
)
LAGS = (
    "SELECT extract(epoch FROM o.created_at - {since})::float FROM api_booking b"
    " JOIN api_waitlistentry w ON w.resource_id = b.resource_id AND w.from_at = b.starts_at"
    " JOIN api_booking o ON o.id = w.booking_id"
    " WHERE b.status = %s"
)


def _offers() -> list[Figure]:
    """Somebody waits for each of many holds that expire, and for what is cancelled in the database
    alone, while a worker and beat run."""
    from api.models import Booking, Job

    holds, freed = PLAN.rounds(HOLDS), PLAN.rounds(100)
    with (
        _worker("backend"),
        _process("celery", "-q", "-A", "backend", "beat", "--pidfile=", "--loglevel", "ERROR"),
    ):
        _until(lambda: Job.objects.filter(name="expire_holds", runs__gt=0).exists())
        hold = f"statement_timestamp() + interval '1 s' * (5 + random() * {WITHIN})"
        _sql(_rows(holds, "held", hold), ENTRIES.format(status="held"))
        _until(lambda: not Booking.objects.filter(status="held").exists())
        late = _list_lags("b.hold_expires_at", "expired")
        _empty()
        _sql(_rows(freed, "confirmed", "NULL"), ENTRIES.format(status="confirmed"))
        for _ in range(freed):
            _sql(FREE)
            time.sleep(random.expovariate(5))
        _until(lambda: Booking.objects.filter(status="offered").count() == freed)
        past = _list_lags("b.ended_at", "cancelled")
    _empty()
    _sql(_rows(freed, "confirmed", "NULL"), ENTRIES.format(status="confirmed"))
    at_once = _cancel_all()
    return [
        _build_figure("from the end of a hold to the offer, by the sweep", late, 10),
        _build_figure("from what is freed in the database to the offer, by the sweep", past, 10),
        _build_figure("a cancellation with its offer, both there at once", at_once, 1),
    ]


def _cancel_all() -> list[float]:
    """Seconds of each, after which the offer is there: it is made in the same transaction."""
    from api.models import Booking
    from api.services.actors import Actor
    from api.services.bookings.actions import cancel_booking

    found = []
    for booking in Booking.objects.filter(status="confirmed").select_related("owner"):
        began = time.perf_counter()
        cancel_booking(booking.pk, Actor.for_booking(booking.owner, booking))
        found.append(time.perf_counter() - began)
    assert Booking.objects.filter(status="offered").count() == len(found)
    return found


def _list_lags(since: str, status: str) -> list[float]:
    """Seconds from then to the offer, of each booking that has ended in that status."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(LAGS.format(since=since), [status])
        return [row[0] for row in cursor.fetchall()]


def _build_figure(what: str, lags: list[float], goal: float) -> Figure:
    most = _percentile(lags, 0.99)
    figure = f"p99 {most:.3f} s, p50 {_percentile(lags, 0.5):.3f} s ({len(lags)})"
    return Figure(what, figure, f"p99 < {goal} s", most < goal)
