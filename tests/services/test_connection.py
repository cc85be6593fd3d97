"""The database connection is given up when the server has ended it, without asking the server."""

import psycopg
import pytest
from django.db import connection

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
    asked = connection.asked_at
    assert connection.is_usable()
    assert connection.asked_at == asked
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
