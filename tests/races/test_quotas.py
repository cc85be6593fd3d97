"""Many requests of one person at once, on as many resources: never more than a quota allows."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from api import errors
from api.models import Booking, Resource
from api.queries.clock import database_now
from api.services.actors import Actor
from api.services.bookings import quotas
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.reschedule import reschedule_booking

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
