"""Many requests of one person at once, on as many resources: never more than a quota allows."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction

from api import errors
from api.models import Booking, Resource, Series
from api.queries.clock import database_now
from api.services.actors import Actor
from api.services.bookings import quotas
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.reschedule import reschedule_booking
from api.services.series.create import SeriesRequest, create_series
from api.services.series.edit import edit_series

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)
RIVALS, AT_ONCE = 64, 16


@pytest.fixture
def courts(venue):
    rows = [Resource(venue=venue, name=f"Court {n}", capacity=4) for n in range(RIVALS)]
    return Resource.objects.bulk_create(rows)


def book(owner, court, starts_at):
    request = BookingRequest(
        owner=owner, resource=court.pk, starts_at=starts_at, ends_at=starts_at + HOUR
    )
    return create_booking(request, actor=Actor.for_new_booking(owner))


def storm(at_once, owner, courts, soon):
    calls = [partial(book, owner, court, soon) for court in courts]
    return [
        result for n in range(0, len(calls), AT_ONCE) for result in at_once(*calls[n : n + AT_ONCE])
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"max_bookings_ahead": 5},
        {"max_hours_a_week": 5 * HOUR},
        {"max_open_requests": 5, "approval": "always"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_rivals_of_one_person_on_as_many_resources_never_pass_the_limit(
    venue, courts, ana, soon, at_once, fields
):
    """Without the lock of the person more get through: the next test."""
    for name, value in fields.items():
        setattr(venue, name, value)
    venue.save()
    results = storm(at_once, ana, courts, soon)
    refused = [each for each in results if isinstance(each, errors.QuotaReached)]
    assert len(refused) == RIVALS - 5, [each for each in results if each not in refused]
    assert Booking.objects.count() == 5


def test_without_the_lock_the_same_storm_passes_it(venue, courts, ana, soon, at_once, monkeypatch):
    """The guard is removed here: each counts before any other has committed."""
    monkeypatch.setattr(quotas, "_lock", lambda venue, person: database_now())
    venue.max_bookings_ahead = 5
    venue.save()
    storm(at_once, ana, courts, soon)
    assert Booking.objects.count() > 5


def test_moves_to_one_week_at_once_do_not_pass_its_hours(venue, courts, ana, soon, at_once):
    """Seen to fail without the lock: all of them see an empty week."""
    venue.max_hours_a_week = 2 * HOUR
    venue.save()
    monday = soon + timedelta(days=7 - soon.weekday())
    rows = [book(ana, court, monday + n * timedelta(days=7)) for n, court in enumerate(courts[:7])]

    def move(row, to):
        changes = BookingChanges(starts_at=to, ends_at=to + HOUR)
        return reschedule_booking(row.pk, Actor.for_booking(ana, row), changes)

    results = at_once(*(partial(move, row, monday + n * HOUR) for n, row in enumerate(rows)))
    assert sum(isinstance(each, Booking) for each in results) == 2, results
    assert sum(isinstance(each, errors.QuotaReached) for each in results) == 5


# of series


def book_series(owner, court, starts_at, times=4, **more):
    first = BookingRequest(
        owner=owner, resource=court.pk, starts_at=starts_at, ends_at=starts_at + HOUR
    )
    request = SeriesRequest(first, f"FREQ=WEEKLY;COUNT={times}", **more)
    return create_series(request, Actor.for_new_booking(owner))


def test_series_of_one_person_at_once_never_pass_the_limit(venue, courts, ana, soon, at_once):
    """Sixteen series of four where five are allowed; what is planned is only a look. Seen to fail
    without `are_within_quotas` in `book`: 56 were booked."""
    venue.max_bookings_ahead = 5
    venue.save()
    calls = [partial(book_series, ana, court, soon, on_conflict="skip") for court in courts[:16]]
    results = at_once(*calls)
    assert Booking.objects.count() == 5, results
    refused = [each for each in results if isinstance(each, errors.NothingToBook)]
    assert len(refused) == 16 - Series.objects.count()


def test_series_that_move_to_one_week_at_once_do_not_pass_its_hours(
    venue, courts, ana, soon, at_once
):
    """Seen to fail without `are_within_quotas` in `edit`: all of them see an empty week."""
    venue.max_hours_a_week = 2 * HOUR
    venue.save()
    monday = soon + timedelta(days=7 - soon.weekday())
    rows = [
        book_series(ana, court, monday + n * timedelta(days=7), times=1).series.pk
        for n, court in enumerate(courts[:7])
    ]

    def move(pk, to):
        changes = BookingChanges(starts_at=to, ends_at=to + HOUR)
        return edit_series(pk, Actor.for_series(ana, Series.objects.get(pk=pk)), changes)

    results = at_once(*(partial(move, pk, monday + n * HOUR) for n, pk in enumerate(rows)))
    assert sum(isinstance(each, errors.OccurrencesRefused) for each in results) == 5, results
    week = Booking.objects.filter(starts_at__gte=monday, starts_at__lt=monday + timedelta(days=7))
    assert week.count() == 2


def test_a_plan_waits_for_nobody(venue, courts, ana, soon, at_once):
    """Where it locked the person too, whoever plans has that lock before any other of theirs, and
    this one waited for it."""
    venue.max_bookings_ahead = 5
    venue.save()
    with transaction.atomic():
        quotas.lock_usage(venue, ana, Actor.for_new_booking(ana), soon)
        first = BookingRequest(
            owner=ana, resource=courts[0].pk, starts_at=soon, ends_at=soon + HOUR
        )
        request = SeriesRequest(first, "FREQ=WEEKLY;COUNT=4")
        plan = partial(create_series, request, Actor.for_new_booking(ana), dry_run=True)
        [result] = at_once(plan)
    assert [each.outcome for each in result.outcomes] == ["would_book"] * 4
