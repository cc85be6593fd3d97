"""The outbox and the lease queue: a row is written with its cause, claimed by one worker, tried
again, and in the end sent, withheld or parked where everybody can see it."""

from datetime import timedelta
from threading import Barrier, local

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from api.models import Delivery
from api.models.outbox import Kind, State
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.reschedule import reschedule_booking
from api.services.messages import mailer, outbox
from api.services.messages.outbox import QUEUE, Effect
from api.services.operations.lease_queue import WAITS, Withheld

pytestmark = pytest.mark.django_db

EMAIL = [Kind.EMAIL]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def queued(db):
    def put(*keys, **more):
        outbox.put([Effect(key=key, name="test", to="a@example.com", **more) for key in keys])

    return put


def due_again(**columns):
    Delivery.objects.update(due_at=Now(), **columns)


def claim():
    return QUEUE.claim(kind__in=EMAIL)


def all_well(rows):
    for row in rows:
        yield row, None


def all_fail(rows):
    for row in rows:
        yield row, ValueError("no\0 luck")


def test_an_effect_happens_once_however_often_it_is_put(queued):
    queued("one", "two")
    queued("one", "two", payload={"changed": True})
    assert list(Delivery.objects.order_by("id").values_list("key", "payload", "state")) == [
        ("one", {}, "waiting"),
        ("two", {}, "waiting"),
    ]


def test_an_effect_is_gone_with_its_cause(queued):
    def caused():
        with transaction.atomic():
            queued("one")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        caused()
    assert not Delivery.objects.exists()


def test_what_is_claimed_is_nobody_elses_until_its_lease_is_over(queued):
    queued("one")
    (row,) = claim()
    assert (row.state, row.attempts) == (State.SENDING, 1)
    assert claim() == []
    due_again()  # its sender died with it
    (again,) = claim()
    assert (again.pk, again.attempts) == (row.pk, 2)


def test_who_lost_the_lease_does_not_write_the_outcome(queued):
    queued("one")
    (late,) = claim()
    due_again()
    (now,) = claim()
    assert not QUEUE.finish(late, State.PARKED, "too late")
    assert QUEUE.finish(now, State.SENT)
    assert Delivery.objects.get().state == State.SENT


def test_only_the_kinds_asked_for_are_claimed_and_only_when_due(queued):
    queued("mail")
    queued("money", kind=Kind.REFUND)
    queued("later")
    Delivery.objects.filter(key="later").update(due_at=Now() + MINUTE)
    assert [row.key for row in claim()] == ["mail"]


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_share_the_rows(queued, at_once):
    """Without SKIP LOCKED and the conditional write both would get all of them."""
    queued(*[f"k{n}" for n in range(200)])
    results = at_once(*[lambda: QUEUE.claim(kind__in=EMAIL)] * 4)
    keys = [row.key for rows in results for row in rows]
    assert sorted(keys) == sorted(f"k{n}" for n in range(200))


def test_a_failure_waits_longer_each_time_and_is_parked_after_the_last(queued):
    queued("one")
    for attempt, wait in enumerate(WAITS, 1):
        assert outbox.deliver(EMAIL, all_fail) == 0
        row = Delivery.objects.annotate(now=Now()).get()
        assert (row.state, row.attempts) == (State.WAITING, attempt)
        assert row.last_error == "ValueError: no luck"
        assert wait - MINUTE < row.due_at - row.now <= wait
        due_again()
    assert outbox.deliver(EMAIL, all_fail) == 0
    row = Delivery.objects.get()
    assert (row.state, row.last_error) == (State.PARKED, "ValueError: no luck")
    assert row.finished_at is not None
    due_again()
    assert claim() == []


def test_what_is_parked_may_be_tried_again_from_the_first_wait_on(queued):
    queued("one", "other")
    Delivery.objects.filter(key="one").update(state=State.PARKED, attempts=8, finished_at=Now())
    ids = list(Delivery.objects.values_list("pk", flat=True))
    assert outbox.retry(ids) == 1
    row = Delivery.objects.get(key="one")
    assert (row.state, row.attempts, row.finished_at) == (State.WAITING, 0, None)
    assert outbox.deliver(EMAIL, all_well) == 2


def test_what_a_sender_did_not_reach_is_given_back_without_an_attempt_and_ends_the_run(queued):
    queued("one", "two", "three")
    calls = []

    def gives_up(rows):
        calls.append(len(rows))
        if len(calls) == 1:
            yield rows[0], None
        else:
            yield from all_well(rows)

    assert outbox.deliver(EMAIL, gives_up) == 1
    assert outbox.deliver(EMAIL, gives_up) == 2
    assert calls == [3, 2]
    assert set(Delivery.objects.values_list("state", "attempts")) == {(State.SENT, 1)}


def test_one_that_fails_does_not_hold_up_the_others(queued):
    queued("good", "bad", "gone")

    def mixed(rows):
        for row in rows:
            yield row, {"bad": ValueError("no"), "gone": Withheld("cancelled")}.get(row.key)

    assert outbox.deliver(EMAIL, mixed) == 1
    assert dict(Delivery.objects.values_list("key", "state")) == {
        "good": State.SENT,
        "bad": State.WAITING,
        "gone": State.WITHHELD,
    }
    assert Delivery.objects.get(key="gone").last_error == "cancelled"


# a flood


def test_a_claim_reads_no_more_than_it_takes(queued):
    """What one sweep causes falls due at one moment; sorted by the number as well, all of it was
    read for every batch."""
    queued(*[f"k{n}" for n in range(40 * QUEUE.batch)])
    with connection.cursor() as cursor, CaptureQueriesContext(connection) as asked:
        cursor.execute("ANALYZE api_delivery")
        assert len(claim()) == QUEUE.batch
        (locking,) = [query["sql"] for query in asked if "SKIP LOCKED" in query["sql"]]
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {locking}")
        plans = [cursor.fetchone()[0][0]["Plan"]]
    for plan in plans:  # grows
        plans += plan.get("Plans", [])
    (locked,) = (plan["Plans"][0] for plan in plans if plan["Node Type"] == "LockRows")
    assert (locked["Node Type"], locked["Actual Rows"]) == ("Index Scan", QUEUE.batch)


@pytest.fixture
def flood(queued, transactional_db):
    """A full batch for each thread and some more."""
    many = outbox.THREADS * QUEUE.batch + 7
    queued(*[f"k{n:03}" for n in range(many)])
    return many


def untouched():
    return Delivery.objects.filter(state=State.WAITING, attempts=0).count()


def test_few_ask_for_nobody_and_leave_in_the_order_in_which_they_fell_due(queued):
    queued("c", "b")
    queued("a")
    Delivery.objects.filter(key="a").update(due_at=Now() - MINUTE)
    asked, left = [], []

    def noted(rows):
        left.extend(row.key for row in rows)
        yield from all_well(rows)

    assert outbox.deliver(EMAIL, noted, lambda: asked.append(1)) == 3
    assert (left, asked) == (["a", "c", "b"], [])


def test_who_finds_many_asks_for_another_run_and_soon_ends(flood, monkeypatch):
    """Without the limit one run keeps its process until all is sent, and the sweeps wait."""
    monkeypatch.setattr(outbox, "FLOOD_SECONDS", 0)
    asked = []
    sent = outbox.deliver(EMAIL, all_well, lambda: asked.append(1))
    assert (asked, sent, untouched()) == ([1], flood - 7, 7)  # one batch for each thread


def test_who_has_nobody_to_ask_goes_on_to_the_end(flood, monkeypatch):
    monkeypatch.setattr(outbox, "FLOOD_SECONDS", 0)
    assert outbox.deliver(EMAIL, all_well) == flood


def test_several_threads_send_a_flood_and_each_row_leaves_once(flood):
    """Each thread waits for the others here: with fewer the first gives up."""
    together, left = Barrier(outbox.THREADS), []

    def waits(rows):
        for row in rows:
            if not hasattr(mine, "waited"):
                mine.waited = together.wait(10) >= 0
            left.append(row.key)
            yield row, None

    mine = local()
    assert outbox.deliver(EMAIL, waits) == flood
    assert sorted(left) == [f"k{n:03}" for n in range(flood)]
    assert set(Delivery.objects.values_list("state", "attempts")) == {(State.SENT, 1)}


@pytest.mark.django_db(transaction=True)
def test_an_email_whose_cause_is_gone_is_withheld(booked, court, ana, mailoutbox):
    court.price_minor = 500
    court.save()
    booking = booked(ana)
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    assert outbox.deliver(EMAIL, mailer.send) == 1
    assert list(Delivery.objects.order_by("id").values_list("name", "state")) == [
        ("held", State.WITHHELD),
        ("cancelled", State.SENT),
    ]
    assert [message.to for message in mailoutbox] == [["ana@example.com"]]


def test_sent_rows_are_forgotten_in_the_end_and_parked_ones_kept(queued, settings):
    queued("sent", "withheld", "parked", "young")
    old = Now() - settings.KEEP_DELIVERIES - MINUTE
    for key, state in (("sent", "sent"), ("withheld", "withheld"), ("parked", "parked")):
        Delivery.objects.filter(key=key).update(state=state, finished_at=old)
    Delivery.objects.filter(key="young").update(state="sent", finished_at=Now())
    outbox.prune()
    assert set(Delivery.objects.values_list("key", flat=True)) == {"parked", "young"}


# notices: which emails a move causes


def names(booking):
    return list(booking.deliveries.order_by("id").values_list("name", "to"))


def test_staff_hear_of_a_request_and_its_owner_does(booked, venue, ana):
    venue.approval, venue.admin_email = "always", "desk@example.com"
    venue.save()
    assert names(booked(ana)) == [
        ("pending", "ana@example.com"),
        ("request_waiting", "desk@example.com"),
    ]


def test_a_venue_that_sends_no_confirmations_sends_what_matters_all_the_same(booked, venue, ana):
    venue.send_confirmation_emails = False
    venue.save()
    booking = booked(ana)
    assert names(booking) == []
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    assert names(booking) == [("cancelled", "ana@example.com")]


def test_every_move_is_emailed_again(booked, ana):
    booking = booked(ana)
    for n in (1, 2):
        start = booking.starts_at + n * timedelta(hours=3)
        reschedule_booking(
            booking.pk,
            Actor.for_booking(ana, booking),
            BookingChanges(starts_at=start, ends_at=start + timedelta(hours=1)),
        )
    assert [name for name, _ in names(booking)] == ["confirmed", "moved", "moved"]
