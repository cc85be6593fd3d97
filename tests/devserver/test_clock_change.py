"""A change of clocks lived through: all of `make up` runs on other days, its clocks moved and the
database's too, from before the change to after it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psycopg
import pytest

from backend.devserver import Servers
from tests.clock.nodes import move_clocks
from tests.support.waiting import eventually

from .test_up import START_SECONDS, Up, plain_environment, start  # noqa: F401

pytestmark = pytest.mark.slow

SECOND, MINUTE, WEEK = timedelta(seconds=1), timedelta(minutes=1), timedelta(weeks=1)
CLOCKS = ("now", "transaction_timestamp", "statement_timestamp", "clock_timestamp")
ACCOUNT = {
    "DJANGO_SUPERUSER_EMAIL": "boss@example.com",
    "DJANGO_SUPERUSER_USERNAME": "boss",
    "DJANGO_SUPERUSER_PASSWORD": "correct horse 9 battery",
}


class World:
    """The system, and the clock that it lives by."""

    def __init__(self, up: Up, shift: Path, database: str) -> None:
        self.up, self.shift, self.database = up, shift, database
        self.access = ""

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(self.shift.read_text()))

    def jump_to(self, at: datetime) -> None:
        set_shift(self.shift, self.database, (at - datetime.now(UTC)).total_seconds())
        self.access = ""  # tokens end

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """What v1 answers the account, which signs in where it has to."""
        if not self.access and path != "auth/login/":
            sent = {"email": ACCOUNT["DJANGO_SUPERUSER_EMAIL"],
                    "password": ACCOUNT["DJANGO_SUPERUSER_PASSWORD"]}  # fmt: skip
            self.access = self.ask("POST", "auth/login/", sent)[1]["access"]
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {self.access}"} if self.access else {}
        with closing(HTTPConnection("127.0.0.1", int(self.up.environment["PORT"]))) as line:
            line.request(method, f"/api/v1/{path}", json.dumps(body) if body else None, headers)
            answer = line.getresponse()
            return answer.status, json.loads(answer.read() or "null")

    def make(self, path: str, body: Any) -> Any:
        status, made = self.ask("POST", path, body)
        assert status == 201, made
        return made

    def get_status(self, booking: int) -> str:
        return str(self.ask("GET", f"bookings/{booking}/")[1]["status"])

    def find_event(self, booking: int, verb: str) -> datetime | None:
        """When that was written in its history."""
        rows = self.ask("GET", f"bookings/{booking}/events/")[1]["results"]
        return next((read(row["at"]) for row in rows if row["verb"] == verb), None)

    def list_letters(self, subject: str) -> list[EmailMessage]:
        folder = self.up.data_dir / "mail"
        found = [message_from_bytes(each.read_bytes(), policy=default)
                 for each in folder.glob("*.eml")]  # fmt: skip
        return [each for each in found if subject in each["subject"]]


def read(at: str) -> datetime:
    return datetime.fromisoformat(at)


def set_shift(shift: Path, database: str, seconds: float) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE shifted.clock SET seconds = %s", [seconds])
    draft = shift.with_suffix(".new")
    draft.write_text(str(seconds))
    draft.replace(shift)


@pytest.fixture
def world(
    servers: Servers,
    start: Callable[..., Up],  # noqa: F811
    plain_environment: dict[str, str],  # noqa: F811
    tmp_path: Path,
) -> Iterator[World]:
    """Its database has clocks of its own, which defaults, functions and statements find first."""
    assert servers.postgres
    name, database = "clock_change", servers.postgres.url("clock_change")
    with psycopg.connect(servers.postgres.url("postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name}")
        admin.execute(f"ALTER DATABASE {name} SET search_path = public, shifted, pg_catalog")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA shifted")
        connection.execute("CREATE TABLE shifted.clock AS SELECT 0::float8 AS seconds")
        for clock in CLOCKS:
            connection.execute(
                f"CREATE FUNCTION shifted.{clock}() RETURNS timestamptz LANGUAGE sql STABLE AS"
                f" 'SELECT pg_catalog.{clock}() + seconds * interval ''1 s'' FROM shifted.clock'"
            )
    shift = tmp_path / "shift"
    shift.write_text("0")
    given = move_clocks(shift) | ACCOUNT | {"DATABASE_URL": database}
    up = start(tmp_path / "data", **given)
    eventually(lambda: up.health() and up.says("is ready"), START_SECONDS)
    yield World(up, shift, database)


def find_change() -> datetime:
    """Berlin's next spring that is not near: at 1:00 UTC of March's last Sunday, 2:00 is 3:00."""
    day = datetime(datetime.now(UTC).year + 1, 3, 31, 1, tzinfo=UTC)
    return day - timedelta(days=(day.weekday() + 1) % 7)


def test_weekly_series_is_lived_through_a_change_of_clocks(world: World) -> None:
    """One begins at an hour that the change leaves out, where its start is read with the offset
    before, and somebody comes; to the other nobody does. What is done is never done before its
    instant, by the clock of the database that wrote it.

    With instants a week apart instead of wall times, the starts are another hour's from the change
    on; with the offset after it, the first begins at 2:30 UTC less two hours, which is before."""
    change = find_change()
    world.jump_to(change - 3 * WEEK)
    venue = {
        "slug": "studio", "name": "The Studio", "time_zone": "Europe/Berlin",
        "check_in_required": True, "remind_before": "01:00:00", "check_in_opens_before": "00:15:00",
        "no_show_grace": "00:15:00",
    }  # fmt: skip
    world.make("venues/", venue)
    first = change - WEEK
    hours = {"night": first + 30 * MINUTE, "morning": first + 7 * 60 * MINUTE}  # UTC+1
    rows = {name: make_series(world, name, at) for name, at in hours.items()}
    night, morning = ([read(each["starts_at"]) for each in rows[name]] for name in hours)
    # wall times: 2:30, 3:30 for want of a 2:30, 2:30; and 9:00 each time
    assert night == [change - WEEK + 30 * MINUTE, change + 30 * MINUTE, change + WEEK - 30 * MINUTE]
    assert morning == [
        first + 7 * 60 * MINUTE,
        change + 6 * 60 * MINUTE,
        change + WEEK + 6 * 60 * MINUTE,
    ]
    walls = {"night": ("02:30", "03:30", "02:30"), "morning": ("09:00",) * 3}
    for n in range(3):
        for name in hours:
            live_through(world, rows[name][n], walls[name][n], change, comes=name == "night")


def make_series(world: World, name: str, at: datetime) -> list[Any]:
    """Three weeks of an hour, in a room of its own."""
    room = world.make("resources/", {"venue": "studio", "name": name, "capacity": 4})
    body = {"resource": room["id"], "starts_at": at.isoformat(), "title": name,
            "ends_at": (at + 60 * MINUTE).isoformat(), "rule": "FREQ=WEEKLY;COUNT=3"}  # fmt: skip
    found: list[Any] = world.make("series/", body)["occurrences"]
    return found


def live_through(world: World, row: Any, wall: str, change: datetime, *, comes: bool) -> None:
    """The reminder, the change if it is now, checking in or not, and the end."""
    booking, starts_at, ends_at = row["booking"], read(row["starts_at"]), read(row["ends_at"])
    before = {letter["message-id"] for letter in world.list_letters("Reminder: ")}

    def find_reminder() -> EmailMessage | None:
        letters = world.list_letters("Reminder: ")
        return next((each for each in letters if each["message-id"] not in before), None)

    world.jump_to(starts_at - 60 * MINUTE - 3 * SECOND)
    letter = eventually(find_reminder)
    assert letter["date"].datetime.replace(tzinfo=UTC) >= starts_at - 60 * MINUTE
    assert wall in letter.get_body(("plain",)).get_content()
    if starts_at - 60 * MINUTE < change < starts_at:
        world.jump_to(change - 3 * SECOND)
        eventually(lambda: world.now > change + SECOND and is_alive(world, change))
    if comes:
        world.jump_to(starts_at - 16 * MINUTE)
        status, refusal = world.ask("POST", f"bookings/{booking}/check-in/")
        assert (status, refusal["code"]) == (409, "check_in_closed"), refusal
        world.jump_to(starts_at - 15 * MINUTE)
        status, _ = world.ask("POST", f"bookings/{booking}/check-in/")
        assert (status, world.get_status(booking)) == (200, "checked_in")
        world.jump_to(ends_at - 3 * SECOND)
        assert eventually(lambda: world.find_event(booking, "complete")) >= ends_at
        assert world.get_status(booking) == "completed"
    else:
        world.jump_to(starts_at + 15 * MINUTE - 3 * SECOND)
        assert eventually(lambda: world.find_event(booking, "release")) >= starts_at + 15 * MINUTE
        assert world.get_status(booking) == "no_show"


def is_alive(world: World, since: datetime) -> bool:
    """Whether its jobs have run since then."""
    jobs = world.ask("GET", "automation/")[1]["jobs"]
    return all(read(job["last_run"]) > since for job in jobs if job["name"] == "expire_holds")
