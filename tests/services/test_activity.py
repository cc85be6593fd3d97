"""The newest lines of history, with the booking as it was before and after each."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api import errors
from api.models import Need, Pool, Resource, Service, ServiceDuration
from api.queries.bookings.activity import list_recent_activity
from api.services.actors import Actor
from api.services.bookings.auto_assign import create_assigned_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.reschedule import reschedule_booking

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def test_a_booking_that_was_one_of_a_service_is_shown_as_that(venue, court, ana, soon):
    """Fails where the id of a service is taken for the service itself."""
    service = Service.objects.create(venue=venue, name="Lesson")
    ServiceDuration.objects.create(service=service, duration=HOUR)
    pool = Pool.objects.create(venue=venue, name="Courts")
    pool.resources.add(court)
    Need.objects.create(service=service, pool=pool)
    booking = create_booking(
        BookingRequest(owner=ana, service=service.pk, starts_at=soon),
        actor=Actor.for_new_booking(ana),
    )
    owner = Actor.for_booking(ana, booking)
    reschedule_booking(booking.pk, owner, BookingChanges(resource=court.pk))
    edit, _ = list_recent_activity(10, booking__venue=venue)
    assert (edit.before.service_id, edit.after.service_id) == (service.pk, None)


def test_what_has_a_price_at_some_hours_is_given_to_nobody_who_did_not_choose_it(
    venue, court, ana, soon
):
    rate = {"weekdays": list(range(7)), "opens_at": "18:00", "closes_at": "00:00"}
    rates = [rate | {"price_minor": 500}]
    priced = Resource.objects.create(venue=venue, name="Evening court", rates=rates)
    booking = create_assigned_booking(
        venue,
        BookingRequest(owner=ana, starts_at=soon, ends_at=soon + HOUR),
        actor=Actor.for_new_booking(ana),
    )
    assert booking.resource_id == court.pk
    with pytest.raises(errors.SlotTaken):
        create_assigned_booking(
            venue,
            BookingRequest(owner=ana, starts_at=soon, ends_at=soon + HOUR),
            actor=Actor.for_new_booking(ana),
        )
    assert not priced.bookings.exists()
