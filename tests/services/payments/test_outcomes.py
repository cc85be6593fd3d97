"""What becomes of a hold by what becomes of its intent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.lifecycle import BOOKING
from api.models import Booking, Delivery
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.sweeps import sweep
from api.services.messages import mailer
from api.services.payments import payments, stripe_events
from api.services.payments.outcomes import record_outcome
from tests.support.stripe import ASKS, DECLINED, GOOD

from .steps import state, succeeded

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_paid_hold_is_confirmed_with_its_receipt(hold, ana, customer):
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    customer.pay(payment.intent_id)
    succeeded(customer, payment.intent_id)
    assert state(booking) == ("confirmed", "succeeded")
    assert list(booking.events.values_list("verb", "by", "actor_name")) == [
        ("pay", "payment", "webhook payment_intent.succeeded"),
        ("book", "owner", ""),
    ]
    assert list(Delivery.objects.order_by("pk").values_list("name", flat=True)) == [
        "held",
        "receipt",
    ]


def test_a_declined_card_keeps_the_hold_and_another_card_pays_it(hold, ana, customer):
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    customer.pay(payment.intent_id, DECLINED)
    for number in "12":
        event = customer.event("payment_intent.payment_failed", payment.intent_id, f"evt_f{number}")
        stripe_events.store_event(*event)
    stripe_events.process_events()
    assert state(booking) == ("held", "failed")
    mail = Delivery.objects.get(name="payment_failed")
    message = mailer.compose(mail, Booking.objects.get(pk=booking.pk))
    assert "Your card was declined." in message.body
    assert f"/book/paidrooms/bookings/{booking.pk}/" in message.body
    again = payments.start_payment(booking.pk)
    assert (again.intent_id, state(booking)) == (payment.intent_id, ("held", "processing"))
    customer.pay(again.intent_id, GOOD)
    succeeded(customer, again.intent_id)
    assert state(booking) == ("confirmed", "succeeded")


def test_a_booking_ends_with_an_intent_that_was_cancelled_at_stripe(hold, ana, customer, run_out):
    alive, over = hold(ana), hold(ana, 1)
    for booking in (alive, over):
        customer.cancel(payments.start_payment(booking.pk).intent_id)
    run_out(over)
    for booking in (alive, over):
        intent = booking.payments.get().intent_id
        stripe_events.store_event(*customer.event("payment_intent.canceled", intent))
    stripe_events.process_events()
    assert state(alive) == ("cancelled", "failed")
    assert state(over) == ("expired", "failed")


def test_an_expired_hold_is_free_and_its_intent_is_cancelled(hold, ana, customer, run_out, worker):
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    run_out(booking)
    worker()
    assert customer.intent(payment.intent_id)["status"] == "canceled"
    payment.refresh_from_db()
    assert payment.status == "canceled"
    assert state(booking) == ("expired", "failed")
    call = Delivery.objects.get(kind="cancel_intent")
    assert (call.key, call.state) == (f"cancel_intent:{payment.intent_id}", "sent")


def test_a_sweep_of_many_holds_costs_the_statements_of_one(hold, ana, ben, run_out):
    """Their intents, payment statuses and emails included."""

    def statements(hours):
        for hour in hours:
            booking = hold(ana, hour)
            payments.start_payment(booking.pk)
            run_out(booking)
        with CaptureQueriesContext(connection) as seen:
            assert sweep(BOOKING.expire, "expire_holds") == len(hours)
        return len(seen)

    assert statements([0]) == statements([1, 2, 3, 4, 5, 6])


def test_a_cancelled_hold_cancels_its_intent(hold, ana, customer, worker):
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    worker()
    assert customer.intent(payment.intent_id)["status"] == "canceled"
    assert state(booking) == ("cancelled", "failed")


def test_an_intent_at_the_bank_is_waited_for(hold, ana, customer, run_out, worker, line):
    """Stripe cancels nothing while the bank has not answered; here 3-D Secure stands for it."""
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    assert customer.pay(payment.intent_id, ASKS)["status"] == "requires_action"
    succeeded(customer, payment.intent_id, event_id="evt_early")
    assert state(booking) == ("held", "processing")
    secret = customer.intent(payment.intent_id)["client_secret"]
    path = f"payment_intents/{payment.intent_id}/_authenticate"
    customer.call("POST", path, client_secret=secret, success="true")
    run_out(booking)
    worker()
    assert state(booking) == ("confirmed", "succeeded")


def test_old_news_after_the_final_word_changes_nothing(hold, ana, customer):
    """A messenger who asked Stripe early and speaks late. With `is_final = False` the payment is
    unpaid again, its invariant broken."""
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    early = payments.gateway.fetch_intent(payment.intent_id)
    customer.pay(payment.intent_id)
    succeeded(customer, payment.intent_id)
    for old in (early, replace(early, status="canceled"), replace(early, error="Declined.")):
        assert record_outcome(payment.pk, old, "webhook").status == "succeeded"
    assert state(booking) == ("confirmed", "succeeded")
    assert not Delivery.objects.filter(name="payment_failed").exists()
