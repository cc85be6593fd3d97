"""A year of 1,000 rooms and 1,000,000 bookings: its figures from the bookings and from the sums
kept of its days. Both must say the same."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bench import loading

ROOMS, BOOKINGS, ROUNDS = 1000, 1_000_000, 5

# Half an hour to two hours long, one begun every 8 h 45 min in every room; one in twenty nobody
# came to, about one in ten ended early, one in twenty-five cancelled.
COPY = """COPY api_booking (venue_id, resource_id, owner_id, title, notes, guests, starts_at,
    ends_at, status, primetime, completes_at, no_show_at, ended_at, checked_in_at, price_minor,
    currency, payment_status, rejection_reason, contract, version) FROM STDIN"""


def run() -> list[tuple[str, str]]:
    from django.db import connection

    from api.queries.analytics import analytics
    from api.services.analytics import rollups

    began = time.perf_counter()
    venue = _load()
    loaded = time.perf_counter() - began
    days = sum(iter(rollups.roll_up, 0))  # a run stops after its time, the next goes on
    rolled = time.perf_counter() - began - loaded
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE api_dayrollup, api_monthrollup, api_outdatedperiod")
    last_on = datetime.now(UTC).date()
    figures = (
        analytics.compute_kpi,
        analytics.compute_utilization,
        analytics.compute_ghosting,
        analytics.compute_capacity,
        analytics.compute_heat_map,
    )
    first_on = last_on - timedelta(days=364)
    return [
        (f"{BOOKINGS:,} bookings of {ROOMS:,} rooms loaded by COPY", f"{loaded:.0f} s"),
        (f"{days:,} days of rooms summed up", f"{rolled:.0f} s"),
        *(_compared(figure, venue, first_on, last_on) for figure in figures),
    ]


def _compared(
    figure: Callable[..., Any], venue: Any, first_on: date, last_on: date
) -> tuple[str, str]:
    """Rounds in turn, so that what else the machine does falls on both."""
    from api.queries.analytics import aggregates

    figure(venue, first_on, last_on)
    slow, fast, ratios = [], [], []
    for _ in range(ROUNDS):
        direct, took = _timed(lambda: figure(venue, first_on, last_on, source=aggregates))
        kept, quick = _timed(lambda: figure(venue, first_on, last_on))
        assert kept == direct, figure.__name__
        slow.append(took)
        fast.append(quick)
        ratios.append(took / quick)
    times = f"{statistics.median(slow) * 1000:.0f} / {statistics.median(fast) * 1000:.0f} ms"
    spread = f"{min(ratios):.0f} to {max(ratios):.0f}"
    return (
        f"A year of {figure.__name__} from the bookings / from sums, same numbers",
        f"{statistics.median(ratios):.0f} times faster ({spread}; {times})",
    )


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    return work(), time.perf_counter() - began


def _load() -> Any:
    from api.models import Resource, User, Venue

    venue = Venue.objects.create(
        slug="year", name="A year", time_zone="Europe/Berlin", opens_at="07:00", closes_at="19:00"
    )
    Resource.objects.bulk_create(
        Resource(venue=venue, name=f"Room {n}", capacity=2 + n % 11) for n in range(ROOMS)
    )
    rooms = list(Resource.objects.filter(venue=venue).order_by("pk").values_list("pk", flat=True))
    owner = User.objects.create_user("year@example.com", None)
    with loading.without_triggers() as cursor, cursor.copy(COPY) as copy:
        for n in range(BOOKINGS):
            copy.write_row(_row(n, venue.pk, rooms[n % ROOMS], owner.pk))
    return venue


def _row(n: int, venue: int, room: int, owner: int) -> tuple[Any, ...]:
    turn = n // ROOMS  # of a thousand in a room's year: 8 h 45 min apart
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=368)
    starts = first + turn * timedelta(minutes=525) + timedelta(minutes=15 * (n * 7 % 5))
    ends = starts + timedelta(minutes=30 * (1 + n % 4))
    status = "no_show" if n % 20 == 3 else "cancelled" if n % 25 == 4 else "completed"
    ended = ends - timedelta(minutes=10) if n % 10 == 7 and status == "completed" else None
    grace = starts + timedelta(minutes=15) if status == "no_show" else None
    people = 1 + n % 9
    return (
        venue, room, owner, "Meeting", "", people, starts, ends, status, False, ends, grace,
        ended, None, 0, "", "none", "", "", 1,
    )  # fmt: skip
