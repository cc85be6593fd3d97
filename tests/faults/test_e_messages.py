"""Messages: a mail server that misbehaves, causes that are gone, two triggers at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.db.models.functions import Now

from api import errors
from api.lifecycle import BOOKING
from api.models import Booking, Delivery, Venue
from api.models.outbox import State
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking, check_in_booking
from api.services.bookings.sweeps import sweep
from api.services.messages import mailer, outbox, reminders
from api.services.messages.outbox import Effect
from api.services.operations import circuit_breaker
from api.services.operations.lease_queue import WAITS
from backend.settings.emails import find_email_backend

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unbroken")]


@pytest.fixture(autouse=True)
def _over_smtp(settings, mail):
    settings.EMAIL_BACKEND = find_email_backend("smtp")
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", mail.port, 1


def deliver() -> int:
    return outbox.deliver(["email"], mailer.send)


def at_once(*works):
    """What each returned or raised, all begun at the same moment on connections of their own."""
    barrier = Barrier(len(works))

    def one(work):
        try:
            barrier.wait(10)
            return work()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [each.result() for each in [pool.submit(one, work) for work in works]]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("down", "ConnectionRefusedError"),
        ("slow", "timed out"),
        ("451 mailbox busy", "451"),
        ("550 no such user", "550"),
        ("421 too many messages, slow down", "421"),
    ],
)
def test_33_a_mail_server_that_fails_is_tried_again_later_and_the_booking_stands(
    fault, says, booked, ana, mail
):
    """Without the column for the next attempt a failed e-mail is tried in a loop, or never."""
    booking = booked(ana)
    if fault == "down":
        mail.stop()
    elif fault == "slow":
        mail.delay = 30
    else:
        mail.answer = fault
    assert deliver() == 0
    row = Delivery.objects.get()
    assert (row.state, row.attempts) == (State.WAITING, 1)
    assert says in row.last_error
    first = Delivery.objects.filter(due_at__gt=Now() + timedelta(seconds=5))
    assert first.filter(due_at__lt=Now() + WAITS[0] + timedelta(seconds=1)).exists()
    booking.refresh_from_db()
    assert booking.status == "confirmed"
    if fault == "down":
        mail.start()
    mail.answer, mail.delay = "250 OK", 0
    assert deliver() == 0  # not before its time
    Delivery.objects.update(due_at=Now())
    assert deliver() == 1
    assert mail.ids == [mailer.build_message_id(row.key)]


def test_33_after_the_last_attempt_it_is_parked_in_sight_and_can_be_sent_again(booked, ana, mail):
    booked(ana)
    mail.answer = "550 no such user"
    for _ in range(len(WAITS) + 1):
        Delivery.objects.update(due_at=Now())
        assert deliver() == 0
    row = Delivery.objects.get()
    assert (row.state, row.attempts) == (State.PARKED, len(WAITS) + 1)
    assert "550" in row.last_error
    mail.answer = "250 OK"
    assert deliver() == 0
    assert outbox.retry([row.pk]) == 1
    assert deliver() == 1
    assert len(mail.messages) == 1


def test_34_a_reminder_whose_booking_was_cancelled_meanwhile_is_not_sent(
    booked, ana, mail, venue, court
):
    """Without the look at the status when it is sent, people are reminded of what is cancelled."""
    Venue.objects.update(remind_before=timedelta(minutes=15))
    booking = booked(ana)
    Booking.objects.update(remind_at=Now())
    deliver()
    assert reminders.queue_due() == 1
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    deliver()
    assert mail.subjects == ["Reservation Confirmed", "Reservation Cancelled"]
    row = Delivery.objects.get(name="reminder")
    assert (row.state, row.last_error) == (State.WITHHELD, "the booking is cancelled")


def test_35_two_triggers_at_once_queue_one_email_and_two_senders_send_it_once(booked, ana, mail):
    """Without the unique key there are two rows; without the claim both senders send each."""
    booking = booked(ana)
    Delivery.objects.all().delete()
    effect = Effect(
        key=f"email:receipt:{booking.pk}", name="confirmed", booking_id=booking.pk, to=ana.email
    )
    assert at_once(*[lambda: outbox.put([effect])] * 4) == [None] * 4
    assert Delivery.objects.count() == 1
    mail.delay = 0.2
    assert sorted(at_once(deliver, deliver, deliver)) == [0, 0, 1]
    assert len(mail.messages) == 1


def test_38_a_check_in_at_the_moment_of_release_has_one_winner(booked, ana, venue):
    """Without the deadline in the check-in's own condition it wins after the release was due."""
    venue.check_in_required = True
    venue.save()
    for hours in range(0, 20, 2):
        booking = booked(ana, hours=hours)
        actor = Actor.for_booking(ana, booking)
        Booking.objects.filter(pk=booking.pk).update(
            check_in_opens_at=Now(), no_show_at=Now() + timedelta(milliseconds=15)
        )
        arrived, _ = at_once(
            lambda pk=booking.pk, who=actor: check_in_booking(pk, who),
            lambda: sweep(BOOKING.release, "release_no_shows"),
        )
        Booking.objects.filter(pk=booking.pk, status="confirmed").update(no_show_at=Now())
        sweep(BOOKING.release, "release_no_shows")
        booking.refresh_from_db()
        moves = booking.events.filter(verb__in=["check_in", "release"])
        assert moves.count() == 1
        if isinstance(arrived, Booking):
            assert booking.status == "checked_in"
            with pytest.raises(errors.AlreadyDone):
                check_in_booking(booking.pk, actor)
        else:
            assert isinstance(arrived, (errors.CheckInClosed, errors.NotAllowedNow))
            assert (booking.status, moves.get().actor_name) == ("no_show", "release_no_shows")


@pytest.fixture
def hasty(monkeypatch):
    """Every failure counts as a wait, and who is left alone is so until we say otherwise."""
    monkeypatch.setattr(circuit_breaker, "SLOW", 0.0)
    monkeypatch.setattr(circuit_breaker, "PAUSE", float("inf"))
    mailer.breaker.reset()
    yield mailer.breaker
    mailer.breaker.reset()


def test_33_a_mail_server_that_hangs_is_left_alone_and_costs_no_email_an_attempt(
    booked, ana, mail, hasty
):
    """Without the circuit each of them waits for its timeout, and the worker with it."""
    for n in range(5):
        booked(ana, hours=n)
    mail.stop()
    assert deliver() == deliver() == 0
    rows = Delivery.objects.order_by("id")
    assert list(rows.values_list("attempts", flat=True)) == [1, 1, 1, 0, 0]
    assert set(rows.values_list("state", flat=True)) == {State.WAITING}
    mail.start()
    assert deliver() == 0  # not yet
    hasty.retry_at = 0.0
    rows.update(due_at=Now())
    assert deliver() == 5
    assert len(mail.ids) == 5
