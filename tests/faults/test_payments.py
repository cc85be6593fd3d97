"""Webhooks in any order and number, lost answers, a slow Stripe, a worker that dies."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.db import connection
from django.db.models.functions import Now
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api import errors
from api.models import Booking, Delivery, Payment, Refund, StripeEvent, Venue
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.messages import outbox
from api.services.operations import circuit_breaker, invariants
from api.services.payments import (
    payments,
    reconciliation,
    refunds,
    stripe_calls,
    stripe_events,
)
from tests.support.kinds import KINDS, make_kind
from tests.support.stripe import DECLINED, GOOD
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def state(booking):
    booking.refresh_from_db()
    return booking.status, booking.payment_status


# webhooks in any order


STEPS = ("decline", "pay", "cancel there", "cancel here", "run out", "rival", "hear", "work")
HOOKS = ("succeeded", "payment_failed", "canceled")
LATE = ["pay", "run out", "rival", ("succeeded", 0), "hear", ("succeeded", 1), "work"]
STEP = st.one_of(st.sampled_from(STEPS), st.tuples(st.sampled_from(HOOKS), st.integers(0, 2)))


@pytest.fixture
def world(hold, ana, ben, customer, run_out, worker, for_sale):
    """A hold of that kind with its payment begun, on a day of its own, and what can happen to
    it."""

    class World:
        def __init__(self, name) -> None:
            Venue.objects.update(refund_until=timedelta(days=365), late_refund_percent=40)
            vars(for_sale).update(vars(make_kind(name, for_sale.first.venue)))
            for_sale.charge(10000)
            self.day = 24 * (Booking.objects.count() + 1)
            self.booking, self.rival = hold(ana, self.day), None
            self.intent = payments.start_payment(self.booking.pk).intent_id
            self.actor = Actor.for_booking(ana, self.booking)

        def happen(self, step) -> None:
            if isinstance(step, tuple):
                what, copy = step
                event = f"evt_{self.intent}_{what}_{copy}"
                stripe_events.store_event(
                    *customer.event(f"payment_intent.{what}", self.intent, event)
                )
                return
            {
                "decline": lambda: customer.pay(self.intent, DECLINED),
                "pay": lambda: customer.pay(self.intent, GOOD),
                "cancel there": lambda: customer.cancel(self.intent),
                "cancel here": self.cancel,
                "run out": lambda: run_out(self.booking),
                "rival": self.book_against,
                "hear": stripe_events.process_events,
                "work": worker,
            }[step]()

        def cancel(self) -> None:
            with contextlib.suppress(errors.NotAllowedNow):
                cancel_booking(self.booking.pk, self.actor)

        def book_against(self) -> None:
            with contextlib.suppress(errors.SlotTaken):
                self.rival = hold(ben, self.day)

        def come_to_rest(self) -> None:
            for _ in range(2):
                mine = Payment.objects.filter(intent_id=self.intent)
                mine.update(checked_at=None, created_at=Now() - timedelta(hours=1))
                reconciliation.reconcile_due()
                Delivery.objects.update(due_at=Now())
                worker()

    return World


def expected(charged, had, status):
    """The model: the payment status and what went back, once all is at rest. `had`: they had the
    room, if only for a while; who gives it up gets 40 of 100 back from this venue."""
    if not charged:
        return None, 0
    if not had:
        return "refunded", 10000
    return ("succeeded", 0) if status == "confirmed" else ("partly_refunded", 4000)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(STEP, max_size=10), st.sampled_from(KINDS))
@example(["pay", ("succeeded", 0), "hear", "cancel here", ("succeeded", 1), "hear"], "set")
@example(LATE, "plain")
@example(LATE, "units")
@example(LATE, "buffers")
@example(LATE, "set")
@example(LATE, "set of units")
@example(LATE, "service")
@example(["cancel there", ("canceled", 0), "hear"], "units")
@example(
    ["decline", "pay", ("payment_failed", 0), ("succeeded", 0), "hear", ("canceled", 0)], "buffers"
)
def test_however_the_news_arrives_slot_and_money_agree(world, customer, steps, name):
    """Hooks are doubled and reordered freely among all that can happen to a hold. With the
    result of `_confirm_booking` ignored, or without `_on_canceled`, the examples below fail."""
    it = world(name)
    for step in steps:
        it.happen(step)
    it.come_to_rest()
    intent = customer.intent(it.intent)["status"]
    charged = intent == "succeeded"
    back = sum(customer.refunds(it.intent)) if charged else 0
    status, told = state(it.booking)
    had = it.booking.events.filter(verb__in=("pay", "pay_late")).count()
    assert (told if charged else None, back) == expected(charged, had, status)
    assert status in ("confirmed", "cancelled", "expired") or not charged
    assert status != "confirmed" or (charged and it.rival is None)
    assert status != "held" or intent != "canceled"
    receipts = Delivery.objects.filter(booking=it.booking, name="receipt")
    assert receipts.count() == had <= 1
    assert invariants.list_problems(allowed_lag=None) == []


def test_a_webhook_before_our_own_answer_is_not_lost(hold, ana, customer, line):
    """The customer's page may be quicker than Stripe's answer to us."""
    booking, answer = hold(ana), threading.Event()
    line.faults = [("payment_intents", "POST", answer)]
    found = []
    beginning = threading.Thread(target=lambda: found.append(_begin(booking.pk)))
    beginning.start()
    assert line.waiting.wait(10)
    intent = customer.call("GET", "payment_intents")["data"][-1]["id"]
    customer.pay(intent)
    stripe_events.store_event(*customer.event("payment_intent.succeeded", intent))
    stripe_events.process_events()
    assert state(booking) == ("confirmed", "succeeded")
    answer.set()
    beginning.join(10)
    assert isinstance(found[0], errors.AlreadyPaid)
    assert Payment.objects.get().intent_id == intent
    assert state(booking) == ("confirmed", "succeeded")


def _begin(pk):
    try:
        return payments.start_payment(pk)
    except errors.Refusal as refusal:
        return refusal
    finally:
        connection.close()


# a slow Stripe


def test_a_slow_stripe_holds_no_lock_and_no_transaction(hold, ana, ben, client_of, line):
    """While Stripe does not answer nothing is open: the room can be booked, the hold cancelled,
    and `pg_stat_activity` knows of no transaction. With the call moved into the transaction of
    `_get_or_create_attempt` (and the gateway's assertion removed) the session shows as idle in
    transaction."""
    booking, answer = hold(ana), threading.Event()
    line.faults = [("payment_intents", "POST", answer)]
    found = []
    beginning = threading.Thread(target=lambda: found.append(_begin(booking.pk)))
    beginning.start()
    assert line.waiting.wait(10)
    for _ in range(3):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%%'"
            )
            assert cursor.fetchone() == (0,)
            cursor.execute(
                "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
                " WHERE a.datname = current_database() AND pid <> pg_backend_pid()"
                " AND mode IN ('RowShareLock', 'RowExclusiveLock')"
            )
            assert cursor.fetchone() == (0,)
    seen = client_of(ana, "paidrooms").get(f"/paidrooms/api/bookings/{booking.pk}/").json()
    assert (seen["status"], seen["payment_status"]) == ("pending", "processing")
    assert hold(ben, 2).status == "held"
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    answer.set()
    beginning.join(10)
    assert isinstance(found[0], errors.NotAllowedNow)
    assert Payment.objects.get().status == "canceled"


def test_an_intent_that_came_too_late_is_cancelled(hold, ana, customer, line, worker):
    """The booking was cancelled while Stripe made the intent: nobody may ever pay it."""
    booking, answer = hold(ana), threading.Event()
    line.faults = [("payment_intents", "POST", answer)]
    beginning = threading.Thread(target=lambda: _begin(booking.pk))
    beginning.start()
    assert line.waiting.wait(10)
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    answer.set()
    beginning.join(10)
    worker()
    call = Delivery.objects.get(kind="cancel_intent")
    assert call.state == "sent"
    assert customer.intent(call.payload["intent"])["status"] == "canceled"


def test_no_answer_in_time_is_a_refusal_that_keeps_the_hold(hold, ana, line, settings):
    settings.STRIPE_READ_TIMEOUT = 0.2
    booking, answer = hold(ana), threading.Event()
    line.faults = [("payment_intents", "POST", answer)]
    with pytest.raises(payments.gateway.PaymentsAway):
        payments.start_payment(booking.pk)
    answer.set()
    assert state(booking) == ("held", "processing")
    assert payments.start_payment(booking.pk).status == "requires_payment_method"


def test_a_call_inside_a_transaction_is_a_bug_and_says_so(hold, ana, line):
    from django.db import transaction

    booking = hold(ana)
    with pytest.raises(AssertionError, match="no network call"), transaction.atomic():
        payments.start_payment(booking.pk)
    assert line.calls == []


# lost answers


@pytest.fixture
def paid(hold, ana, customer):
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    customer.pay(payment.intent_id)
    stripe_events.store_event(*customer.event("payment_intent.succeeded", payment.intent_id))
    stripe_events.process_events()
    return booking, payment


def test_a_refund_whose_answer_was_lost_is_not_paid_twice(paid, ana, customer, line, worker):
    """With Stripe's list left out of `pay_refund` the second call is refused, and the answer that
    was lost is never known."""
    booking, payment = paid
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    line.faults = [("/v1/refunds", "POST", "lose")]
    worker()
    call = Delivery.objects.get(kind="refund")
    assert (call.state, call.attempts) == ("waiting", 1)
    assert Refund.objects.get().stripe_id == ""
    Delivery.objects.update(due_at=Now())
    worker()
    assert customer.refunds(payment.intent_id) == [10000]
    refund, call = Refund.objects.get(), Delivery.objects.get(kind="refund")
    assert (refund.status, call.state, call.attempts) == ("succeeded", "sent", 2)
    assert line.asked("POST", "/v1/refunds") == 1
    assert Delivery.objects.filter(name="refunded").count() == 1
    assert invariants.list_problems(allowed_lag=None) == []


def test_a_worker_that_dies_after_the_refund_leaves_it_to_the_next(paid, ana, customer, worker):
    """Killed between Stripe's answer and our writing it down: the lease ends, the key is found."""
    booking, payment = paid
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    (row,) = outbox.QUEUE.claim(kind__in=["refund"])
    refund = Refund.objects.get()
    refunds.gateway.create_refund(payment.intent_id, refund.amount_minor, refund.key)
    assert outbox.QUEUE.claim(kind__in=["refund"]) == []  # leased to the dead
    Delivery.objects.filter(pk=row.pk).update(due_at=Now())
    worker()
    assert customer.refunds(payment.intent_id) == [10000]
    assert Refund.objects.get().status == "succeeded"


@pytest.mark.parametrize("fault", ["lose", "refuse"])
@pytest.mark.parametrize("charged", [True, False])
def test_a_cancelling_whose_answer_was_lost_is_made_again(
    fault, charged, hold, ana, customer, line, run_out, worker
):
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    if charged:
        customer.pay(payment.intent_id)
    run_out(booking)
    line.faults = [("/cancel", "POST", fault)]
    worker()
    assert state(booking) == ("expired", "failed")
    Delivery.objects.update(due_at=Now())
    worker()
    expected = ("confirmed", "succeeded") if charged else ("expired", "failed")
    assert state(booking) == expected
    assert customer.refunds(payment.intent_id) == [] if charged else True
    assert invariants.list_problems(allowed_lag=None) == []


def test_an_event_is_worked_on_again_when_stripe_did_not_answer(hold, ana, customer, line):
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    customer.pay(payment.intent_id)
    stripe_events.store_event(*customer.event("payment_intent.succeeded", payment.intent_id))
    line.faults = [("payment_intents", "GET", "refuse")]
    assert stripe_events.process_events() == 0
    row = StripeEvent.objects.get()
    assert (row.state, row.attempts, row.last_error[:12]) == ("waiting", 1, "PaymentsAway")
    StripeEvent.objects.update(due_at=Now())
    assert stripe_events.process_events() == 1
    assert state(booking) == ("confirmed", "succeeded")


def test_stripe_down_for_long_stops_nothing_but_payments(hold, ana, ben, line, run_out, worker):
    booking = hold(ana)
    payments.start_payment(booking.pk)
    line.down = True
    run_out(booking)
    worker()
    assert state(booking) == ("expired", "failed")
    assert hold(ben).status == "held"
    call = Delivery.objects.get(kind="cancel_intent")
    assert (call.state, call.attempts) == ("waiting", 1)
    assert reconciliation.reconcile_due() == 0


# a Stripe that hangs


@pytest.fixture
def hasty(monkeypatch):
    """Every failure counts as a wait, and what is left alone is so until it is told otherwise."""
    monkeypatch.setattr(circuit_breaker, "SLOW", 0.0)
    monkeypatch.setattr(circuit_breaker, "PAUSE", float("inf"))
    payments.gateway.breaker.reset()
    yield payments.gateway.breaker
    payments.gateway.breaker.reset()


def test_29_a_stripe_that_hangs_is_left_alone_and_costs_no_call_an_attempt(
    hold, ana, customer, line, worker, hasty
):
    """Without the circuit every call that is due waits for its timeout, and with them the worker
    that should expire holds: two minutes for thirty of them."""
    held = [hold(ana, 24 * n) for n in range(6)]
    intents = [payments.start_payment(booking.pk).intent_id for booking in held]
    stripe_events.store_event(*customer.event("payment_intent.payment_failed", intents[5]))
    for booking in held[:5]:
        cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    line.calls.clear()
    line.down = True
    worker()
    worker()
    assert len(line.calls) == circuit_breaker.MAX_FAILURES
    calls_made = Delivery.objects.filter(kind="cancel_intent").values_list("attempts", flat=True)
    assert sum(calls_made) + StripeEvent.objects.get().attempts == circuit_breaker.MAX_FAILURES
    with pytest.raises(payments.gateway.PaymentsAway):
        payments.start_payment(held[5].pk)
    assert len(line.calls) == circuit_breaker.MAX_FAILURES
    assert state(held[5]) == ("held", "processing")

    hasty.retry_at = 0.0  # the pause is over: one of them tries
    worker()
    assert len(line.calls) == circuit_breaker.MAX_FAILURES + 1
    line.down, hasty.retry_at = False, 0.0
    for table in (Delivery, StripeEvent):
        table.objects.update(due_at=Now())
    worker()
    assert set(Delivery.objects.filter(kind="cancel_intent").values_list("state", flat=True)) == {
        "sent"
    }
    assert StripeEvent.objects.get().state == "done"
    assert [customer.intent(intent)["status"] for intent in intents[:5]] == ["canceled"] * 5


def test_an_answer_between_two_silences_is_forgiven(hold, ana, line, hasty):
    booking = hold(ana)
    payments.start_payment(booking.pk)
    for _ in range(2 * circuit_breaker.MAX_FAILURES):
        line.faults = [("payment_intents", "GET", "lose")]
        with pytest.raises(payments.gateway.PaymentsAway):
            payments.start_payment(booking.pk)
        assert payments.start_payment(booking.pk).status == "requires_payment_method"


def test_29_customers_who_wait_for_stripe_leave_a_thread_to_the_others(hold, ana, line):
    """Without the counter as many customers as a process has threads stop all of its work."""
    answer, most = threading.Event(), configured.PAYING_AT_ONCE
    held = [hold(ana, 24 * n) for n in range(most + 1)]
    line.faults = [("payment_intents", "POST", answer)] * most
    waiting = [threading.Thread(target=_begin, args=[each.pk]) for each in held[:most]]
    for thread in waiting:
        thread.start()
    assert eventually(lambda: line.asked("POST", "payment_intents") == most)
    with pytest.raises(payments.gateway.PaymentsAway):
        payments.start_payment(held[-1].pk)
    assert line.asked("POST", "payment_intents") == most
    answer.set()
    for thread in waiting:
        thread.join(10)
    assert payments.start_payment(held[-1].pk).status == "requires_payment_method"


def test_a_bank_that_takes_days_is_waited_for(hold, ana, customer, run_out, worker):
    """An intent that Stripe cannot cancel yet stays in the outbox; local Stripe has no card that
    takes days, so a bank debit stands for it while it is being processed."""
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    debit = customer.call(
        "POST",
        "payment_methods",
        type="sepa_debit",
        **{"sepa_debit[iban]": "DE89370400440532013000"},
    )
    customer.call("POST", f"payment_intents/{payment.intent_id}", payment_method=debit["id"])
    run_out(booking)
    customer.call("POST", f"payment_intents/{payment.intent_id}/confirm")
    worker()
    eventually(lambda: customer.intent(payment.intent_id)["status"] == "succeeded")
    Delivery.objects.update(due_at=Now())
    worker()
    assert state(booking) == ("confirmed", "succeeded")
    assert invariants.list_problems(allowed_lag=None) == []


def test_kinds_of_the_outbox_do_not_mix(hold, ana, run_out, worker, line):
    """Emails wait for their own worker while calls are made."""
    booking = hold(ana)
    payments.start_payment(booking.pk)
    run_out(booking)
    worker()
    assert outbox.deliver(["cancel_intent", "refund"], stripe_calls.make_calls) == 0
    assert set(Delivery.objects.values_list("kind", "state")) == {
        ("email", "waiting"),
        ("cancel_intent", "sent"),
    }
