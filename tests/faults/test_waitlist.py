"""Whoever frees time is killed before the offer is made: nothing was freed, and the next run does
both."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import Error, connection
from django.db.models.functions import Now

from api.lifecycle import BOOKING
from api.models import Booking, FreedTime, Resource, WaitlistEntry
from api.services.bookings.sweeps import sweep
from api.services.waitlist.entries import WaitlistRequest, join_waitlist
from api.services.waitlist.offers import make_left_offers
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
BLOCKED = """SELECT pid FROM pg_stat_activity WHERE datname = current_database()
    AND wait_event_type = 'Lock'"""


@pytest.fixture
def other_session(servers):
    name = connection.settings_dict["NAME"]
    url = servers.environment["DATABASE_URL"].rsplit("/", 1)[0]
    with psycopg.connect(f"{url}/{name}") as session:
        yield session
        session.rollback()


@pytest.fixture
def entry(booked, court, soon, ana, ben):
    Resource.objects.update(price_minor=500)
    booked(ana)
    request = WaitlistRequest(ben, soon, soon + HOUR, duration=HOUR, resource=court.pk)
    return join_waitlist(request)


def test_a_worker_that_is_killed_between_the_end_of_a_hold_and_its_offer_left_both_to_do(
    entry, other_session
):
    """Seen to fail with `make_offers` called after the sweep's transaction instead of in it: the
    hold is gone, and nobody was made an offer."""
    Booking.objects.update(hold_expires_at=Now())
    other_session.execute(
        "LOCK TABLE api_waitlistentry IN EXCLUSIVE MODE"
    )  # claims wait, reads not
    outcome: list[Any] = []

    def work() -> None:
        try:
            outcome.append(sweep(BOOKING.expire, "expire_holds"))
        except Error as error:
            outcome.append(error)
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    pid = eventually(find_blocked)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    worker.join()
    other_session.rollback()
    assert isinstance(outcome[0], Error)
    entry.refresh_from_db()
    assert (Booking.objects.get().status, entry.status) == ("held", "waiting")
    assert not FreedTime.objects.exists()
    assert sweep(BOOKING.expire, "expire_holds") == 1
    entry.refresh_from_db()
    assert entry.status == "offered"


def find_blocked() -> Any:
    with connection.cursor() as cursor:
        cursor.execute(BLOCKED)
        row = cursor.fetchone()
        return row and row[0]


def test_what_was_freed_past_the_services_is_offered_by_the_job(entry):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE api_booking SET status = 'cancelled'")
    assert FreedTime.objects.count() == 1
    assert make_left_offers() == 1
    entry.refresh_from_db()
    assert entry.status == "offered"
    assert not FreedTime.objects.exists()
    assert make_left_offers() == 0
    assert WaitlistEntry.objects.get().booking.status == "offered"
