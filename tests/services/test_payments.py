"""Holds and payments in any order: nobody pays for what they do not get, or keeps the unpaid."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from api import errors
from api.lifecycle import BOOKING
from api.models import Booking, Delivery, JobFailure, Payment, Refund, Resource, StripeEvent, Venue
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking, reject_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.reschedule import reschedule_booking
from api.services.bookings.sweeps import sweep
from api.services.messages import mailer
from api.services.operations import invariants
from api.services.payments import payments, reconciliation, refunds, stripe_events
from api.services.payments.outcomes import record_outcome
from tests.support.kinds import of_every_kind
from tests.support.stripe import ASKS, DECLINED, GOOD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _money_adds_up(line, worker):
    yield
    assert invariants.list_problems(allowed_lag=None) == []


def state(booking):
    booking.refresh_from_db()
    return booking.status, booking.payment_status


def succeeded(customer, intent, **more):
    stripe_events.store_event(*customer.event("payment_intent.succeeded", intent, **more))
    stripe_events.process_events()


# beginning


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


# the outcome


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


@of_every_kind
def test_a_cancel_that_comes_second_finds_that_the_customer_won(
    hold, ana, customer, run_out, worker
):
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    customer.pay(payment.intent_id)
    run_out(booking)
    worker()
    assert state(booking) == ("confirmed", "succeeded")
    verbs = booking.events.order_by("pk").values_list("verb", "actor_name")
    assert list(verbs) == [("book", ""), ("expire", "expire_holds"), ("pay_late", "cancel")]
    assert customer.refunds(payment.intent_id) == []


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


@of_every_kind
@pytest.mark.parametrize("order", list(itertools.permutations(["expire", "pay", "rival"])))
@pytest.mark.parametrize("swept", [True, False])
def test_whatever_comes_first_the_slot_and_the_money_go_together(
    order, swept, hold, ana, ben, customer, run_out, worker
):
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    rivals = []

    def expire():
        run_out(booking)
        if swept:
            worker()

    def pay():
        customer.pay(payment.intent_id)
        succeeded(customer, payment.intent_id)

    def rival():
        try:
            rivals.append(hold(ben))
        except errors.SlotTaken:
            rivals.append(None)

    for step in order:
        {"expire": expire, "pay": pay, "rival": rival}[step]()
    worker()
    lost = swept and order.index("expire") < order.index("pay")  # the intent was cancelled first
    taken = order.index("expire") < order.index("rival") < order.index("pay")
    if lost:
        assert state(booking) == ("expired", "failed")
        assert customer.intent(payment.intent_id)["status"] == "canceled"
    elif taken:
        assert state(booking) == ("expired", "refunded")
        assert customer.refunds(payment.intent_id) == [10000]
    else:
        assert state(booking) == ("confirmed", "succeeded")
        assert customer.refunds(payment.intent_id) == []
    refused = rivals[0] is None
    first = order.index("rival") < order.index("expire")  # while the hold was alive
    last = state(booking)[0] == "confirmed" and order.index("pay") < order.index("rival")
    assert refused == (first or last)


@of_every_kind
@pytest.mark.parametrize("order", list(itertools.permutations(["expire", "pay", "rival"])))
def test_a_payment_that_beats_our_cancelling_is_settled_in_every_order(
    order, hold, ana, ben, customer, run_out, worker
):
    """The card was charged before the cancelling arrived; what differs is when we hear of it."""
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    customer.pay(payment.intent_id)
    got = []
    for step in order:
        if step == "expire":
            run_out(booking)
            sweep(BOOKING.expire, "expire_holds")
        elif step == "pay":
            succeeded(customer, payment.intent_id)
        else:
            try:
                got.append(hold(ben))
            except errors.SlotTaken:
                got.append(None)
    worker()
    taken = order == ("expire", "rival", "pay")
    assert state(booking) == (("expired", "refunded") if taken else ("confirmed", "succeeded"))
    assert customer.refunds(payment.intent_id) == ([10000] if taken else [])
    assert bool(got[0]) == taken
    names = set(
        Delivery.objects.filter(booking=booking, kind="email").values_list("name", flat=True)
    )
    assert ("refunded" in names, "receipt" in names) == (taken, not taken)


@of_every_kind
def test_a_late_payment_for_a_slot_that_is_over_or_closed_goes_back(
    hold, ana, customer, run_out, for_sale
):
    booking = hold(ana)
    payment = payments.start_payment(booking.pk)
    customer.pay(payment.intent_id)
    run_out(booking)
    assert sweep(BOOKING.expire, "expire_holds") == 1
    Resource.objects.filter(pk=for_sale.resources[-1].pk).update(maintenance=True)
    succeeded(customer, payment.intent_id)
    assert state(booking) == ("expired", "refunded")
    assert Refund.objects.get().amount_minor == 10000


@of_every_kind
def test_abandoning_and_booking_again_pays_again(hold, ana, run_out, worker):
    first = hold(ana)
    old = payments.start_payment(first.pk)
    run_out(first)
    second = hold(ana)
    assert state(second) == ("held", "pending")
    assert payments.start_payment(second.pk).intent_id != old.intent_id
    assert state(first) == ("expired", "failed")
    worker()


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


# webhooks


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
    intent = customer.call("GET", "payment_intents?limit=1000")["data"][-1]["id"]
    customer.pay(intent)
    succeeded(customer, intent)
    attempt.refresh_from_db()
    assert attempt.intent_id == intent
    assert state(booking) == ("confirmed", "succeeded")


# refunds


@pytest.fixture
def paid(hold, ana, customer):
    def make(hours=0):
        booking = hold(ana, hours)
        payment = payments.start_payment(booking.pk)
        customer.pay(payment.intent_id)
        succeeded(customer, payment.intent_id)
        booking.refresh_from_db()
        return booking, payment

    return make


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


# reconciliation


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
