"""A sweep is run when its next deadline comes, where somebody waits for the time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db.models.functions import Now
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from api.lifecycle import BOOKING
from api.models import Booking, WaitlistEntry
from api.services.bookings.sweeps import find_next_waited_for
from backend.celery import app
from tasks import clock

pytestmark = pytest.mark.django_db
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.fixture
def hold(booked, court, ana):
    """One of Ana's that ends in so many seconds."""
    court.price_minor = 500
    court.save()

    def make(seconds, hours=1):
        booking = booked(ana, hours=hours)
        ends_at = Now() + seconds * SECOND
        Booking.objects.filter(pk=booking.pk).update(hold_expires_at=ends_at)
        booking.refresh_from_db()
        return booking

    return make


@pytest.fixture
def waits(ben):
    def make(booking):
        return WaitlistEntry.objects.create(
            venue=booking.venue,
            owner=ben,
            resource=booking.resource,
            from_at=booking.starts_at,
            until_at=booking.ends_at,
            duration=HOUR,
            lapses_at=booking.ends_at,
        )

    return make


@pytest.fixture
def sent(monkeypatch):
    """What the broker is given. It is not of the tests' broker, which nobody empties."""
    found = []
    monkeypatch.setattr(app, "send_task", lambda name, **options: found.append((name, options)))
    return found


def test_the_next_one_that_somebody_waits_for_is_found(hold, waits):
    assert find_next_waited_for(BOOKING.expire, 5 * SECOND) is None
    soon, later = hold(3), hold(30, hours=3)
    assert find_next_waited_for(BOOKING.expire, 5 * SECOND) is None  # nobody waits
    waits(later)
    assert find_next_waited_for(BOOKING.expire, 5 * SECOND) is None  # beat comes before
    waits(soon)
    deadline, seconds = find_next_waited_for(BOOKING.expire, 5 * SECOND)
    assert deadline == soon.hold_expires_at
    assert 0 < seconds <= 3


def test_a_sweep_enqueues_itself_once_for_it(hold, waits, sent):
    waits(hold(3))
    clock.expire_holds()
    clock.expire_holds()
    [(name, options)] = sent
    assert name == "tasks.clock.expire_holds"
    assert 0 < options["countdown"] <= 3
    assert options["queue"] == "clock"


def test_a_paused_job_stays_paused(hold, waits, sent):
    waits(hold(3))
    every = IntervalSchedule.objects.create(every=5, period="seconds")
    PeriodicTask.objects.create(name="expire_holds", interval=every, enabled=False)
    clock.expire_holds()
    assert sent == []


def test_a_broker_that_is_away_costs_nothing_but_time(hold, waits, monkeypatch):
    def fail(*_, **__):
        raise ConnectionError

    monkeypatch.setattr(app, "send_task", fail)
    waits(hold(3))
    assert clock.expire_holds() == 0
    Booking.objects.update(hold_expires_at=Now())
    cache.clear()
    assert clock.expire_holds() == 1
    assert Booking.objects.get(status="offered")
