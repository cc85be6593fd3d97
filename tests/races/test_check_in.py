"""Check-in against release, and against another check-in: one winner."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from api import errors
from api.lifecycle import BOOKING, Status
from api.models import Booking, BookingEvent, Panel
from api.services import bookings, panels, transitions
from api.services.actors import Actor

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 15


def together(*works):
    """Runs them at once, each on a connection of its own; what each came to."""
    start, results = threading.Barrier(len(works)), [None] * len(works)

    def run(index, work):
        try:
            start.wait(10)
            results[index] = work()
        except errors.Refused as refusal:
            results[index] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_check_in_and_release_at_the_same_instant_have_one_winner(venue, booked, ana):
    """Shown to fail by leaving `status IN (sources)` out of `transitions._sql`: both then move the
    row, in whichever order."""
    venue.check_in_required = True
    venue.save()
    winners = set()
    for number in range(ROUNDS):
        booking = booked(ana, hours=2 * number)
        Booking.objects.filter(pk=booking.pk).update(
            check_in_opens_at=Now(), no_show_at=Now() + timedelta(milliseconds=20)
        )
        barrier = f"SELECT pg_sleep(extract(epoch FROM (SELECT no_show_at FROM api_booking WHERE id = {booking.pk}) - clock_timestamp()))"  # noqa: E501

        def come(pk=booking.pk, wait=barrier):
            with connection.cursor() as cursor:
                cursor.execute(wait)
            Booking.objects.filter(pk=pk).update(no_show_at=Now() + timedelta(milliseconds=1))
            return bookings.check_in(pk, Actor.person(ana))

        def release(wait=barrier):
            with connection.cursor() as cursor:
                cursor.execute(wait)
            return transitions.sweep(BOOKING.release, "release_no_shows")

        came, released = together(come, release)
        booking.refresh_from_db()
        verbs = list(booking.events.exclude(verb="book").values_list("verb", flat=True))
        assert len(verbs) == 1 or (verbs == [] and booking.status == Status.CONFIRMED)
        if isinstance(came, errors.Refused):
            transitions.sweep(BOOKING.release, "release_no_shows")
            booking.refresh_from_db()
            assert booking.status == Status.NO_SHOW
        else:
            assert (booking.status, released) == (Status.CHECKED_IN, 0)
        winners.add(booking.status)
    assert winners <= {Status.NO_SHOW, Status.CHECKED_IN}


def test_of_many_who_check_in_at_once_one_does(booked, ana, ben, sam):
    booking = booked(ana)
    Booking.objects.filter(pk=booking.pk).update(check_in_opens_at=Now())

    def come(who):
        return lambda: bookings.check_in(booking.pk, Actor.person(who))

    results = together(*(come(who) for who in (ana, ben, sam, ana, ben, sam)))
    refused = [result for result in results if isinstance(result, errors.AlreadyDone)]
    assert len(refused) == len(results) - 1
    assert BookingEvent.objects.filter(verb="check_in").count() == 1


def test_check_in_and_end_and_cancel_leave_one_story(booked, ana):
    """Whatever the order, every line of history begins where the one before it ended."""
    for number in range(ROUNDS):
        booking = booked(ana, hours=2 * number)
        Booking.objects.filter(pk=booking.pk).update(check_in_opens_at=Now())
        actor = Actor.toward(ana, booking)
        together(
            lambda pk=booking.pk, who=actor: bookings.check_in(pk, who),
            lambda pk=booking.pk, who=actor: bookings.end(pk, who),
            lambda pk=booking.pk, who=actor: bookings.cancel(pk, who),
        )
        booking.refresh_from_db()
        lines = list(booking.events.order_by("id").values_list("from_status", "to_status"))
        for before, after in itertools.pairwise(lines):
            assert after[0] == before[1], lines
        assert lines[-1][1] == booking.status
        assert booking.version == len(lines)


def test_of_many_devices_with_one_code_one_is_paired(court, sam):
    """Shown to fail by leaving `select_for_update` out of `panels.pair`."""
    made = panels.create(court, "Door", sam)
    results = together(*(lambda: panels.pair(made.code) for _ in range(6)))
    paired = [result for result in results if isinstance(result, panels.Secrets)]
    assert len(paired) == 1
    assert panels.authenticate(paired[0].token) == Panel.objects.get()


def test_of_many_panels_that_book_one_room_at_once_one_does(court, sam):
    doors = [panels.create(court, f"Door {n}", sam).panel for n in range(5)]
    results = together(*(lambda door=door: panels.book(door, 15) for door in doors))
    assert sum(isinstance(result, Booking) for result in results) == 1
    assert Booking.objects.count() == 1
