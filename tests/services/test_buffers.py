"""The buffers of a booking are those that it was made with."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api.models import Resource
from api.services.actors import Actor
from api.services.bookings.changes import BookingChanges
from api.services.bookings.extend import extend_booking
from api.services.bookings.reschedule import reschedule_booking

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def swept(venue):
    return Resource.objects.create(venue=venue, name="Hall", buffer_after=30 * MINUTE)


def buffers(booking):
    booking.refresh_from_db()
    return [
        (booking.starts_at - row.span.lower, row.span.upper - booking.ends_at)
        for row in booking.allocations.all()
    ]


def test_a_move_and_an_extension_keep_the_buffers_that_the_booking_was_made_with(
    swept, court, book, ana, soon
):
    booking = book(swept)
    Resource.objects.filter(pk=swept.pk).update(buffer_before=2 * HOUR, buffer_after=3 * HOUR)
    owner = Actor.for_booking(ana, booking)
    extend_booking(booking.pk, owner, ends_at=booking.ends_at + HOUR)
    assert buffers(booking) == [(0 * HOUR, 30 * MINUTE)]
    later = {"starts_at": soon + 5 * HOUR, "ends_at": soon + 6 * HOUR}
    reschedule_booking(booking.pk, owner, BookingChanges(**later))
    assert buffers(booking) == [(0 * HOUR, 30 * MINUTE)]
    book(swept, start=9)  # from seven on, with today's two hours
    book(court)
    reschedule_booking(booking.pk, owner, BookingChanges(resource=court.pk))
    assert buffers(booking) == [(0 * HOUR, 0 * HOUR)]


def test_what_comes_to_a_resource_gets_the_buffers_of_today(swept, court, book, ana):
    booking = book(court, others=[])
    owner = Actor.for_booking(ana, booking)
    reschedule_booking(booking.pk, owner, BookingChanges(others=[swept.pk]))
    assert sorted(buffers(booking)) == [(0 * HOUR, 0 * HOUR), (0 * HOUR, 30 * MINUTE)]
    Resource.objects.filter(pk=swept.pk).update(buffer_after=2 * HOUR)
    reschedule_booking(booking.pk, owner, BookingChanges(ends_at=booking.ends_at + HOUR))
    assert sorted(buffers(booking)) == [(0 * HOUR, 0 * HOUR), (0 * HOUR, 30 * MINUTE)]
