"""Book, and what is refused."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from api import errors
from api.lifecycle import BOOKING, Status
from api.models import Booking, BookingEvent, Delivery
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.reschedule import reschedule_booking
from api.services.bookings.sweeps import sweep

pytestmark = pytest.mark.django_db


def test_a_free_slot_is_confirmed_with_its_history_and_its_email(booked, ana):
    booking = booked(ana, title="Practice")
    booking.refresh_from_db()
    assert booking.status == Status.CONFIRMED
    assert booking.completes_at == booking.ends_at
    event = BookingEvent.objects.get()
    assert (event.verb, event.to_status, event.by, event.actor) == (
        "book",
        "confirmed",
        "owner",
        ana,
    )
    delivery = Delivery.objects.get()
    assert (delivery.name, delivery.to, delivery.state) == ("confirmed", ana.email, "waiting")


def test_an_overlap_is_refused_with_what_blocks_and_the_nearest_free_times(booked, ana, ben, soon):
    first = booked(ana, length=2)
    with pytest.raises(errors.SlotTaken) as refused:
        booked(ben, hours=1, length=2)
    assert refused.value.conflicts == [first]
    assert refused.value.alternatives[0] == (first.ends_at, first.ends_at + timedelta(hours=2))
    assert Booking.objects.count() == 1


def test_a_free_slot_is_taken_in_two_statements(booked, ana, django_assert_num_queries):
    """The rules and the clock, then the booking together with its history and its e-mail."""
    booked(ana)
    with django_assert_num_queries(2):
        booking = booked(ana, hours=3)
    assert BookingEvent.objects.filter(booking=booking).count() == 1
    assert Delivery.objects.filter(booking=booking).count() == 1


def test_a_refused_booking_leaves_neither_history_nor_email(booked, ana, ben):
    """Fails when the parts of `bulk.along_with` do not ask whether the slot was taken."""
    booked(ana)
    events, deliveries = BookingEvent.objects.count(), Delivery.objects.count()
    with pytest.raises(errors.SlotTaken):
        booked(ben)
    assert (BookingEvent.objects.count(), Delivery.objects.count()) == (events, deliveries)


def test_adjacent_bookings_do_not_overlap(booked, ana, ben):
    booked(ana)
    booked(ben, hours=1)
    booked(ben, hours=-1)
    assert Booking.objects.count() == 3


def test_a_dead_hold_does_not_block_a_new_booking(booked, court, ana, ben):
    court.price_minor = 500
    court.save()
    hold = booked(ana)
    assert hold.status == Status.HELD
    assert hold.price_minor == 500
    Booking.objects.filter(pk=hold.pk).update(hold_expires_at=Now() - timedelta(seconds=1))
    new = booked(ben)
    hold.refresh_from_db()
    assert (hold.status, new.status) == (Status.EXPIRED, Status.HELD)
    assert list(hold.events.values_list("verb", "actor_name")) == [
        ("expire", "on_demand"),
        ("book", ""),
    ]


def test_a_sweep_expires_what_is_due_and_nothing_else(booked, court, ana):
    court.price_minor = 500
    court.save()
    dead, alive = booked(ana), booked(ana, hours=2)
    Booking.objects.filter(pk=dead.pk).update(hold_expires_at=Now())
    assert sweep(BOOKING.expire, "expire_holds") == 1
    assert sweep(BOOKING.expire, "expire_holds") == 0
    dead.refresh_from_db()
    alive.refresh_from_db()
    assert (dead.status, alive.status) == (Status.EXPIRED, Status.HELD)


def test_cancel_twice_is_refused_the_second_time(booked, ana):
    booking = booked(ana)
    actor = Actor.for_booking(ana, booking)
    assert cancel_booking(booking.pk, actor).status == Status.CANCELLED
    with pytest.raises(errors.AlreadyDone):
        cancel_booking(booking.pk, actor)


def test_a_moved_booking_frees_its_old_slot_and_meets_the_constraint(booked, ana, ben, soon):
    mine, other = booked(ana), booked(ben, hours=2)
    actor = Actor.for_booking(ana, mine)
    with pytest.raises(errors.SlotTaken):
        reschedule_booking(
            mine.pk, actor, BookingChanges(starts_at=other.starts_at, ends_at=other.ends_at)
        )
    moved = reschedule_booking(
        mine.pk,
        actor,
        BookingChanges(starts_at=soon + timedelta(hours=5), ends_at=soon + timedelta(hours=6)),
    )
    assert moved.starts_at == soon + timedelta(hours=5)
    assert moved.version == 2
    booked(ben)


def test_a_poisoned_row_does_not_hold_up_the_others(booked, court, ana):
    """Without the search for the bad row (sweep re-raising), no row moves at all."""
    from api.models import JobFailure
    from api.signals import transitioned

    court.price_minor = 500
    court.save()
    rows = [booked(ana, hours=n) for n in range(4)]
    Booking.objects.update(hold_expires_at=Now())
    poisoned = rows[1].pk

    def poison(rows, **_):
        if any(row.pk == poisoned for row in rows):
            raise ValueError("cannot be worked on")

    transitioned.connect(poison)
    try:
        assert sweep(BOOKING.expire, "expire_holds") == 3
    finally:
        transitioned.disconnect(poison)
    failure = JobFailure.objects.get()
    assert (failure.job, failure.row, failure.attempts) == ("expire_holds", str(poisoned), 1)
