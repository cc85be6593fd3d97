"""What letters say of services, units and sets, and of hours of several intervals."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from api.errors import OutsideHours
from api.models import Delivery, Need, Pool, Resource, Review, Service, Venue
from api.queries.venues.broken_rules import describe
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.messages import mailer
from api.services.venues.hours import put_week

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def read(booking, name="confirmed"):
    row = Delivery(key="k", name=name, to="x@example.com", booking_id=booking.pk)
    return mailer.compose(row, mailer.load_bookings([row])[booking.pk])


def test_a_letter_names_the_service_and_who_serves_it(venue, court, ana, soon):
    pool = Pool.objects.create(venue=venue, name="Courts")
    pool.resources.set([court])
    service = Service.objects.create(venue=venue, name="Lesson")
    service.durations.create(duration=HOUR)
    Need.objects.create(service=service, pool=pool)
    for title in ("", "Ours"):
        request = BookingRequest(
            owner=ana, service=service.pk, starts_at=soon + len(title) * HOUR, title=title
        )
        booking = create_booking(request, actor=Actor.for_new_booking(ana))
        lines = [line.strip() for line in read(booking).body.splitlines()]
        assert [each for each in lines if each in ("Ours", "Lesson", "Court 1")] == [
            *([title] * bool(title)), "Lesson", "Court 1",
        ]  # fmt: skip


def test_a_letter_says_how_many_and_names_every_part(venue, court, booked, ana):
    projector = Resource.objects.create(venue=venue, name="Projector")
    bikes = Resource.objects.create(venue=venue, name="Bikes", units=5)
    several = read(booked(ana, others=[projector.pk]), "ended")
    assert several.subject == "Court 1 + Projector has ended early"
    assert read(booked(ana, place=bikes, quantity=3), "ended").subject == (
        "3 × Bikes has ended early"
    )


def test_a_change_of_hours_is_told_with_all_intervals_of_the_day(venue, booked, ana, soon):
    booking = booked(ana, hours=3, length=2)  # from noon
    day = soon.weekday()
    put_week(venue, None, [(day, time(9), time(12, 30)), (day, time(13, 30), time(18))])
    said = "open from 09:00 to 12:30 and from 13:30 to 18:00"
    assert said in Review.objects.get().detail
    row = Delivery.objects.get(booking=booking, name="affected")
    assert said in mailer.compose(row, mailer.load_bookings([row])[booking.pk]).body


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "it is closed at that time"),
        ({"opens_at": None, "closes_at": None}, "it is closed at that time"),
        ({"hours": []}, "it does not open on that day"),
        ({"hours": [(time(9), time(12))]}, "it is open from 09:00 to 12:00"),
        ({"hours": [(time(20), time(2))]}, "it is open from 20:00 to 02:00 the next morning"),
        ({"hours": [(time(8), time(0))]}, "it is open from 08:00 to midnight"),
        (
            {"hours": [(time(n), time(n + 1)) for n in (8, 10, 12)]},
            "it is open from 08:00 to 09:00, from 10:00 to 11:00 and from 12:00 to 13:00",
        ),
    ],
)
def test_whatever_the_hours_are_it_is_a_sentence(data, said):
    assert describe(OutsideHours(**data)) == f"That is outside the opening hours: {said}."


def test_a_plain_letter_is_as_it_was(venue, booked, ana):
    Venue.objects.update(time_zone="UTC")
    text = read(booked(ana)).body
    assert text.count("Court 1") == 1
