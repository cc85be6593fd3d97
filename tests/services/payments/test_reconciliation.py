"""What was lost on the way, and differences between Stripe and us."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from api.lifecycle import BOOKING
from api.models import Booking, Delivery, JobFailure, Payment, Refund
from api.services.bookings.sweeps import sweep
from api.services.payments import payments, reconciliation, refunds

from .steps import state

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lost_webhook_is_made_up_for(hold, ana, customer):
    booking = hold(ana)
    customer.pay(payments.start_payment(booking.pk).intent_id)
    Payment.objects.update(created_at=Now() - timedelta(minutes=3))
    assert reconciliation.reconcile_due() == 1
    assert state(booking) == ("confirmed", "succeeded")
    assert reconciliation.reconcile_due() == 0  # it has just been asked about
    assert JobFailure.objects.count() == 0


def test_an_intent_whose_cancelling_was_parked_is_cancelled_after_all(
    hold, ana, customer, run_out, worker, line
):
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    run_out(booking)
    sweep(BOOKING.expire, "expire_holds")
    Delivery.objects.filter(kind="cancel_intent").update(state="parked", finished_at=Now())
    Payment.objects.update(created_at=Now() - timedelta(minutes=3))
    reconciliation.reconcile_due()
    assert customer.intent(payment.intent_id)["status"] == "canceled"
    assert Payment.objects.get().status == "canceled"


def test_edits_by_hand_are_reported_until_they_are_gone(paid, customer, ana, sam, worker):
    booking, payment = paid()
    assert reconciliation.reconcile_all() == {}
    Payment.objects.update(amount_minor=9000)
    Booking.objects.update(payment_status="failed")
    intent = payment.intent_id
    assert reconciliation.reconcile_all() == {
        f"payment {payment.pk}": [
            f"intent {intent} is over (10000, 'usd') at Stripe, (9000, 'usd') here",
            f"intent {intent} has paid booking {booking.pk}, which says failed",
            f"intent {intent} is over (9000, 'usd'), but booking {booking.pk} costs (10000, 'usd')",
        ]
    }
    assert JobFailure.objects.get().row == f"payment {payment.pk}"
    Payment.objects.update(amount_minor=10000)
    Booking.objects.update(payment_status="succeeded")
    assert reconciliation.reconcile_all() == {}
    assert JobFailure.objects.count() == 0


def test_a_price_or_a_payment_changed_by_hand_is_reported(paid):
    booking, payment = paid()
    Booking.objects.update(price_minor=5000)
    (found,) = reconciliation.reconcile_all()[f"payment {payment.pk}"]
    assert found.endswith(f"over (10000, 'usd'), but booking {booking.pk} costs (5000, 'usd')")
    Booking.objects.update(price_minor=10000)
    payment.refresh_from_db()
    Payment.objects.all().delete()
    row = f"booking {booking.pk}"
    assert reconciliation.reconcile_all() == {
        row: ["says it is paid, but no payment of it is known"]
    }
    assert JobFailure.objects.get().row == row
    payment.save(force_insert=True)
    assert reconciliation.reconcile_all() == {}
    assert JobFailure.objects.count() == 0


def test_a_payment_written_by_hand_is_not_believed(hold, ana, settings):
    """Also where a signed event would be."""
    settings.STRIPE_BELIEVE_EVENTS = True
    payment = payments.start_payment(hold(ana).pk)
    Payment.objects.update(status="succeeded")
    (found,) = reconciliation.reconcile_all().values()
    assert found[0].endswith("is requires_payment_method at Stripe, succeeded here")
    Payment.objects.update(status=payment.status)


def test_the_status_of_a_refund_is_what_stripe_says(paid, sam, worker):
    booking, _ = paid()
    refunds.create_staff_refund(booking.pk, sam, "half", 5000)
    worker()
    Refund.objects.update(status="failed")
    assert reconciliation.reconcile_all() == {}
    assert Refund.objects.get().status == "succeeded"


def test_parked_calls_stay_visible_and_can_be_retried(hold, ana, customer, run_out, worker, line):
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    run_out(booking)
    line.faults = [("/cancel", "POST", "refuse")]
    worker()
    call = Delivery.objects.get(kind="cancel_intent")
    assert (call.state, call.attempts) == ("waiting", 1)
    assert call.last_error.startswith("PaymentsAway")
    Delivery.objects.update(due_at=Now())
    worker()
    assert customer.intent(payment.intent_id)["status"] == "canceled"
    rows = Delivery.objects.order_by("kind", "state").values_list("kind", "state")
    assert list(rows) == [("cancel_intent", "sent"), ("email", "waiting"), ("email", "waiting")]


def test_a_payment_that_cannot_be_looked_at_holds_up_no_other(hold, ana, ben, customer, line):
    """Without the catch around each the second is never asked about, as the first stays first."""
    first, second = hold(ana), hold(ben, hours=2)
    poison, fine = payments.start_payment(first.pk), payments.start_payment(second.pk)
    customer.pay(fine.intent_id)
    Payment.objects.update(created_at=Now() - timedelta(minutes=3))
    line.faults = [(poison.intent_id, "GET", "refuse")] * 9
    assert reconciliation.reconcile_due() == 1
    assert state(second) == ("confirmed", "succeeded")
    line.faults = []
