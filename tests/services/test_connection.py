"""The database connection is given up when the server has ended it, without asking the server."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from api.models import Booking

pytestmark = pytest.mark.django_db(transaction=True)


def _session() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _as_at_the_start_of_a_request() -> None:
    connection.health_check_done = False
    connection.health_check_enabled = True


def test_a_connection_used_lately_is_not_asked():
    session = _session()
    assert connection.is_usable()
    asked = connection.checked_at
    assert connection.is_usable()
    assert connection.checked_at == asked
    assert _session() == session


def test_a_connection_that_the_server_ended_is_opened_anew():
    """Fails when what can be read on the connection is not looked at."""
    session = _session()
    assert connection.is_usable()
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [session])
    assert not connection.is_usable()
    _as_at_the_start_of_a_request()
    assert _session() != session


def test_a_prepared_statement_outlives_a_new_connection(booked, ana):
    for hours in range(4):
        booked(ana, hours=hours)
    connection.close()
    assert booked(ana, hours=4).pk


INSTANTS = (
    "2026-03-29 01:00:00+00",
    "2026-03-29 01:00:00.5+01",
    "2026-03-29 01:00:00.000001-03:30",
    "0001-01-01 00:00:00+00",
    "9999-12-31 23:59:59.999999+00",
)


@pytest.mark.parametrize("text", INSTANTS)
def test_an_instant_is_read_exactly_and_in_utc(text):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [text])
        (read,) = cursor.fetchone()
    assert read == datetime.fromisoformat(text)
    assert read.tzinfo is UTC


@pytest.mark.parametrize("text", ["10000-01-01 00:00:00+00", "0044-03-15 00:00:00+00 BC"])
def test_an_instant_that_the_language_has_no_room_for_is_refused_as_by_the_library(text):
    with connection.cursor() as cursor, pytest.raises(DataError):
        cursor.execute("SELECT %s::timestamptz", [text])
        cursor.fetchone()


@pytest.fixture
def book(client_of, ana, court, soon):
    client = client_of(ana)

    def post(hours):
        start = soon + timedelta(hours=hours)
        times = {
            "starts_at": start.isoformat(),
            "ends_at": (start + timedelta(hours=1)).isoformat(),
        }
        return client.post("/api/v1/bookings/", {"resource": court.pk, **times})

    return post


def test_a_booking_is_three_statements(book):
    """Who asks, the rules, the booking with all that is written with it."""
    assert book(0).status_code == 201
    with CaptureQueriesContext(connection) as queries:
        assert book(1).status_code == 201
    assert len(queries) == 3, queries.captured_queries


def test_a_booking_outlives_a_migration_that_alters_who_asks(book):
    """500 when a plan that does not hold any more is not given up."""
    assert [book(hours).status_code for hours in range(4)] == [201] * 4
    try:
        with psycopg.connect(**connection.get_connection_params()) as other:
            other.execute("ALTER TABLE api_user ALTER COLUMN first_name TYPE text")
        assert [book(hours).status_code for hours in range(4, 8)] == [201] * 4
    finally:
        with psycopg.connect(**connection.get_connection_params()) as other:
            other.execute("ALTER TABLE api_user ALTER COLUMN first_name TYPE varchar(150)")
    assert Booking.objects.count() == 8
