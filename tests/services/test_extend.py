"""Extending: a later end, whatever blocks the slot, at the price and by the rules of its time."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from api import errors
from api.lifecycle import BOOKED, Status
from api.models import Booking, BookingEvent, Delivery, PrimetimeWindow, Resource
from api.services.actors import Actor
from api.services.bookings.extend import extend_booking

pytestmark = pytest.mark.django_db

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def by(user, booking=None):
    return Actor.for_booking(user, booking or Booking(owner=user))


def state():
    return (
        list(Booking.objects.order_by("id").values()),
        BookingEvent.objects.count(),
        Delivery.objects.count(),
    )


def refuses(kind, *args, **options):
    before = state()
    with pytest.raises(kind) as refused:
        extend_booking(*args, **options)
    assert type(refused.value) is kind
    assert state() == before
    return refused.value


def stand(booking, status, **columns):
    """Puts a row into a status by hand, with what the database asks of it."""
    columns.setdefault("checked_in_at", Now())
    columns.setdefault("offer_expires_at", Now() + HOUR)
    columns.setdefault("hold_expires_at", Now() + HOUR)
    Booking.objects.filter(pk=booking.pk).update(status=status, **columns)


@pytest.fixture
def priced(court):
    court.price_minor = 500
    court.save()
    return court


@pytest.fixture
def evening(venue):
    """From 18:00 on every time needs approval."""
    venue.approval = "primetime"
    venue.save()
    for weekday in range(7):
        PrimetimeWindow.objects.create(
            venue=venue, weekday=weekday, starts_at="18:00", ends_at="22:00"
        )


def test_an_extension_is_written_down_and_told_as_a_move_is(booked, ana):
    booking = booked(ana)
    longer = extend_booking(booking.pk, by(ana), ends_at=booking.ends_at + HOUR)
    assert longer.ends_at == longer.completes_at == booking.ends_at + HOUR
    assert (longer.starts_at, longer.version) == (booking.starts_at, booking.version + 1)
    event = booking.events.first()
    assert (event.verb, event.by) == ("reschedule", "owner")
    assert event.details == {
        "from": {"ends_at": booking.ends_at.isoformat()},
        "to": {"ends_at": longer.ends_at.isoformat()},
        "moved": True,
        "resubmitted": False,
    }
    assert booking.deliveries.order_by("-id").first().name == "moved"


@pytest.mark.parametrize("status", BOOKED)
def test_whatever_blocks_its_slot_is_extended_and_stays_what_it_is(booked, venue, ana, status):
    booking = booked(ana)
    venue.approval = "always" if status == Status.PENDING else "never"
    venue.save()
    stand(booking, status)
    longer = extend_booking(booking.pk, by(ana), by=HOUR)
    assert (longer.status, longer.ends_at) == (status, booking.ends_at + HOUR)


@pytest.mark.parametrize("status", sorted(set(Status.values) - set(BOOKED)))
def test_what_blocks_no_slot_is_not_extended(booked, ana, status):
    booking = booked(ana)
    stand(booking, status)
    refusal = refuses(errors.NotAllowedNow, booking.pk, by(ana), by=HOUR)
    assert refusal.current == status


def test_what_the_clock_should_have_ended_is_not_extended(booked, ana):
    booking = booked(ana)
    stand(booking, "held", hold_expires_at=Now())
    assert refuses(errors.NotAllowedNow, booking.pk, by(ana), by=HOUR).current == "expired"


@pytest.mark.parametrize("minutes", [0, -1, -90])
def test_the_end_must_be_later(booked, ana, minutes):
    booking = booked(ana)
    end = booking.ends_at + minutes * MINUTE
    refusal = refuses(errors.Invalid, booking.pk, by(ana), ends_at=end)
    assert refusal.errors == {"ends_at": ["Must be later than the end that it has."]}


def test_only_its_owner_and_staff_extend(booked, ana, ben, sam):
    booking = booked(ana)
    refuses(errors.Forbidden, booking.pk, by(ben, booking), by=HOUR)
    refuses(errors.Forbidden, booking.pk, Actor.panel("Door"), by=HOUR)
    assert extend_booking(booking.pk, by(sam, booking), by=HOUR).ends_at > booking.ends_at


def test_the_next_booking_is_in_the_way_until_it_is_gone(booked, ana, ben):
    booking, other = booked(ana), booked(ben, hours=1.5)
    refusal = refuses(errors.SlotTaken, booking.pk, by(ana), by=HOUR)
    assert [row.pk for row in refusal.conflicts] == [other.pk]
    assert extend_booking(booking.pk, by(ana), by=HOUR / 2).ends_at == other.starts_at
    stand(other, "held", hold_expires_at=Now())  # run out, not yet swept
    assert extend_booking(booking.pk, by(ana), by=HOUR).ends_at == other.ends_at


def test_the_added_time_meets_the_rules_but_for_notice_and_capacity(booked, court, venue, ana):
    booking = booked(ana, guests=4)
    venue.min_notice = timedelta(days=20)
    venue.closes_at = (booking.ends_at + HOUR).time()
    venue.save()
    Resource.objects.update(capacity=1)
    extend_booking(booking.pk, by(ana), by=HOUR)
    refuses(errors.OutsideHours, booking.pk, by(ana), by=MINUTE)
    refuses(errors.AbsurdTime, booking.pk, by(ana), by=timedelta(days=40))
    Resource.objects.update(maintenance=True)
    refuses(errors.ResourceUnavailable, booking.pk, by(ana), by=MINUTE)


# its price


def test_what_is_not_paid_costs_more(booked, priced, ana):
    """At today's price of the added slots; what it cost before stays."""
    booking = booked(ana)
    assert (booking.status, booking.price_minor) == ("held", 500)
    Resource.objects.update(price_minor=700)
    longer = extend_booking(booking.pk, by(ana), by=HOUR)
    assert (longer.price_minor, longer.payment_status) == (1200, "pending")
    assert longer.hold_expires_at == booking.hold_expires_at


@pytest.mark.parametrize("waive", [False, True])
@pytest.mark.parametrize(
    ("status", "payment"),
    [("confirmed", "succeeded"), ("checked_in", "succeeded"), ("held", "processing")],
)
def test_what_is_paid_or_being_paid_is_extended_by_staff_alone(
    booked, priced, ana, sam, status, payment, waive
):
    booking = booked(ana)
    stand(booking, status, payment_status=payment)
    refuses(errors.AlreadyPaid, booking.pk, by(ana), by=HOUR, waive=waive)
    staff = by(sam, booking)
    if not waive:
        refuses(errors.AlreadyPaid, booking.pk, staff, by=HOUR)
        return
    longer = extend_booking(booking.pk, staff, by=HOUR, waive=True)
    assert (longer.price_minor, longer.payment_status) == (500, payment)
    assert booking.events.first().details["waived_minor"] == 500


def test_time_within_a_slot_that_is_paid_costs_nothing(booked, priced, ana):
    booking = booked(ana, length=0.5)
    stand(booking, "confirmed", payment_status="succeeded")
    assert extend_booking(booking.pk, by(ana), by=HOUR / 2).price_minor == 500
    refuses(errors.AlreadyPaid, booking.pk, by(ana), by=MINUTE)


def test_what_was_free_of_charge_when_it_was_confirmed_is_not_sold_longer(booked, ana, sam, court):
    booking = booked(ana)
    Resource.objects.update(price_minor=500)
    refuses(errors.NotAllowedNow, booking.pk, by(ana), by=HOUR)
    assert extend_booking(booking.pk, by(sam, booking), by=HOUR, waive=True).price_minor == 0


# time that needs approval


def test_time_that_needs_approval_is_asked_for_by_its_owner_and_given_by_staff(
    booked, evening, ana, sam
):
    first, second = booked(ana, hours=8), booked(ana, hours=32)
    assert extend_booking(first.pk, by(ana), by=HOUR).status == Status.PENDING
    assert extend_booking(first.pk, by(ana), by=HOUR).status == Status.PENDING
    assert extend_booking(second.pk, by(sam, second), by=HOUR).status == Status.CONFIRMED


def test_a_meeting_that_has_begun_does_not_wait_for_an_approval(booked, venue, ana, sam):
    """It would end at once as a request that nobody answered."""
    booking = booked(ana)
    venue.approval = "always"
    venue.save()
    for status in ("confirmed", "checked_in"):
        stand(booking, status, starts_at=Now() - HOUR, lapses_at=Now() - HOUR)
        refuses(errors.NotAllowedNow, booking.pk, by(ana), by=HOUR)
    assert extend_booking(booking.pk, by(sam, booking), by=HOUR).status == "checked_in"


# its deadlines


@pytest.mark.parametrize(("length", "grace"), [(10, 15), (60, 15), (14, 15)])
def test_the_grace_ends_with_a_short_meeting_and_comes_back_with_a_longer_one(
    booked, venue, ana, length, grace
):
    venue.check_in_required = True
    venue.save()
    booking = booked(ana, length=length / 60)
    assert booking.no_show_at == booking.starts_at + min(length, grace) * MINUTE
    longer = extend_booking(booking.pk, by(ana), by=HOUR)
    assert longer.no_show_at == booking.starts_at + grace * MINUTE


def test_nobody_puts_a_no_show_off_by_extending(booked, venue, ana):
    venue.check_in_required = True
    venue.save()
    booking = booked(ana)
    venue.no_show_grace = HOUR
    venue.save()
    assert extend_booking(booking.pk, by(ana), by=HOUR).no_show_at == booking.no_show_at
