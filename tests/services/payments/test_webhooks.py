"""Events of Stripe: kept once, believed only as a hint where to look, or signed and believed."""

from __future__ import annotations

import json

import pytest
from django.db.models.functions import Now

from api.models import Delivery, Payment, Refund, StripeEvent
from api.services.payments import payments, reconciliation, stripe_events
from tests.support.kinds import of_every_kind

from .steps import state, succeeded

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_event_is_kept_once_and_has_one_effect(hold, ana, customer):
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    customer.pay(payment.intent_id)
    event = customer.event("payment_intent.succeeded", payment.intent_id)
    assert [stripe_events.store_event(*event) for _ in range(5)] == [
        True,
        False,
        False,
        False,
        False,
    ]
    assert (stripe_events.process_events(), stripe_events.process_events()) == (1, 0)
    assert StripeEvent.objects.get().state == "done"
    assert booking.events.filter(verb="pay").count() == 1
    assert Delivery.objects.filter(name="receipt").count() == 1


def test_an_event_says_only_where_to_look(hold, ana, customer):
    """A forged or mistaken "succeeded" confirms nothing: the intent is asked for again."""
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    succeeded(customer, payment.intent_id)
    assert state(booking) == ("held", "processing")


def test_an_event_that_is_days_old_still_counts(hold, ana, customer):
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    customer.pay(payment.intent_id)
    succeeded(customer, payment.intent_id, created=1)
    assert state(booking) == ("confirmed", "succeeded")


def test_an_intent_that_nobody_knows_is_tried_again_and_parked(line, customer):
    stripe_events.store_event(*customer.event("payment_intent.succeeded", "pi_nobody"))
    for _ in range(10):
        stripe_events.process_events()
        StripeEvent.objects.filter(state="waiting").update(due_at=Now())
    row = StripeEvent.objects.get()
    assert (row.state, row.attempts) == ("parked", 8)
    assert row.last_error == "UnknownIntent: pi_nobody"


def test_somebody_elses_intent_and_other_events_are_left_alone(line, customer):
    theirs = customer.call("POST", "payment_intents", amount=500, currency="usd")["id"]
    assert stripe_events.store_event(*customer.event("payment_intent.succeeded", theirs)) is True
    assert stripe_events.store_event(*customer.event("customer.created", "cus_1")) is False
    assert stripe_events.process_events() == 1
    assert StripeEvent.objects.get().state == "done"
    assert Payment.objects.count() == 0


def test_an_event_finds_the_attempt_whose_answer_was_lost(hold, ana, customer, line):
    booking = hold(ana)
    line.faults = [("payment_intents", "POST", "lose")]
    with pytest.raises(payments.gateway.PaymentsAway):
        payments.start_payment(booking.pk)
    attempt = Payment.objects.get()
    assert (attempt.intent_id, state(booking)) == (None, ("held", "processing"))
    intent = customer.call("GET", "payment_intents")["data"][-1]["id"]
    customer.pay(intent)
    succeeded(customer, intent)
    attempt.refresh_from_db()
    assert attempt.intent_id == intent
    assert state(booking) == ("confirmed", "succeeded")


@of_every_kind
@pytest.mark.parametrize("taken", [False, True])
def test_a_signed_event_is_believed_after_the_hold_too(
    hold, ana, ben, customer, run_out, worker, settings, taken
):
    """As `make up` has it without keys: nobody paid at the local Stripe, which has cancelled the
    intent, and has no money to give back."""
    settings.STRIPE_BELIEVE_EVENTS = True
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    run_out(booking)
    worker()
    assert customer.intent(payment.intent_id)["status"] == "canceled"
    if taken:
        hold(ben)
    succeeded(customer, payment.intent_id)
    worker()
    assert state(booking) == (("expired", "refunded") if taken else ("confirmed", "succeeded"))
    assert [row.status for row in Refund.objects.all()] == ["succeeded"] * taken
    assert Delivery.objects.filter(name="refunded", booking=booking).exists() == taken
    assert reconciliation.reconcile_all() == {}


def test_a_signed_event_is_believed_of_an_intent_that_the_stand_in_forgot(
    hold, ana, customer, settings
):
    settings.STRIPE_BELIEVE_EVENTS = True
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    Payment.objects.filter(pk=payment.pk).update(intent_id="pi_forgotten")
    thin = json.dumps(
        {"type": "payment_intent.succeeded", "data": {"object": {"id": "pi_forgotten"}}}
    )
    stripe_events.store_event(thin.encode(), customer.sign(thin))
    stripe_events.process_events()
    assert state(booking) == ("confirmed", "succeeded")


def test_an_event_whose_worker_died_comes_alone_and_is_parked_in_the_end(hold, ana, customer):
    """Were it claimed with its neighbours they would die with it, again and again."""
    intents = [payments.start_payment(hold(ana, hours=n).pk).intent_id for n in (0, 2)]
    for n, intent in enumerate(intents):
        event = customer.event("payment_intent.succeeded", intent, event_id=f"evt_{n}")
        stripe_events.store_event(*event)
    killer, other = stripe_events.QUEUE.claim()
    for _ in range(2, stripe_events.QUEUE.max_deaths + 1):
        StripeEvent.objects.update(due_at=Now())
        assert [row.pk for row in stripe_events.QUEUE.claim()] == [killer.pk]
    StripeEvent.objects.update(due_at=Now())
    assert stripe_events.process_events() == 1
    killer.refresh_from_db()
    assert (killer.state, killer.attempts) == ("parked", stripe_events.QUEUE.max_deaths + 1)
    other.refresh_from_db()
    assert (other.state, other.attempts) == ("done", 2)
