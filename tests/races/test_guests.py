"""Confirming a guest's booking against the clock, against itself, and against whoever verifies the
address just then."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from api import errors
from api.lifecycle import BOOKING
from api.models import Booking, BookingEvent, Delivery, Guest
from api.services.accounts import links, verification
from api.services.bookings import guests
from api.services.bookings.create import MAX_UNCONFIRMED
from api.services.bookings.sweeps import sweep
from tests.support.kinds import of_every_kind
from tests.support.rivals import Rival
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 6


def request_one(bookable, start):
    gus = Guest("Gus Example", "gus@example.com")
    return guests.request_booking(bookable.request(gus, start, start + timedelta(hours=1)))


def get_token(booking):
    booking.refresh_from_db()
    return links.build_guest_token(booking)


def expire(booking):
    """What the sweeps of that time do, until one of the two has it."""

    def is_decided():
        sweep(BOOKING.expire, "expire_holds")
        return Booking.objects.filter(pk=booking.pk).exclude(status="held").exists()

    return eventually(is_decided, every=0)


@of_every_kind
def test_against_the_clock_exactly_one_of_the_two_wins(bookable, soon, at_once):
    for n in range(ROUNDS):
        booking = request_one(bookable, soon + timedelta(hours=2 * n))
        token = get_token(booking)
        moment = timedelta(milliseconds=8 * n)
        Booking.objects.filter(pk=booking.pk).update(hold_expires_at=Now() + moment)
        result, _ = at_once(partial(guests.confirm_guest_booking, token), partial(expire, booking))
        verbs = BookingEvent.objects.filter(booking=booking).values_list("verb", flat=True)
        won = isinstance(result, Booking)
        assert won or isinstance(result, (errors.NotFound, errors.NotAllowedNow)), result
        assert sorted(verbs) == ["book", "confirm_guest" if won else "expire"]


@of_every_kind
def test_a_confirmation_that_waits_for_the_clock_finds_the_hold_over(bookable, soon):
    """Seen to be confirmed, of every kind, without the sources in the WHERE of `move_rows`."""
    booking = request_one(bookable, soon)
    with transaction.atomic():
        Booking.objects.filter(pk=booking.pk).update(hold_expires_at=Now())
        rival = Rival(partial(guests.confirm_guest_booking, get_token(booking)))
        rival.start()
        rival.wait()
        assert sweep(BOOKING.expire, "expire_holds") == 1
    rival.join(20)
    assert rival.result is errors.NotAllowedNow
    booking.refresh_from_db()
    assert booking.status == "expired"


@of_every_kind
def test_of_many_confirmations_at_once_one_is_written(bookable, soon, at_once):
    """Seen to fail without the lock of the row and `guest_confirmed_at IS NULL`: two lines of
    history, two letters, a deadline that is put off."""
    bookable.charge(500)
    booking = request_one(bookable, soon)
    token = get_token(booking)
    results = at_once(*[partial(guests.confirm_guest_booking, token)] * 4)
    assert sum(isinstance(each, Booking) for each in results) == 1
    assert sum(isinstance(each, errors.AlreadyDone) for each in results) == 3
    assert BookingEvent.objects.filter(verb="confirm_guest").count() == 1
    assert Delivery.objects.filter(name="held").count() == 1


def is_anybody_waiting():
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return cursor.fetchone()[0]


def test_whoever_verifies_the_address_just_then_gets_the_booking(bookable, soon, person):
    """Seen to fail with the account not locked in `_lock_account`: each of the two looked before
    the other had written, and the booking stayed a guest's."""
    gus = person("gus", email_verified_at=None)
    booking = request_one(bookable, soon)
    token = get_token(booking)

    def confirm():
        try:
            return guests.confirm_guest_booking(token)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            verification.confirm_address(links.build_confirm_link(gus).split("/")[-2])
            confirmed = threads.submit(confirm)
            eventually(lambda: confirmed.done() or is_anybody_waiting())
        assert confirmed.result().owner == gus


def test_many_requests_at_once_in_one_name_hold_no_more_than_may_wait(bookable, soon, at_once):
    """Seen to fail without the advisory lock: all of them counted before any was there."""
    calls = [
        partial(request_one, bookable, soon + timedelta(hours=2 * n))
        for n in range(MAX_UNCONFIRMED + 3)
    ]
    results = at_once(*calls)
    assert sum(isinstance(each, Booking) for each in results) == MAX_UNCONFIRMED
    assert sum(isinstance(each, errors.TooManyHolds) for each in results) == 3
