"""Moving and editing: what meets the policy again, what needs an answer again, and what stays."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from api import errors
from api.lifecycle import Status
from api.models import Booking, BookingEvent, Closure, Delivery, PrimetimeWindow, Resource, Venue
from api.services.actors import Actor
from api.services.bookings import actions
from api.services.bookings.actions import approve_booking, check_in_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.reschedule import reschedule_booking

pytestmark = pytest.mark.django_db

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def by(user, booking=None):
    return Actor.for_booking(user, booking or Booking(owner=user, venue=Venue.objects.first()))


def unchanged(booking):
    """The row is as it was when it was read: nothing was written."""
    fresh = Booking.objects.get(pk=booking.pk)
    fields = [f.attname for f in Booking._meta.concrete_fields]
    return [getattr(fresh, f) for f in fields] == [getattr(booking, f) for f in fields]


def emails_of(booking):
    return list(booking.deliveries.order_by("id").values_list("name", flat=True))


@pytest.fixture
def soon(soon):
    """Ten o'clock, whenever the tests run: no time that needs approval below."""
    return soon.replace(hour=10)


@pytest.fixture
def priced(court):
    court.price_minor = 500
    court.save()
    return court


@pytest.fixture
def primetime(venue):
    """Every hour of every day needs approval from 18:00 on."""
    venue.approval = "primetime"
    venue.save()
    for weekday in range(7):
        PrimetimeWindow.objects.create(
            venue=venue, weekday=weekday, starts_at="18:00", ends_at="22:00"
        )
    return venue


def at_hour(soon, hour):
    return (soon + timedelta(days=1)).replace(hour=hour)


def test_a_move_is_recorded_with_its_former_values_and_emailed(booked, ana, soon):
    booking = booked(ana, title="Practice")
    start = soon + 5 * HOUR
    moved = reschedule_booking(
        booking.pk, by(ana), BookingChanges(starts_at=start, ends_at=start + HOUR)
    )
    assert (moved.starts_at, moved.ends_at, moved.version) == (start, start + HOUR, 2)
    assert (moved.completes_at, moved.lapses_at) == (start + HOUR, start)
    event = BookingEvent.objects.filter(booking=booking).first()
    assert (event.verb, event.by, event.to_status) == ("reschedule", "owner", "confirmed")
    assert event.details == {
        "from": {"starts_at": soon.isoformat(), "ends_at": (soon + HOUR).isoformat()},
        "to": {"starts_at": start.isoformat(), "ends_at": (start + HOUR).isoformat()},
        "moved": True,
        "resubmitted": False,
    }
    assert emails_of(booking) == ["confirmed", "moved"]


def test_an_edit_of_words_is_no_move(booked, ana):
    booking = booked(ana)
    edited = reschedule_booking(
        booking.pk, by(ana), BookingChanges(title="Final", notes="Bring balls")
    )
    assert (edited.title, edited.notes, edited.version) == ("Final", "Bring balls", 2)
    assert BookingEvent.objects.filter(booking=booking).first().verb == "edit"
    assert emails_of(booking) == ["confirmed"]


def test_an_edit_that_changes_nothing_writes_nothing(booked, ana):
    booking = booked(ana, title="Practice")
    booking.refresh_from_db()
    reschedule_booking(
        booking.pk, by(ana), BookingChanges(title="Practice", starts_at=booking.starts_at)
    )
    assert unchanged(booking)
    assert BookingEvent.objects.count() == 1


def test_more_guests_are_no_move_and_stop_at_the_capacity(booked, ana, primetime, soon):
    booking = booked(ana, hours=(at_hour(soon, 10) - soon) / HOUR)
    edited = reschedule_booking(booking.pk, by(ana), BookingChanges(guests=4))
    assert (edited.guests, edited.status) == (4, Status.CONFIRMED)
    assert BookingEvent.objects.first().verb == "edit"
    edited.refresh_from_db()
    with pytest.raises(errors.OverCapacity):
        reschedule_booking(booking.pk, by(ana), BookingChanges(guests=5))
    assert unchanged(edited)


@pytest.mark.parametrize(
    ("days", "length", "code"),
    [(-9, 1, "in_the_past"), (70, 1, "too_far_ahead"), (0, -1, "ends_before_start")],
)
def test_a_move_meets_the_policy_again(booked, ana, soon, days, length, code):
    booking = booked(ana)
    booking.refresh_from_db()
    start = soon + timedelta(days=days)
    with pytest.raises(errors.Refusal) as refused:
        reschedule_booking(
            booking.pk, by(ana), BookingChanges(starts_at=start, ends_at=start + length * HOUR)
        )
    assert refused.value.code == code
    assert unchanged(booking)


def test_a_start_that_is_kept_owes_no_notice_again(booked, ana, venue):
    booking = booked(ana)
    venue.min_notice = timedelta(days=30)
    venue.save()
    longer = reschedule_booking(booking.pk, by(ana), BookingChanges(ends_at=booking.ends_at + HOUR))
    assert longer.ends_at == booking.ends_at + HOUR
    with pytest.raises(errors.TooSoon):
        reschedule_booking(
            booking.pk, by(ana), BookingChanges(starts_at=booking.starts_at + 30 * MINUTE)
        )


def test_only_its_owner_and_staff_may_move_it(booked, ana, ben, sam, soon):
    booking = booked(ana)
    booking.refresh_from_db()
    with pytest.raises(errors.Forbidden):
        reschedule_booking(booking.pk, by(ben, booking), BookingChanges(title="Mine now"))
    assert unchanged(booking)
    assert (
        reschedule_booking(booking.pk, by(sam, booking), BookingChanges(title="Moved")).title
        == "Moved"
    )


@pytest.mark.parametrize("verb", ["cancel", "reject", "check_in", "end"])
def test_what_is_over_cannot_be_edited(booked, ana, sam, venue, court, soon, verb):
    booking = booked(ana)
    Booking.objects.update(check_in_opens_at=Now())
    if verb == "end":
        check_in_booking(booking.pk, by(sam))
    getattr(actions, f"{verb}_booking")(booking.pk, by(sam))
    booking.refresh_from_db()
    with pytest.raises(errors.NotAllowedNow) as refused:
        reschedule_booking(booking.pk, by(ana), BookingChanges(title="x"))
    assert refused.value.current == booking.status
    assert unchanged(booking)


def test_a_hold_that_has_run_out_cannot_be_edited_even_before_its_sweep(booked, ana, priced):
    booking = booked(ana)
    Booking.objects.update(hold_expires_at=Now())
    booking.refresh_from_db()
    with pytest.raises(errors.NotAllowedNow) as refused:
        reschedule_booking(booking.pk, by(ana), BookingChanges(title="x"))
    assert refused.value.current == Status.EXPIRED
    assert unchanged(booking)


def test_what_has_begun_may_be_made_longer_but_not_put_off(booked, ana, venue):
    venue.check_in_required = True
    venue.save()
    booking = booked(ana, length=2)
    past = Now() - 70 * MINUTE
    Booking.objects.update(starts_at=past, no_show_at=Now() + HOUR)
    booking.refresh_from_db()
    with pytest.raises(errors.AlreadyBegun):
        reschedule_booking(
            booking.pk, by(ana), BookingChanges(starts_at=booking.starts_at + 3 * HOUR)
        )
    longer = reschedule_booking(booking.pk, by(ana), BookingChanges(ends_at=booking.ends_at + HOUR))
    assert longer.completes_at == longer.ends_at
    assert longer.no_show_at == booking.no_show_at  # frozen: an edit buys no new grace


def test_a_move_into_an_expired_hold_takes_its_slot(booked, ana, ben, priced):
    booking, dead = booked(ana), booked(ben, hours=2)
    Booking.objects.filter(pk=dead.pk).update(hold_expires_at=Now())
    moved = reschedule_booking(
        booking.pk, by(ana), BookingChanges(starts_at=dead.starts_at, ends_at=dead.ends_at)
    )
    dead.refresh_from_db()
    assert (moved.starts_at, dead.status) == (dead.starts_at, Status.EXPIRED)


# place


@pytest.fixture
def annex(venue):
    return Resource.objects.create(venue=venue, name="Annex", capacity=2)


def test_a_move_to_another_place_frees_the_old_one(booked, ana, ben, annex, court):
    booking = booked(ana)
    moved = reschedule_booking(booking.pk, by(ana), BookingChanges(resource=annex.pk))
    assert (moved.resource, moved.starts_at) == (annex, booking.starts_at)
    assert booked(ben).resource == court
    with pytest.raises(errors.SlotTaken):
        booked(ben, place=annex)


def test_a_move_to_a_place_that_is_too_small_closed_or_gone_is_refused(booked, ana, annex):
    booking = booked(ana, guests=3)
    booking.refresh_from_db()
    with pytest.raises(errors.OverCapacity):
        reschedule_booking(booking.pk, by(ana), BookingChanges(resource=annex.pk))
    Resource.objects.filter(pk=annex.pk).update(capacity=9, maintenance=True)
    with pytest.raises(errors.ResourceUnavailable):
        reschedule_booking(booking.pk, by(ana), BookingChanges(resource=annex.pk))
    Resource.objects.filter(pk=annex.pk).update(maintenance=False, retired_at=Now())
    with pytest.raises(errors.NotFound):
        reschedule_booking(booking.pk, by(ana), BookingChanges(resource=annex.pk))
    assert unchanged(booking)


def test_a_booking_of_a_retired_place_keeps_its_time_but_not_its_words(booked, ana, court):
    booking = booked(ana)
    Resource.objects.filter(pk=court.pk).update(retired_at=Now())
    assert (
        reschedule_booking(booking.pk, by(ana), BookingChanges(title="Last one")).title
        == "Last one"
    )
    with pytest.raises(errors.ResourceUnavailable):
        reschedule_booking(booking.pk, by(ana), BookingChanges(ends_at=booking.ends_at + HOUR))


def test_a_move_to_another_venue_takes_over_its_policy(booked, ana, annex):
    hall = Venue.objects.create(slug="hall", name="Hall", completion_after=HOUR, currency="eur")
    room = Resource.objects.create(venue=hall, name="Room")
    booking = booked(ana)
    moved = reschedule_booking(booking.pk, by(ana), BookingChanges(resource=room.pk))
    assert (moved.venue, moved.completes_at) == (hall, moved.ends_at + HOUR)


# approval


def test_a_move_into_primetime_needs_an_answer(booked, ana, primetime, soon):
    start = at_hour(soon, 10)
    booking = booked(ana, hours=(start - soon) / HOUR)
    assert booking.status == Status.CONFIRMED
    evening = at_hour(soon, 18)
    moved = reschedule_booking(
        booking.pk, by(ana), BookingChanges(starts_at=evening, ends_at=evening + HOUR)
    )
    assert (moved.status, moved.primetime) == (Status.PENDING, True)
    assert [e.verb for e in booking.events.all()] == ["resubmit", "reschedule", "book"]
    assert emails_of(booking) == ["confirmed", "pending"]


def test_shrinking_inside_what_was_approved_keeps_the_approval(booked, ana, sam, primetime, soon):
    evening = at_hour(soon, 18)
    booking = booked(ana, hours=(evening - soon) / HOUR, length=2)
    approve_booking(booking.pk, by(sam))
    shorter = reschedule_booking(booking.pk, by(ana), BookingChanges(ends_at=evening + HOUR))
    assert (shorter.status, shorter.approved_by) == (Status.CONFIRMED, sam)
    longer = reschedule_booking(booking.pk, by(ana), BookingChanges(ends_at=evening + 2 * HOUR))
    assert (longer.status, longer.approved_by, longer.approved_at) == (Status.PENDING, None, None)


def test_a_hold_cannot_be_moved_around_an_approval(booked, ana, primetime, priced, soon):
    booking = booked(ana, hours=(at_hour(soon, 10) - soon) / HOUR)
    assert booking.status == Status.HELD
    booking.refresh_from_db()
    evening = at_hour(soon, 18)
    with pytest.raises(errors.NotAllowedNow):
        reschedule_booking(
            booking.pk, by(ana), BookingChanges(starts_at=evening, ends_at=evening + HOUR)
        )
    assert unchanged(booking)


# price


def test_a_hold_that_is_moved_owes_the_new_price(booked, ana, priced):
    booking = booked(ana)
    longer = reschedule_booking(booking.pk, by(ana), BookingChanges(ends_at=booking.ends_at + HOUR))
    assert (longer.price_minor, longer.currency, longer.status) == (1000, "usd", Status.HELD)
    assert longer.hold_expires_at == booking.hold_expires_at


@pytest.mark.parametrize("payment", ["succeeded", "processing"])
def test_a_price_that_was_paid_does_not_change(booked, ana, priced, payment):
    booking = booked(ana)
    Booking.objects.update(status=Status.CONFIRMED, payment_status=payment)
    booking.refresh_from_db()
    with pytest.raises(errors.NotAllowedNow):
        reschedule_booking(booking.pk, by(ana), BookingChanges(ends_at=booking.ends_at + HOUR))
    assert unchanged(booking)
    start = booking.starts_at + 3 * HOUR  # the same price at another time
    moved = reschedule_booking(
        booking.pk, by(ana), BookingChanges(starts_at=start, ends_at=start + HOUR)
    )
    assert (moved.price_minor, moved.status) == (500, Status.CONFIRMED)


def test_a_free_booking_does_not_move_to_a_place_that_costs(booked, ana, annex):
    Resource.objects.filter(pk=annex.pk).update(price_minor=900)
    booking = booked(ana)
    booking.refresh_from_db()
    with pytest.raises(errors.NotAllowedNow):
        reschedule_booking(booking.pk, by(ana), BookingChanges(resource=annex.pk))
    assert unchanged(booking)


def test_a_hold_does_not_move_to_a_place_that_costs_nothing(booked, ana, priced, annex):
    booking = booked(ana)
    booking.refresh_from_db()
    with pytest.raises(errors.NotAllowedNow):
        reschedule_booking(booking.pk, by(ana), BookingChanges(resource=annex.pk))
    assert unchanged(booking)


def test_a_request_may_change_its_price_before_it_is_answered(booked, ana, sam, venue, annex):
    venue.approval = "always"
    venue.save()
    Resource.objects.filter(pk=annex.pk).update(price_minor=900)
    booking = booked(ana)
    moved = reschedule_booking(booking.pk, by(ana), BookingChanges(resource=annex.pk))
    assert (moved.status, moved.price_minor) == (Status.PENDING, 900)
    assert (moved.currency, moved.payment_status) == ("usd", "pending")
    assert approve_booking(booking.pk, by(sam)).status == Status.HELD


def test_a_move_onto_a_closed_date_is_refused(booked, ana, venue, soon):
    booking = booked(ana)
    booking.refresh_from_db()
    on = (soon + timedelta(days=3)).date()
    Closure.objects.create(venue=venue, first_on=on, last_on=on, reason="Cleaning")
    with pytest.raises(errors.Closed):
        reschedule_booking(
            booking.pk,
            by(ana),
            BookingChanges(
                starts_at=soon + timedelta(days=3), ends_at=soon + timedelta(days=3, minutes=30)
            ),
        )
    assert unchanged(booking)
    assert Delivery.objects.count() == 1
