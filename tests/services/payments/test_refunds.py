"""Money that goes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from api import errors
from api.models import Booking, Delivery, Payment, Refund, Venue
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking, reject_booking
from api.services.messages import mailer
from api.services.payments import payments, refunds, stripe_events
from tests.support.kinds import of_every_kind

from .steps import state, succeeded

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_cancellation_in_time_gives_everything_back(paid, ana, customer, worker):
    booking, payment = paid()
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    worker()
    worker()
    assert customer.refunds(payment.intent_id) == [10000]
    assert state(booking) == ("cancelled", "refunded")
    mail = Delivery.objects.get(name="refunded")
    message = mailer.compose(mail, Booking.objects.get(pk=booking.pk))
    assert "100.00 USD back to the card you paid with, because the booking was cancelled" in (
        message.body
    )


@pytest.mark.parametrize(("percent", "back"), [(0, []), (50, [5000]), (33, [3300]), (100, [10000])])
def test_a_late_cancellation_gives_back_what_the_venue_says(
    paid, ana, customer, worker, percent, back
):
    Venue.objects.update(refund_until=timedelta(days=30), late_refund_percent=percent)
    booking, payment = paid()
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    worker()
    assert customer.refunds(payment.intent_id) == back
    said = {0: "succeeded", 100: "refunded"}.get(percent, "partly_refunded")
    assert state(booking) == ("cancelled", said)


def test_a_booking_that_staff_decline_gives_everything_back(paid, sam, customer, worker):
    Venue.objects.update(refund_until=timedelta(days=30))
    booking, payment = paid()
    reject_booking(booking.pk, Actor.for_booking(sam, booking))
    worker()
    assert customer.refunds(payment.intent_id) == [10000]
    assert state(booking) == ("rejected", "refunded")


def test_staff_give_back_parts_and_never_more_than_was_paid(paid, sam, ana, customer, worker):
    booking, payment = paid()
    refunds.create_staff_refund(booking.pk, sam, "a", 2500)
    refunds.create_staff_refund(booking.pk, sam, "a", 2500)  # the same one
    assert state(booking) == ("confirmed", "partly_refunded")
    with pytest.raises(errors.NothingToRefund) as refused:
        refunds.create_staff_refund(booking.pk, sam, "b", 7501)
    assert refused.value.left_minor == 7500
    with pytest.raises(errors.Forbidden):
        refunds.create_staff_refund(booking.pk, ana, "c", 1)
    refunds.create_staff_refund(booking.pk, sam, "d")
    with pytest.raises(errors.NothingToRefund):
        refunds.create_staff_refund(booking.pk, sam, "e")
    worker()
    assert customer.refunds(payment.intent_id) == [2500, 7500]
    assert state(booking) == ("confirmed", "refunded")
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    worker()
    assert customer.refunds(payment.intent_id) == [2500, 7500]


def test_a_webhook_tells_of_a_refund_whose_answer_was_lost(paid, ana, customer, line, worker):
    booking, payment = paid()
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    line.faults = [("/v1/refunds", "POST", "lose")]
    worker()
    assert Refund.objects.get().status == "waiting"
    stripe_events.store_event(*customer.event("charge.refunded", payment.intent_id))
    stripe_events.process_events()
    assert Refund.objects.get().status == "succeeded"
    Delivery.objects.update(due_at=Now())
    worker()
    assert customer.refunds(payment.intent_id) == [10000]
    assert Delivery.objects.filter(name="refunded").count() == 1


def test_what_was_not_paid_cannot_be_given_back(hold, ana, sam, line):
    booking = hold(ana)
    with pytest.raises(errors.NothingToRefund):
        refunds.create_staff_refund(booking.pk, sam, "a", 1)
    assert Refund.objects.count() == 0


@of_every_kind
def test_two_payments_of_one_booking_keep_one(hold, ana, customer, worker, line):
    """Two tabs whose answers crossed: with Stripe itself one key is one intent."""
    booking = hold(ana)
    first = payments.start_payment(booking.pk)
    Payment.objects.update(status="canceled")  # as if Stripe had said so
    second = payments.start_payment(booking.pk)
    for payment in (first, second):
        customer.pay(payment.intent_id)
        succeeded(customer, payment.intent_id)
    worker()
    assert state(booking) == ("confirmed", "succeeded")
    assert customer.refunds(first.intent_id) == []
    assert customer.refunds(second.intent_id) == [10000]
