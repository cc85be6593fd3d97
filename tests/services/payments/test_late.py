"""Holds and payments in any order: nobody pays for what they do not get, or keeps the unpaid."""

from __future__ import annotations

import itertools

import pytest

from api import errors
from api.lifecycle import BOOKING
from api.models import Delivery, Refund, Resource
from api.services.bookings.sweeps import sweep
from api.services.payments import payments
from tests.support.kinds import of_every_kind

from .steps import state, succeeded

pytestmark = pytest.mark.django_db(transaction=True)


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


@of_every_kind
@pytest.mark.parametrize("order", list(itertools.permutations(["expire", "pay", "rival"])))
@pytest.mark.parametrize("swept", [True, False])
def test_whatever_comes_first_the_slot_and_the_money_go_together(
    order, swept, hold, ana, ben, customer, run_out, worker
):
    """Seen to confirm both without the exclusion constraint, of every kind; of a service, which
    looks for what is free first, where the payment comes last."""
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
    """The card was charged before the cancelling arrived; what differs is when we hear of it. Seen
    to confirm both without the exclusion constraint, of every kind."""
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
