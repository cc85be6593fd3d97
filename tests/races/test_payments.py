"""Money when everybody comes at once: threads with connections of their own, real locks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction

from api import errors
from api.lifecycle import BOOKING
from api.models import Booking, Delivery, Payment, Refund, Resource, StripeEvent
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.reschedule import reschedule_booking
from api.services.bookings.sweeps import sweep
from api.services.messages import outbox
from api.services.operations import invariants
from api.services.payments import (
    payments,
    reconciliation,
    refunds,
    stripe_calls,
    stripe_events,
    stripe_refunds,
)
from api.services.payments.outcomes import record_outcome
from tests.support.kinds import of_every_kind
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each gave, or the refusal it met; all begin together."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        try:
            gate.wait(10)
            return work()
        except errors.Refusal as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


@pytest.fixture(autouse=True)
def _money_adds_up(line):
    yield
    assert invariants.list_problems(allowed_lag=None) == []


@pytest.fixture
def begun(hold, ana, customer):
    """A hold whose card was charged, and nobody here knows yet."""

    def make(hours=0):
        booking = hold(ana, hours)
        payment = payments.start_payment(booking.pk)
        customer.pay(payment.intent_id)
        return booking, payment

    return make


def test_two_tabs_that_begin_at_once_get_one_intent(hold, ana, customer, worker):
    """Without the condition `intent_id=None` in `_save_intent` the tabs leave with two intents, and
    the money of the first is asked for twice."""
    booking = hold(ana)
    found = at_once(*[lambda: payments.start_payment(booking.pk)] * 6)
    intents = {payment.intent_id for payment in found}
    assert intents == {Payment.objects.get().intent_id}
    worker()
    surplus = Delivery.objects.filter(kind="cancel_intent")
    assert {call.state for call in surplus} <= {"sent"}
    for call in surplus:
        assert customer.intent(call.payload["intent"])["status"] == "canceled"


@of_every_kind
@pytest.mark.parametrize("_turn", range(3))
def test_payment_and_expiry_and_rival_at_once(_turn, begun, ben, hold, customer, run_out, worker):
    """Whoever is first, the money follows the slot, and no messenger is sent away. Without the
    locks of `_lock_payment` a messenger meets a booking that is not what it read."""
    booking, payment = begun()
    run_out(booking)
    intent = payments.gateway.fetch_intent(payment.intent_id)
    found = at_once(
        lambda: record_outcome(payment.pk, intent, "webhook"),
        lambda: sweep(BOOKING.expire, "expire_holds"),
        lambda: hold(ben),
        lambda: record_outcome(payment.pk, intent, "customer"),
    )
    assert [type(found[0]), type(found[3])] == [Payment, Payment]
    worker()
    worker()
    booking.refresh_from_db()
    rival = found[2]
    if isinstance(rival, Booking):
        assert (booking.status, booking.payment_status) == ("expired", "refunded")
        assert customer.refunds(payment.intent_id) == [10000]
    else:
        assert isinstance(rival, errors.SlotTaken)
        assert (booking.status, booking.payment_status) == ("confirmed", "succeeded")
        assert customer.refunds(payment.intent_id) == []


@of_every_kind
def test_five_messengers_bring_one_success(begun, customer, worker):
    """Without the locks of `_lock_payment` four of them are refused (`AlreadyDone`) first."""
    booking, payment = begun()
    intent = payments.gateway.fetch_intent(payment.intent_id)
    found = at_once(*[lambda: record_outcome(payment.pk, intent, "webhook")] * 5)
    assert {type(each) for each in found} == {Payment}
    booking.refresh_from_db()
    assert (booking.status, booking.version) == ("confirmed", 2)
    assert booking.events.filter(verb="pay").count() == 1
    assert Delivery.objects.filter(name="receipt").count() == 1


def test_five_copies_of_an_event_are_kept_once_and_worked_on_once(begun, customer, line):
    booking, payment = begun()
    event = customer.event("payment_intent.succeeded", payment.intent_id)
    at_once(*[lambda: stripe_events.store_event(*event)] * 5)
    assert StripeEvent.objects.count() == 1
    line.calls.clear()
    assert sum(at_once(*[stripe_events.process_events] * 6)) == 1
    assert line.asked("GET", payment.intent_id) == 1
    booking.refresh_from_db()
    assert booking.status == "confirmed"


def test_an_event_that_another_worker_claims_is_left_to_it(begun, customer):
    """Without SKIP LOCKED in the claim the second worker waits until it is refused the lock."""
    _, payment = begun()
    stripe_events.store_event(*customer.event("payment_intent.succeeded", payment.intent_id))
    with transaction.atomic():
        StripeEvent.objects.select_for_update().get()
        assert at_once(stripe_events.process_events) == [0]
    assert stripe_events.process_events() == 1


@of_every_kind
def test_a_cancellation_against_a_payment_ends_with_slot_or_money(begun, ana, customer, worker):
    booking, payment = begun()
    intent = payments.gateway.fetch_intent(payment.intent_id)
    at_once(
        lambda: cancel_booking(booking.pk, Actor.for_booking(ana, booking)),
        lambda: record_outcome(payment.pk, intent, "webhook"),
    )
    worker()
    booking.refresh_from_db()
    assert (booking.status, booking.payment_status) == ("cancelled", "refunded")
    assert customer.refunds(payment.intent_id) == [10000]


def test_staff_who_refund_at_once_never_give_more_than_was_paid(begun, sam, customer, worker):
    """Without the lock of the payment in `_lock_paid` four times 40.00 go back."""
    booking, payment = begun()
    record_outcome(payment.pk, payments.gateway.fetch_intent(payment.intent_id), "webhook")

    def give(key: str) -> Callable[[], Any]:
        return lambda: refunds.create_staff_refund(booking.pk, sam, key, 4000)

    found = at_once(*[give(key) for key in "abcd"])
    assert sum(isinstance(each, Refund) for each in found) == 2
    assert sum(isinstance(each, errors.NothingToRefund) for each in found) == 2
    worker()
    assert customer.refunds(payment.intent_id) == [4000, 4000]


def test_two_workers_and_the_reconciliation_pay_a_refund_once(begun, ana, customer, worker):
    """Without the claim of the outbox each worker pays."""
    booking, payment = begun()
    record_outcome(payment.pk, payments.gateway.fetch_intent(payment.intent_id), "webhook")
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))

    def deliver():
        return outbox.deliver(["refund", "cancel_intent"], stripe_calls.make_calls)

    at_once(deliver, deliver, deliver, reconciliation.reconcile_all)
    assert customer.refunds(payment.intent_id) == [10000]
    assert Refund.objects.get().status == "succeeded"


def test_a_refund_of_the_dashboard_is_taken_over_once_by_messengers_at_once(
    begun, sam, ana, customer, worker
):
    """Without the lock of `record_stripe_refunds` (`lock_payment`) two of them write it, and the
    second is refused its key by the database."""
    booking, payment = begun()
    record_outcome(payment.pk, payments.gateway.fetch_intent(payment.intent_id), "webhook")
    customer.refund(payment.intent_id, 4000)
    look = lambda: stripe_refunds.sync_from_stripe(payment)  # noqa: E731
    found = at_once(
        *[look] * 4,
        lambda: refunds.create_staff_refund(booking.pk, sam, "a", 7000),
        lambda: cancel_booking(booking.pk, Actor.for_booking(ana, booking)),
    )
    assert not [each for each in found if isinstance(each, errors.Busy)]
    worker()
    assert sum(customer.refunds(payment.intent_id)) == 10000
    here = Refund.objects.exclude(status="canceled").values_list("stripe_id", "amount_minor")
    assert dict(here) == customer.refunds_by_id(payment.intent_id)


@of_every_kind
def test_a_payment_locks_all_resources_before_the_booking(begun, customer, run_out, for_sale):
    """As everybody who moves a booking does. The other way round a mover and a late payment wait
    for each other (40P01): then the booking is locked here already, and NOWAIT says so. Seen where
    the first resource alone was locked before, of sets and services."""
    booking, payment = begun()
    run_out(booking)
    sweep(BOOKING.expire, "expire_holds")
    intent = payments.gateway.fetch_intent(payment.intent_id)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Resource.objects.select_for_update(no_key=True).get(pk=for_sale.resources[-1].pk)
            settling = pool.submit(at_once, lambda: record_outcome(payment.pk, intent, "webhook"))
            eventually(somebody_waits)
            Booking.objects.select_for_update(nowait=True).get(pk=booking.pk)
        settling.result()
    booking.refresh_from_db()
    assert (booking.status, booking.payment_status) == ("confirmed", "succeeded")


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return bool(cursor.fetchone()[0])


@of_every_kind
def test_a_moved_booking_and_a_late_payment_at_once(
    begun, ana, ben, hold, customer, run_out, worker, tomorrow, for_sale
):
    booking, payment = begun()
    other = hold(ben, 3)
    run_out(booking)
    sweep(BOOKING.expire, "expire_holds")
    intent = payments.gateway.fetch_intent(payment.intent_id)
    starts = tomorrow + timedelta(minutes=30)
    _, moved = at_once(
        lambda: record_outcome(payment.pk, intent, "webhook"),
        lambda: reschedule_booking(
            other.pk,
            Actor.for_booking(ben, other),
            for_sale.move(starts, starts + timedelta(hours=1)),
        ),
    )
    worker()
    booking.refresh_from_db()
    won = isinstance(moved, errors.SlotTaken)
    assert booking.status == ("confirmed" if won else "expired")
    assert customer.refunds(payment.intent_id) == ([] if won else [10000])
