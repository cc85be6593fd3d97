"""Extending one booking at once. Against rivals for the time: test_write_paths."""

from datetime import timedelta
from functools import partial

import pytest

from api.models import Booking
from api.services.actors import Actor
from api.services.bookings.extend import extend_booking

pytestmark = pytest.mark.django_db(transaction=True)
QUARTER = timedelta(minutes=15)


def test_those_who_extend_one_booking_at_once_add_all_their_times(booked, ana, at_once):
    """Seen to lose some where `extend_booking` takes neither the resource's lock nor the row's:
    two start from the same end."""
    row = booked(ana)
    calls = [partial(extend_booking, row.pk, Actor.for_booking(ana, row), by=QUARTER)] * 4
    results = at_once(*calls)
    assert all(isinstance(result, Booking) for result in results), results
    end = row.ends_at
    row.refresh_from_db()
    assert (row.ends_at, row.version, row.events.count()) == (end + 4 * QUARTER, 5, 5)
