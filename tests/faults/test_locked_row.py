"""A row that somebody else has locked stalls those who want it, and nobody else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from http.client import HTTPConnection
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from api import errors
from api.models import Booking, Resource
from api.services.accounts import tokens
from api.services.conflicts import retry_on_conflict
from backend.devserver import Servers
from tests.support.waiting import eventually
from tests.support.web import Site

THREADS, CUSTOMERS = 4, 16
PATIENCE = 4.0  # less than a worker waits for a lock
LOCK = "SELECT FROM api_resource WHERE id = %s FOR UPDATE"
WAITING = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'"""


@pytest.fixture
def site(servers: Servers, transactional_db: None, tmp_path: Any) -> Iterator[Site]:
    sizes = {"WEB_PROCESSES": "1", "WEB_THREADS": str(THREADS)}
    site = Site(servers, tmp_path, **sizes)
    try:
        site.start()
        yield site
    finally:
        site.stop()


@pytest.fixture
def other_session(servers: Servers, transactional_db: None) -> Iterator[Any]:
    name = connection.settings_dict["NAME"]
    url = servers.environment["DATABASE_URL"].rsplit("/", 1)[0]
    with psycopg.connect(f"{url}/{name}") as session:
        yield session
        session.rollback()


def count_waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return int(cursor.fetchone()[0])


def book(site: Site, access: str, place: Resource, start: datetime) -> tuple[int, str]:
    """The status and the code of a refusal."""
    client = HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE)
    body = {"resource": place.pk, "starts_at": start.isoformat()}
    body["ends_at"] = (start + timedelta(minutes=30)).isoformat()
    headers = {"Authorization": f"Bearer {access}", "Content-Type": "application/json"}
    try:
        client.request("POST", "/api/v1/bookings/", json.dumps(body), headers)
        answer = client.getresponse()
        return answer.status, json.load(answer).get("code", "")
    finally:
        client.close()


def book_until_taken(site: Site, access: str, place: Resource, start: datetime) -> int:
    """As a client does that tries again when it was refused as busy."""
    while (answer := book(site, access, place, start)) == (409, "busy"):
        pass
    return answer[0]


@pytest.mark.slow
def test_customers_of_a_locked_room_are_refused_and_all_others_go_on(
    site: Site, other_session: Any, ana: Any, court: Resource, soon: datetime
) -> None:
    """Without the gate all threads wait, and `/health/` with them; without the short wait for locks
    nobody is refused within the customers' patience."""
    free = Resource.objects.create(venue=court.venue, name="Court 2")
    access = tokens.issue(ana).access
    other_session.execute(LOCK, [court.pk])
    with ThreadPoolExecutor(CUSTOMERS + 1) as threads:
        asked = [
            threads.submit(book, site, access, court, soon + timedelta(hours=n))
            for n in range(CUSTOMERS)
        ]
        eventually(count_waiting)
        elsewhere = threads.submit(book_until_taken, site, access, free, soon)
        most = 0
        while not all(each.done() for each in asked):
            most = max(most, count_waiting())
            assert site.health()
        answers = Counter(each.result() for each in asked)
    assert answers == {(409, "busy"): CUSTOMERS}
    assert elsewhere.result() == 201
    assert most <= THREADS // 2
    other_session.rollback()
    assert book(site, access, court, soon)[0] == 201
    assert Booking.objects.count() == 2


@pytest.fixture
def wait_in_vain(court: Resource, other_session: Any) -> Callable[[], int]:
    """Waits for the lock that another session has; how often it tried."""

    def wait() -> int:
        tries = 0

        @retry_on_conflict
        def lock() -> None:
            nonlocal tries
            tries += 1
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '20ms'")
                cursor.execute(LOCK, [court.pk])

        other_session.execute(LOCK, [court.pk])
        with pytest.raises(errors.Busy):
            lock()
        return tries

    return wait


def test_a_wait_for_a_lock_in_vain_is_not_repeated(wait_in_vain: Callable[[], int]) -> None:
    """Else who wants a locked row waits twice."""
    assert wait_in_vain() == 1


def test_after_a_wait_in_vain_writes_wait_less_for_a_moment(
    wait_in_vain: Callable[[], int], client_of: Any
) -> None:
    def get_timeout() -> str:
        """Of the session, in which a write has just been refused."""
        assert client_of().post("/api/v1/bookings/", {}).status_code == 401
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            return str(cursor.fetchone()[0])

    eventually(lambda: get_timeout() == "5s")
    wait_in_vain()
    assert get_timeout() == "100ms"
    eventually(lambda: get_timeout() == "5s")
