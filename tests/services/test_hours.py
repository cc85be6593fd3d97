"""Hours of resources that stand for one another, and what two writers at once may do."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from api import errors
from api.models import Hours, HoursException, Resource, Venue
from api.opening_hours import WHOLE_DAY
from api.queries.venues.rules import get_rules
from api.services.actors import Actor
from api.services.bookings.auto_assign import create_assigned_booking, reschedule_assigned_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import BookingRequest
from api.services.venues import exceptions, hours, resources

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ON = date(2031, 1, 1)


@pytest.fixture
def other(venue):
    return Resource.objects.create(venue=venue, name="Court 2", capacity=4)


def take_off(resource, first_on):
    fields = {"first_on": first_on, "last_on": first_on}
    return exceptions.create_exception(resource.venue, fields, resource)


def test_whoever_has_a_day_off_is_not_assigned(venue, court, other, ana, soon):
    actor = Actor.for_new_booking(ana)

    def ask(starts_at):
        request = BookingRequest(owner=ana, starts_at=starts_at, ends_at=starts_at + HOUR)
        return create_assigned_booking(venue, request, actor=actor)

    take_off(court, soon.date())
    booking = ask(soon)
    assert booking.resource == other
    take_off(other, soon.date() + DAY)
    later = BookingChanges(starts_at=soon + DAY, ends_at=soon + DAY + HOUR)
    owner = Actor.for_booking(ana, booking)
    assert reschedule_assigned_booking(booking.pk, owner, later).resource_id == court.pk
    take_off(other, soon.date())
    with pytest.raises(errors.Closed):
        ask(soon + 4 * HOUR)


def test_of_two_exceptions_made_at_once_on_one_date_one_is_refused(at_once, venue):
    """Without the exclusion constraint `exception_one_a_date` both are made."""

    def close():
        return exceptions.create_exception(venue, {"first_on": ON, "last_on": ON + DAY})

    outcomes = at_once(*[close] * 4)
    refused = [outcome for outcome in outcomes if isinstance(outcome, errors.Conflict)]
    assert (len(refused), HoursException.objects.count()) == (3, 1)


def test_the_database_refuses_what_services_would(venue, court):
    dates = {"venue": venue, "first_on": ON, "last_on": ON}
    HoursException.objects.create(**dates)
    HoursException.objects.create(**dates, resource=court)
    whole = {"opens_at": "09:00", "closes_at": "12:00"}
    bad = [
        lambda: HoursException.objects.create(**dates, hours=[["09:00", "10:00"]]),
        lambda: HoursException.objects.create(**dates, resource=court),
        lambda: HoursException.objects.create(
            venue=venue, first_on=ON + 3 * DAY, last_on=ON + 2 * DAY
        ),
        lambda: Hours.objects.create(venue=venue, weekday=7, **whole),
        lambda: Hours.objects.create(venue=venue, weekday=1),
        lambda: Hours.objects.create(venue=venue, weekday=1, opens_at="09:00", closes_at="09:00"),
        lambda: Hours.objects.bulk_create(
            [Hours(venue=venue, weekday=1, **whole), Hours(venue=venue, weekday=1, **whole)]
        ),
    ]
    for write in bad:
        with pytest.raises(IntegrityError), transaction.atomic():
            write()


def test_every_change_of_hours_reaches_the_rules_that_are_kept(venue, court):
    def spans():
        return get_rules(court.pk)[0].schedule.list_spans(ON)

    weekday, seen = ON.weekday(), [spans()]
    row = Hours.objects.create(
        venue=venue, resource=court, weekday=weekday, opens_at="09:00", closes_at="12:00"
    )
    seen.append(spans())
    Hours.objects.filter(pk=row.pk).update(closes_at="13:00")
    seen.append(spans())
    exception = HoursException.objects.create(
        venue=venue, first_on=ON, last_on=ON, hours=[["10:00", "11:00"]]
    )
    seen.append(spans())
    exception.delete()
    Hours.objects.all().delete()
    seen.append(spans())
    shown = [" ".join(f"{a:%H}-{b:%H}" for a, b in each) for each in seen]
    assert shown == ["00-00", "09-12", "09-13", "10-11", "00-00"]
    assert seen[0] == (WHOLE_DAY,)


def test_a_resource_takes_its_hours_to_another_venue(venue, court, sam):
    hours.put_week(venue, court, [(0, *WHOLE_DAY)])
    take_off(court, ON)
    annex = Venue.objects.create(slug="annex", name="Annex")
    resources.update_resource(court, sam, {"venue": annex})
    assert Hours.objects.get().venue == HoursException.objects.get().venue == annex
