"""Check-in against release, and against another check-in: one winner."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from api import errors
from api.lifecycle import BOOKING, ActorRole, Status
from api.models import Booking, BookingEvent, Panel
from api.services.actors import Actor
from api.services.bookings import transitions
from api.services.bookings.actions import cancel_booking, check_in_booking, end_booking
from api.services.bookings.sweeps import sweep
from api.services.panels import panels

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 9


def alone(work):
    """On a connection of its own."""
    try:
        return work()
    finally:
        connection.close()


def together(*works):
    """Runs them at once, each on a connection of its own; what each came to."""
    start, results = threading.Barrier(len(works)), [None] * len(works)

    def run(index, work):
        start.wait(10)
        try:
            results[index] = alone(work)
        except errors.Refusal as refusal:
            results[index] = refusal

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def wait_until(condition, *params):
    """Asks the database until it says yes."""
    with connection.cursor() as cursor:
        for _ in range(2000):
            cursor.execute(f"SELECT {condition}, pg_sleep(0.005)", params)
            if cursor.fetchone()[0]:
                return
    raise AssertionError(condition)


def waiting(many):
    """Whether so many sessions wait for somebody's lock."""
    return f"(SELECT count(*) FROM pg_locks WHERE NOT granted) = {many}"


PAST = "%s < clock_timestamp()"


@pytest.fixture
def due_soon(venue, booked, ana):
    """A booking that is released in a quarter of a second unless somebody checks in."""
    venue.check_in_required = True
    venue.save()

    def make(hours=0):
        booking = booked(ana, hours=hours)
        Booking.objects.filter(pk=booking.pk).update(
            check_in_opens_at=Now(), no_show_at=Now() + timedelta(milliseconds=250)
        )
        booking.refresh_from_db()
        return booking

    return make


def test_who_checked_in_in_time_stays_in_though_the_release_came_after_it(due_soon, ana):
    """Both wait for the row, the check-in since before its deadline and the release since after.
    Shown to fail without the two guards that say the same: `status IN (sources)` in
    `statements.move_rows`, and the `no_show_at` that check_in empties in the table."""
    booking = due_soon()
    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            Booking.objects.select_for_update().get(pk=booking.pk)
            came = pool.submit(
                alone, lambda: check_in_booking(booking.pk, Actor.for_booking(ana, booking))
            )
            wait_until(waiting(1))
            wait_until(PAST, booking.no_show_at)
            due = ("id = %s", [booking.pk])
            released = pool.submit(alone, lambda: transitions.apply_due_transitions(BOOKING, *due))
            wait_until(waiting(2))
        assert came.result(10).status == Status.CHECKED_IN
        assert released.result(10) == 0
    booking.refresh_from_db()
    assert booking.status == Status.CHECKED_IN
    assert [event.verb for event in booking.events.all()] == ["check_in", "book"]


def test_check_in_and_release_at_the_instant_of_the_deadline_have_one_winner(due_soon, ana):
    for number in range(ROUNDS):
        booking = due_soon(2 * number)

        def come(pk=booking.pk):
            return check_in_booking(pk, Actor(ActorRole.OWNER, ana))

        def release(deadline=booking.no_show_at):
            wait_until(PAST, deadline)
            return sweep(BOOKING.release, "release_no_shows")

        def come_late(pk=booking.pk, deadline=booking.no_show_at):
            wait_until(PAST, deadline)
            return check_in_booking(pk, Actor(ActorRole.OWNER, ana))

        first = come if number % 3 == 0 else come_late
        came, released = together(first, release)
        booking.refresh_from_db()
        in_time = isinstance(came, Booking)
        assert released == (0 if in_time else 1)
        assert booking.status == (Status.CHECKED_IN if in_time else Status.NO_SHOW)
        verbs = [event.verb for event in booking.events.all()]
        assert verbs == ["check_in" if in_time else "release", "book"]


def test_of_many_who_check_in_at_once_one_does(booked, ana, ben, sam):
    booking = booked(ana)
    Booking.objects.filter(pk=booking.pk).update(check_in_opens_at=Now())

    def come(who):
        return lambda: check_in_booking(booking.pk, Actor.in_venue(who, booking.venue_id))

    results = together(*(come(who) for who in (ana, ben, sam, ana, ben, sam)))
    refused = [result for result in results if isinstance(result, errors.AlreadyDone)]
    assert len(refused) == len(results) - 1
    assert BookingEvent.objects.filter(verb="check_in").count() == 1


def test_check_in_and_end_and_cancel_leave_one_story(booked, ana):
    """Whatever the order, every line of history begins where the one before it ended."""
    for number in range(ROUNDS):
        booking = booked(ana, hours=2 * number)
        Booking.objects.filter(pk=booking.pk).update(check_in_opens_at=Now())
        actor = Actor.for_booking(ana, booking)
        together(
            lambda pk=booking.pk, who=actor: check_in_booking(pk, who),
            lambda pk=booking.pk, who=actor: end_booking(pk, who),
            lambda pk=booking.pk, who=actor: cancel_booking(pk, who),
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
