"""What is shown of refunds and disputes made at Stripe, and what they block."""

from __future__ import annotations

import json

import pytest

from api import errors
from api.models import Delivery, Dispute, Refund, StripeEvent
from api.queries.bookings.timeline import list_timeline
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.messages import outbox
from api.services.operations import invariants
from api.services.payments import payments, reconciliation, refunds, stripe_events, stripe_refunds

pytestmark = pytest.mark.django_db(transaction=True)


def state(booking):
    booking.refresh_from_db()
    return booking.status, booking.payment_status


def test_a_refund_of_the_dashboard_is_shown_and_counts(paid_booking, customer, client_of, ana, sam):
    booking, payment = paid_booking()
    made = customer.refund(payment.intent_id, 3000)
    stripe_events.store_event(*customer.event("refund.created", payment.intent_id))
    stripe_events.process_events()
    assert state(booking) == ("confirmed", "partly_refunded")
    seen = client_of(ana).get(f"/api/v1/bookings/{booking.pk}/payment/").json()
    assert seen["payment_status"] == "partly_refunded"
    (refund,) = seen["refunds"]
    assert (refund["amount_minor"], refund["status"]) == (3000, "succeeded")
    assert refund["reason"] == "refunded at Stripe"
    page = client_of(ana, "paidrooms").get(f"/paidrooms/api/bookings/{booking.pk}/").json()
    assert (page["status"], page["payment_status"]) == ("confirmed", "succeeded")
    with pytest.raises(errors.NothingToRefund) as refused:
        refunds.create_staff_refund(booking.pk, sam, "a", 7001)
    assert refused.value.left_minor == 7000
    event = booking.events.get(verb="refund")
    assert event.details == {"refund": made["id"], "amount_minor": 3000, "status": "succeeded"}
    assert not Delivery.objects.filter(name="refunded").exists()  # Stripe has written itself
    customer.refund(payment.intent_id)
    reconciliation.reconcile_all()
    assert state(booking) == ("confirmed", "refunded")


def test_a_booking_paid_in_part_back_is_paid_for(paid_booking, customer, ana):
    """Every question whether a booking is paid: paying again, and moving it for another price."""
    booking, payment = paid_booking()
    customer.refund(payment.intent_id, 1)
    reconciliation.reconcile_all()
    with pytest.raises(errors.AlreadyPaid):
        payments.start_payment(booking.pk)
    assert invariants.list_problems(allowed_lag=None) == []


def test_a_refund_whose_money_came_back_is_not_counted(paid_booking, customer, worker):
    booking, payment = paid_booking()
    made = customer.refund(payment.intent_id, 3000)
    reconciliation.reconcile_all()
    assert state(booking)[1] == "partly_refunded"
    customer.call("POST", f"refunds/{made['id']}", status="failed")
    stripe_events.store_event(*customer.event("refund.failed", payment.intent_id))
    stripe_events.process_events()
    assert state(booking)[1] == "succeeded"
    assert reconciliation.reconcile_all() == {}


def test_an_older_list_does_not_open_what_has_ended(paid_booking, customer):
    """Two workers who asked Stripe one after the other and write the other way round."""
    _, payment = paid_booking()
    made = customer.refund(payment.intent_id, 3000)
    reconciliation.reconcile_all()
    older = stripe_refunds.StripeRefund(made["id"], "pending", 3000)
    stripe_refunds.record_stripe_refunds(payment.pk, [older])
    assert Refund.objects.get().status == "succeeded"


# disputes


@pytest.fixture
def disputed(paid_booking, customer):
    def make(**params):
        booking, payment = paid_booking()
        found = customer.dispute(payment.intent_id, **params)
        stripe_events.store_event(*customer.event("charge.dispute.created", payment.intent_id))
        stripe_events.process_events()
        return booking, payment, found["id"]

    return make


def test_a_dispute_blocks_the_refund_of_a_cancellation_until_it_is_won(
    disputed, ana, sam, client_of, customer, worker
):
    booking, payment, dispute = disputed()
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    worker()
    call, refund = Delivery.objects.get(kind="refund"), Refund.objects.get()
    assert (call.state, refund.status) == ("parked", "blocked")
    assert call.last_error == f"Blocked: the payment is disputed: {dispute}, needs_response"
    seen = client_of(ana).get(f"/api/v1/bookings/{booking.pk}/payment/").json()
    (shown,) = seen["disputes"]
    assert shown.pop("created_at")
    assert shown == {
        "id": Dispute.objects.get().pk,
        "amount_minor": 10000,
        "reason": "fraudulent",
        "status": "needs_response",
    }
    lines = {line.kind: line.text for line in list_timeline(booking)}
    assert lines["dispute"] == f"needs response · fraudulent · {dispute}"
    assert "blocked" in lines["refund"]
    with pytest.raises(errors.PaymentDisputed):
        refunds.create_staff_refund(booking.pk, sam, "a", 100)
    assert client_of(sam).get("/admin/api/dispute/").status_code in (200, 302)
    customer.decide(dispute, "winning_evidence")
    stripe_events.store_event(*customer.event("charge.dispute.closed", payment.intent_id))
    stripe_events.process_events()
    worker()
    assert customer.refunds(payment.intent_id) == [10000]
    assert Delivery.objects.get(kind="refund").state == "sent"
    assert state(booking) == ("cancelled", "refunded")
    assert [e.details["status"] for e in booking.events.filter(verb="dispute").order_by("id")] == [
        "needs_response",
        "won",
    ]
    assert invariants.list_problems(allowed_lag=None) == []


def test_money_that_the_bank_gave_back_is_not_given_again(disputed, ana, customer, worker):
    booking, payment, dispute = disputed()
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    worker()
    customer.decide(dispute, "losing_evidence")
    reconciliation.reconcile_all()
    worker()
    assert customer.refunds(payment.intent_id) == []
    assert (Refund.objects.get().status, Delivery.objects.get(kind="refund").state) == (
        "canceled",
        "withheld",
    )
    assert state(booking) == ("cancelled", "refunded")
    assert invariants.list_problems(allowed_lag=None) == []


def test_a_dispute_that_nobody_told_of_is_found_by_the_refused_refund(
    paid_booking, ana, customer, worker
):
    booking, payment = paid_booking()
    customer.dispute(payment.intent_id)
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    worker()
    assert Delivery.objects.get(kind="refund").state == "parked"
    assert Dispute.objects.get().status == "needs_response"


def test_staff_may_refund_what_a_bank_only_asks_about(disputed, ana, sam, customer, worker):
    booking, payment, _ = disputed(status="warning_needs_response")
    refunds.create_staff_refund(booking.pk, sam, "a", 2500)
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    worker()
    assert customer.refunds(payment.intent_id) == [2500]
    assert sorted(Refund.objects.values_list("status", flat=True)) == ["blocked", "succeeded"]


def test_a_dispute_that_closes_while_its_refund_is_being_parked_is_not_missed(
    disputed, ana, customer, worker
):
    """The worker has seen the dispute, and has not written its outcome yet. Without the lease taken
    from it in `resume_blocked` the call is parked after it was made due, for ever."""
    booking, payment, dispute = disputed()
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    (call,) = outbox.QUEUE.claim(kind__in=["refund"])
    with pytest.raises(refunds.Blocked) as blocked:
        refunds.pay_refund(call.payload["refund"])
    customer.decide(dispute, "winning_evidence")
    reconciliation.reconcile_all()
    outbox.QUEUE.record(call, blocked.value)
    worker()
    assert customer.refunds(payment.intent_id) == [10000]


# events signed by hand, as `make up` believes them without keys


def sign(customer, kind, about, event_id=None):
    body = {"type": kind, "data": {"object": about}} | ({"id": event_id} if event_id else {})
    text = json.dumps(body)
    stripe_events.store_event(text.encode(), customer.sign(text))


@pytest.mark.parametrize("charged", [True, False])
def test_a_refund_told_of_by_hand_is_believed_once(
    paid_booking, hold, ana, customer, worker, settings, charged
):
    settings.STRIPE_BELIEVE_EVENTS = True
    if charged:
        booking, payment = paid_booking()
    else:
        booking = hold(ana)
        payment = payments.start_payment(booking.pk)
        stripe_events.store_event(*customer.event("payment_intent.succeeded", payment.intent_id))
    intent = payment.intent_id
    charge = {"id": "ch_1", "object": "charge", "payment_intent": intent}
    sign(customer, "charge.refunded", {**charge, "amount": 10000, "amount_refunded": 3000}, "evt_a")
    sign(customer, "charge.refunded", {**charge, "amount": 10000, "amount_refunded": 3000}, "evt_b")
    assert state(booking) == ("confirmed", "partly_refunded")
    refund = {"id": "re_1", "object": "refund", "amount": 500, "payment_intent": intent}
    sign(customer, "refund.created", {**refund, "status": "pending"})
    sign(customer, "refund.updated", {**refund, "status": "succeeded"})
    assert reconciliation.reconcile_all() == {}
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    worker()
    assert state(booking) == ("cancelled", "refunded")
    assert sorted(Refund.objects.values_list("amount_minor", "status")) == [
        (500, "succeeded"),
        (3000, "succeeded"),
        (6500, "succeeded"),
    ]
    if charged:
        assert customer.refunds(intent) == [6500]
    sign(customer, "charge.refunded", {**charge, "amount": 10000, "amount_refunded": 10000})
    assert Refund.objects.count() == 3
    assert reconciliation.reconcile_all() == {}
    assert invariants.list_problems(allowed_lag=None) == []


def test_a_dispute_told_of_by_hand_is_believed(paid_booking, ana, customer, worker, settings):
    settings.STRIPE_BELIEVE_EVENTS = True
    booking, payment = paid_booking()
    about = {"id": "dp_1", "object": "dispute", "amount": 10000, "reason": "fraudulent"}
    about["payment_intent"] = payment.intent_id
    sign(customer, "charge.dispute.created", {**about, "status": "needs_response"})
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    worker()
    assert Delivery.objects.get(kind="refund").state == "parked"
    sign(customer, "charge.dispute.closed", {**about, "status": "lost"})
    sign(customer, "charge.dispute.created", {**about, "status": "needs_response"}, "evt_late")
    worker()
    assert (Dispute.objects.get().status, Refund.objects.get().status) == ("lost", "canceled")
    assert customer.refunds(payment.intent_id) == []
    assert state(booking) == ("cancelled", "refunded")
    assert invariants.list_problems(allowed_lag=None) == []


def test_with_stripe_itself_an_event_about_a_refund_only_says_where_to_look(paid_booking, customer):
    booking, payment = paid_booking()
    about = {"id": "re_forged", "object": "refund", "amount": 9000, "status": "succeeded"}
    sign(customer, "refund.created", {**about, "payment_intent": payment.intent_id}, "evt_forged")
    stripe_events.process_events()
    assert state(booking) == ("confirmed", "succeeded")
    assert Refund.objects.count() == 0
    assert set(StripeEvent.objects.get(event_id="evt_forged").payload) <= {"created", "livemode"}


@pytest.mark.parametrize(
    "about",
    [
        {"id": "re_1", "amount": -5},
        {"id": "re_1", "amount": "x"},
        {"id": "re 1", "amount": 5},
        {"amount": 5},
        {"id": "re_1", "amount": 10**30},
        {"id": "re_1", "amount": 5, "metadata": "x"},
    ],
)
def test_nonsense_about_a_refund_is_a_bad_payload(customer, line, settings, about):
    settings.STRIPE_BELIEVE_EVENTS = True
    with pytest.raises(payments.gateway.BadPayload):
        sign(customer, "refund.created", {**about, "object": "refund", "payment_intent": "pi_1"})
    assert StripeEvent.objects.count() == 0
