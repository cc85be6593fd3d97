"""History that is not kept for ever is deleted in batches, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import transaction

from api.models import Booking, BookingEvent
from api.services.bookings import history
from api.services.operations import invariants

pytestmark = pytest.mark.django_db


@pytest.fixture
def booking(booked, ana) -> Booking:
    return booked(ana)


def month(ahead: int) -> datetime:
    """The first instant of the month that is so many ahead of this one."""
    now = datetime.now(UTC)
    years, rest = divmod(now.year * 12 + now.month - 1 + ahead, 12)
    return datetime(years, rest + 1, 1, tzinfo=UTC)


def add_lines(booking: Booking, at: datetime, count: int = 1) -> None:
    BookingEvent.objects.bulk_create(
        BookingEvent(booking=booking, verb="note", to_status=booking.status, by="owner", at=at)
        for _ in range(count)
    )


@pytest.mark.parametrize(("kept", "deleted"), [(0, 0), (1, 3), (2, 2), (12, 0)])
def test_lines_before_the_months_that_are_kept_are_deleted(booking, settings, kept, deleted):
    for ahead in (-4, -3, -2, -1, 0):
        add_lines(booking, month(ahead))
    settings.KEEP_HISTORY_MONTHS = kept
    assert history.prune() == deleted
    left = BookingEvent.objects.filter(verb="note").order_by("id").values_list("at", flat=True)
    assert list(left) == [month(ahead) for ahead in (-4, -3, -2, -1, 0)][deleted:]
    assert history.prune() == 0


def test_one_run_deletes_any_number_of_batches(booking, settings, monkeypatch):
    monkeypatch.setattr(history, "BATCH", 3)
    add_lines(booking, month(-3), 10)
    add_lines(booking, month(0), 2)
    settings.KEEP_HISTORY_MONTHS = 1
    assert history.prune() == 10
    assert BookingEvent.objects.filter(verb="note").count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_count_each_line_once(booking, settings, monkeypatch, at_once):
    monkeypatch.setattr(history, "BATCH", 20)
    BookingEvent.objects.all().delete()
    add_lines(booking, month(-3), 500)
    settings.KEEP_HISTORY_MONTHS = 1
    assert sum(at_once(*[history.prune] * 4)) == 500
    assert not BookingEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_run_does_not_wait_for_another(booking, settings, at_once):
    """Seen to fail without SKIP LOCKED: it waits until the lock timeout."""
    add_lines(booking, month(-3), 5)
    settings.KEEP_HISTORY_MONTHS = 1
    with transaction.atomic():
        list(BookingEvent.objects.select_for_update())
        assert at_once(history.prune) == [0]
    assert history.prune() == 5


def test_a_booking_whose_history_was_deleted_breaks_no_invariant(booked, ana, settings):
    """Without the look at what is kept, every old booking is said to be changed behind history."""
    old, new = booked(ana), booked(ana, 5)
    Booking.objects.filter(pk=old.pk).update(created_at=month(-5))
    old.events.update(at=month(-5))
    settings.KEEP_HISTORY_MONTHS = 1
    assert history.prune() == 1
    assert not old.events.exists()
    assert invariants.list_problems(None) == []
    Booking.objects.filter(pk=new.pk).update(status="cancelled")
    assert invariants.list_problems(None) == [
        f"booking {new.pk} is cancelled but its history ends with confirmed"
    ]
