"""What is asked of Stripe when somebody is to pay, and when it is asked again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api import errors
from api.models import Payment, Refund
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.reschedule import reschedule_booking
from api.services.payments import payments, stripe_events

from .steps import state, succeeded

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_intent_is_exactly_the_price_and_says_whose_it_is(hold, ana, customer):
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    intent = customer.intent(payment.intent_id)
    assert (intent["amount"], intent["currency"]) == (10000, "usd")
    assert intent["metadata"] == {
        "booking_id": str(booking.pk),
        "user_id": str(ana.pk),
        "room_name": "Studio One",
        "holdfast_key": payments.get_idempotency_key(payment),
    }
    assert payment.client_secret == intent["client_secret"]
    assert state(booking) == ("held", "processing")


def test_asking_again_gives_the_same_intent_while_it_lives(hold, ana, line):
    booking = hold(ana)
    first, again = payments.start_payment(booking.pk), payments.start_payment(booking.pk)
    assert again.intent_id == first.intent_id
    assert (Payment.objects.count(), line.asked("POST", "/v1/payment_intents")) == (1, 1)


@pytest.mark.parametrize("expected", [9999, 10001, 1, 0, 10**15])
def test_another_amount_is_refused_and_nothing_begun(hold, ana, line, expected):
    booking = hold(ana)
    with pytest.raises(errors.WrongAmount) as refused:
        payments.start_payment(booking.pk, expected_minor=expected)
    assert (refused.value.amount_minor, refused.value.currency) == (10000, "usd")
    assert (Payment.objects.count(), line.calls) == (0, [])
    assert state(booking) == ("held", "pending")


def test_an_error_that_stripe_repeats_ends_the_attempt_not_the_hold(hold, ana, customer, line):
    """If `_create_intent` did not end the attempt, all tries of this hold would fail."""
    booking = hold(ana)
    line.faults = [("/v1/payment_intents", "POST", "break")]
    for _ in range(2):
        with pytest.raises(payments.gateway.PaymentsAway):
            payments.start_payment(booking.pk)
    payment = payments.start_payment(booking.pk)
    assert (payment.attempt, line.asked("POST", "/v1/payment_intents")) == (2, 3)
    customer.pay(payment.intent_id)
    succeeded(customer, payment.intent_id)
    assert state(booking) == ("confirmed", "succeeded")


def test_one_error_of_stripes_keeps_the_key_and_so_the_intent(hold, ana, line):
    """What was done although the answer was an error is found again."""
    booking = hold(ana)
    line.faults = [("/v1/payment_intents", "POST", "refuse")]
    with pytest.raises(payments.gateway.PaymentsAway):
        payments.start_payment(booking.pk)
    assert Payment.objects.get().last_error == payments.PROVIDER_BROKEN
    payment = payments.start_payment(booking.pk)
    assert (payment.attempt, payment.last_error) == (1, "")


def test_the_intent_of_an_attempt_that_has_ended_is_cancelled(hold, ana, customer, worker, line):
    """It was made although the answer was an error; without the look at the attempt's end in
    `_find_attempt` it takes the place of the attempt, and can be paid beside the next."""
    booking = hold(ana)
    line.faults = [("/v1/payment_intents", "POST", "break")]
    for _ in range(2):
        with pytest.raises(payments.gateway.PaymentsAway):
            payments.start_payment(booking.pk)
    attempt = Payment.objects.get()
    metadata = {
        "metadata[booking_id]": booking.pk,
        "metadata[holdfast_key]": payments.get_idempotency_key(attempt),
    }
    made = customer.call("POST", "payment_intents", amount=10000, currency="eur", **metadata)
    stripe_events.store_event(*customer.event("payment_intent.created", made["id"]))
    worker()
    assert customer.intent(made["id"])["status"] == "canceled"
    assert (state(booking), Payment.objects.get().intent_id) == (("held", "processing"), None)


def test_what_cannot_be_paid_is_refused(hold, ana, customer, run_out, worker, studio):
    over, paid, cancelled = hold(ana), hold(ana, 1), hold(ana, 2)
    run_out(over)
    with pytest.raises(errors.HoldOver):
        payments.start_payment(over.pk)
    worker()
    with pytest.raises(errors.NotAllowedNow):
        payments.start_payment(over.pk)
    customer.pay(payments.start_payment(paid.pk).intent_id)
    with pytest.raises(errors.AlreadyPaid):  # found out by asking Stripe, before any webhook
        payments.start_payment(paid.pk)
    assert state(paid) == ("confirmed", "succeeded")
    cancel_booking(cancelled.pk, Actor.for_booking(ana, cancelled))
    with pytest.raises(errors.NotAllowedNow):
        payments.start_payment(cancelled.pk)
    with pytest.raises(errors.NotFound):
        payments.start_payment(10**9)
    studio.price_minor = 0
    studio.save()
    with pytest.raises(errors.NothingToPay):
        payments.start_payment(hold(ana, 3).pk)
    assert Payment.objects.count() == 1


def test_a_moved_hold_of_another_price_gets_another_intent(hold, ana, customer, worker, tomorrow):
    booking = hold(ana)
    old = payments.start_payment(booking.pk)
    actor = Actor.for_booking(ana, booking)
    reschedule_booking(booking.pk, actor, BookingChanges(ends_at=tomorrow + timedelta(hours=2)))
    new = payments.start_payment(booking.pk)
    assert (new.amount_minor, new.attempt) == (20000, 2)
    worker()
    assert customer.intent(old.intent_id)["status"] == "canceled"
    assert state(booking) == ("held", "processing")  # our own cancelling ends no hold
    customer.pay(new.intent_id)
    succeeded(customer, new.intent_id)
    assert state(booking) == ("confirmed", "succeeded")


def test_the_old_price_paid_at_the_last_moment_goes_back(hold, ana, customer, worker, tomorrow):
    booking = hold(ana)
    old = payments.start_payment(booking.pk)
    customer.pay(old.intent_id)
    actor = Actor.for_booking(ana, booking)
    reschedule_booking(booking.pk, actor, BookingChanges(ends_at=tomorrow + timedelta(hours=2)))
    worker()
    worker()
    assert customer.refunds(old.intent_id) == [10000]
    assert state(booking) == ("held", "pending")
    assert Refund.objects.get().reason == "the price had changed"


def test_an_intent_that_stripe_forgot_is_replaced(hold, ana, line):
    booking = hold(ana)
    payments.start_payment(booking.pk)
    Payment.objects.update(intent_id="pi_of_another_life")
    new = payments.start_payment(booking.pk)
    assert (new.attempt, new.status) == (2, "requires_payment_method")
    assert Payment.objects.get(attempt=1).status == "canceled"
