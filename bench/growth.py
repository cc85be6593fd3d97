"""What reading and the clock's idling cost as the table grows, tenfold at a time.

The month that is asked for holds the same bookings at every size; what grows is the past.
"""

from __future__ import annotations

import base64
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from urllib.parse import quote

from django.db import connection
from django.db.models.functions import Now

from bench import loading, search
from bench.sizes import CURVES, PLAN, Compared, Curve, Figure, in_turn

ROOMS, SHOWN = 1000, 200
PAGE, DEEP = 50, 10_000
HOUR = timedelta(hours=1)
COLUMNS = (
    "venue_id, resource_id, owner_id, title, notes, guests, starts_at, ends_at, status, primetime,"
    " completes_at, lapses_at, price_minor, currency, payment_status, rejection_reason, contract,"
    " version"
)
PLACES = "api_venue v JOIN api_resource r ON r.venue_id = v.id AND v.slug = 'growth'"
# sums up a past that nobody has summed up yet: measured by itself
BUSY = {"roll_up_analytics"}


def run() -> list[Figure]:
    people = _people()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE api_booking CASCADE")
    _copy(_month(people))
    loaded = SHOWN * 7 * 4
    seen: dict[int, dict[str, Compared]] = {}
    idle: dict[int, float] = {}
    statements: dict[str, int] = {}
    for size in PLAN.sizes:
        _copy(_past(people, loaded, size))
        loaded = size
        seen[size] = _measured(people, size, statements)
        idle[size] = _idle()
    _draw(seen, idle)
    return _figures(seen, idle, statements)


# data


def _people() -> dict[str, Any]:
    from api.models import Membership, Resource, User, Venue

    venue = Venue.objects.create(slug="growth", name="Growth", opens_at="08:00", closes_at="20:00")
    rest = Venue.objects.create(slug="growth-rest", name="The rest")
    for place, many in ((venue, SHOWN), (rest, ROOMS - SHOWN)):
        Resource.objects.bulk_create(
            Resource(venue=place, name=f"Room {n}", capacity=4) for n in range(many)
        )
    rooms = Resource.objects.filter(venue__in=[venue, rest]).order_by("pk")
    staff = User.objects.create_user("growth-staff@example.com", None)
    for place in (venue, rest):
        Membership.objects.create(user=staff, venue=place, role="staff")
    ids = list(rooms.values_list("pk", flat=True))
    return {
        "service": search.create_service(ids[:SHOWN], venue.pk),
        "venues": dict(rooms.values_list("pk", "venue_id")),
        "rooms": ids,
        "owner": User.objects.create_user("growth@example.com", email_verified_at=Now()).pk,
        "staff": staff,
        "today": datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0),
    }


def _line(people: dict[str, Any], room: int, start: datetime, status: str) -> bytes:
    end = start + HOUR
    return (
        f"{people['venues'][room]}\t{room}\t{people['owner']}\tMeeting\t\t2\t{start}\t{end}\t"
        f"{status}\tf\t{end}\t{start}\t0\t\tnone\t\t\t1\n"
    ).encode()


def _month(people: dict[str, Any]) -> Iterator[bytes]:
    """Four bookings a day in each shown room, in the next week."""
    for room in people["rooms"][:SHOWN]:
        for day in range(1, 8):
            for hour in (9, 11, 14, 17):
                start = people["today"] + timedelta(days=day, hours=hour)
                yield _line(people, room, start, "confirmed")


def _past(people: dict[str, Any], first: int, until: int) -> Iterator[bytes]:
    """Hour by hour back from yesterday, in every room; one in ten was cancelled."""
    for n in range(first, until):
        start = people["today"] - timedelta(days=1) - n // ROOMS * HOUR
        yield _line(
            people, people["rooms"][n % ROOMS], start, "completed" if n % 10 else "cancelled"
        )


def _copy(lines: Iterator[bytes]) -> None:
    with (
        loading.without_triggers() as cursor,
        cursor.copy(f"COPY api_booking ({COLUMNS}) FROM STDIN") as copy,
    ):
        for line in lines:
            copy.write(line)


# measurements


def _client(user: Any) -> Any:
    from rest_framework.test import APIClient

    from api.services.accounts import tokens

    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.issue(user).access}")
    return client


def _measured(people: dict[str, Any], size: int, statements: dict[str, int]) -> dict[str, Compared]:
    from django.test.utils import CaptureQueriesContext

    client = _client(people["staff"])
    today, room = people["today"], people["rooms"][0]
    week = f"start={(today + timedelta(days=1)).date()}&end={(today + timedelta(days=7)).date()}"
    month = f"start={_z(today)}&end={_z(today + timedelta(days=30))}"
    deepest = min(DEEP, size // PAGE - 1)
    paths = {
        "availability": f"/api/v1/resources/{room}/availability/?{month}",
        "calendar": f"/api/v1/venues/growth/calendar/?{week}",
        "search": f"/api/v1/services/{people['service']}/slots/?{month}&duration=00:45:00",
        "first page": f"/api/v1/bookings/?page_size={PAGE}",
        "deep page": f"/api/v1/bookings/?page_size={PAGE}&cursor={_cursor(deepest * PAGE)}",
    }

    def get(path: str) -> Any:
        answer = client.get(path)
        assert answer.status_code == 200, answer.content
        return answer

    for name, path in paths.items():
        get(path)
        with CaptureQueriesContext(connection) as queries:
            get(path)
        statements[name] = len(queries) - 1  # without who is asking
    rounds = PLAN.rounds(40)

    def nothing():
        return get("/floor/nothing/")

    found = {
        name: in_turn(lambda p=path: get(p), nothing, rounds, 5)
        for name, path in paths.items()
        if name not in ("calendar", "search")
    }
    found["calendar"] = in_turn(
        lambda: get(paths["calendar"]), lambda: _bare_calendar(people), PLAN.rounds(12)
    )
    for name, sql in (("search", search.ANSWER), ("search rows", search.ROWS)):
        found[name] = in_turn(
            lambda: get(paths["search"]),
            lambda sql=sql: search.run_bare(sql, people["rooms"][:SHOWN], today),
            PLAN.rounds(12),
        )
    found["pages"] = in_turn(
        lambda: get(paths["deep page"]), lambda: get(paths["first page"]), rounds, 5
    )
    return found


def _z(moment: datetime) -> str:
    return quote(moment.isoformat().replace("+00:00", "Z"))


def _cursor(skipped: int) -> str:
    """That of the page after so many bookings, newest first."""
    from api.models import Booking

    row = Booking.objects.order_by("-id").values_list("pk", flat=True)[skipped]
    return quote(base64.b64encode(f"p={row}".encode()))


def _bare_calendar(people: dict[str, Any]) -> None:
    """The same rows by SQL alone: the rooms, and what blocks them in that week."""
    week = [people["today"] + timedelta(days=days) for days in (1, 8)]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {PLACES}")
        cursor.fetchall()
        cursor.execute(
            f"SELECT b.*, u.* FROM {PLACES} JOIN api_allocation a ON a.resource_id = r.id"
            " JOIN api_booking b ON b.id = a.booking_id JOIN api_user u ON u.id = b.owner_id"
            " WHERE a.blocking AND a.span && tstzrange(%s, %s) ORDER BY b.starts_at",
            week,
        )
        cursor.fetchall()


def _idle() -> float:
    """Milliseconds that the database works for one round of every job, nothing being due."""
    from backend.schedule import SCHEDULE

    works = [_work(job.task) for name, job in SCHEDULE.items() if name not in BUSY]
    taken = []
    for _ in range(PLAN.rounds(12) + 1):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_statements_reset()")
        for work in works:
            work()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT sum(total_exec_time + total_plan_time) FROM pg_stat_statements"
                " WHERE query NOT LIKE '%%pg_stat_statements%%'"
            )
            taken.append(float(cursor.fetchone()[0]))
    return statistics.median(taken[1:])  # the first finds its caches cold


def _work(task: str) -> Any:
    module, _, name = task.rpartition(".")
    return getattr(import_module(module), name)


# what comes of it


def _draw(seen: dict[int, dict[str, Compared]], idle: dict[int, float]) -> None:
    lines = {
        name: {size: 1e3 * statistics.median(found[name].ours) for size, found in seen.items()}
        for name in ("availability", "first page", "deep page")
    }
    CURVES.append(Curve("Reading, by bookings in the table", "ms", lines))
    CURVES.append(Curve("One idle round of every job, in the database", "ms", {"all jobs": idle}))
    month = {size: 1e3 * statistics.median(f["search"].ours) for size, f in seen.items()}
    CURVES.append(Curve(f"A service's slots of {search.DAYS} days", "ms", {"search": month}))
    week = {size: 1e3 * statistics.median(f["calendar"].ours) for size, f in seen.items()}
    CURVES.append(Curve(f"A week of {SHOWN} resources", "ms", {"calendar": week}))


def _figures(
    seen: dict[int, dict[str, Compared]], idle: dict[int, float], statements: dict[str, int]
) -> list[Figure]:
    few, many = min(seen), max(seen)
    month, week, pages = (seen[many][name] for name in ("availability", "calendar", "pages"))
    grown = month.ratio / seen[few]["availability"].ratio
    asked = {name: statements[name] for name in ("availability", "calendar")}
    deepest = min(DEEP, many // PAGE - 1)
    return [
        *_search_figures(seen, statements),
        Figure(
            f"availability of a month at {many:,} bookings against {few:,}",
            f"{grown:.2f} × ({1e3 * statistics.median(month.ours):.1f} ms)",
            "≤ 1.3",
            grown <= 1.3,
        ),
        Figure("… statements", str(asked["availability"]), "≤ 3", asked["availability"] <= 3),
        Figure(
            f"calendar of a week, {SHOWN} resources, {SHOWN * 28:,} bookings, against the bare SQL",
            str(week),
            "≤ 3",
            week.ratio <= 3,
        ),
        Figure("… statements", str(asked["calendar"]), "≤ 5", asked["calendar"] <= 5),
        Figure(
            f"list of bookings, page {deepest:,} against page 1, {many:,} bookings",
            str(pages),
            "≤ 1.2",
            pages.ratio <= 1.2,
        ),
        Figure(
            f"one idle round of all jobs at {many:,} bookings, database time",
            f"{idle[many]:.1f} ms ({idle[few]:.1f} ms at {few:,})",
            "< 10 ms",
            idle[many] < 10,
        ),
    ]


def _search_figures(
    seen: dict[int, dict[str, Compared]], statements: dict[str, int]
) -> list[Figure]:
    few, many = min(seen), max(seen)
    found, rows = seen[many]["search"], seen[many]["search rows"]
    grown = found.ratio / seen[few]["search"].ratio
    asked = statements["search"]
    return [
        Figure(
            f"slots of {search.DAYS} days of a service, two pools of {SHOWN} resources,"
            f" {many:,} bookings, against one statement of SQL with the same answer",
            str(found),
            "≤ 3",
            found.ratio <= 3,
        ),
        Figure("… against reading the rows that it works them out from", str(rows)),
        Figure("… statements", str(asked), "≤ 4", asked <= 4),
        Figure(f"… against {few:,} bookings", f"{grown:.2f} ×", "≤ 1.3", grown <= 1.3),
    ]
