"""Paying on Stripe's own page: one page an attempt, closed when nobody is to pay there any more;
whatever was paid first is never lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from api import errors
from api.lifecycle import BOOKING
from api.models import Booking, Delivery, Payment, Refund
from api.services.accounts import links
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.reschedule import BookingChanges, reschedule_booking
from api.services.bookings.transitions import apply_due_transitions
from api.services.payments import payments, reconciliation, stripe_events
from api.services.payments.checkout import start_checkout, sync_checkout
from api.services.payments.invariants import list_problems
from tests.support.stripe import GOOD

pytestmark = pytest.mark.django_db(transaction=True)
BACK = "https://book.example/book/paidrooms/"


@pytest.fixture(autouse=True)
def keys(line, settings):
    """As with keys of one's own; what answers is the local Stripe."""
    settings.STRIPE_LOCAL = settings.STRIPE_BELIEVE_EVENTS = False
    settings.STRIPE_SECRET_KEY = "sk_test_of_ones_own"


@pytest.fixture
def pay_at(customer):
    """Pay on the page of an attempt; the intent."""

    def pay(payment, card=GOOD):
        about = {"type": "card", "card[number]": card, "card[cvc]": "333"}
        about |= {"card[exp_month]": 3, "card[exp_year]": 2049}
        method = customer.call("POST", "payment_methods", **about)
        path = f"checkout/sessions/{payment.checkout_id}/pay"
        return customer.call("POST", path, payment_method=method["id"])["payment_intent"]

    return pay


@pytest.fixture
def tell(customer):
    """Stripe's webhook of a payment, worked on."""

    def send(intent):
        stripe_events.store_event(*customer.event("payment_intent.succeeded", intent))
        stripe_events.process_events()

    return send


def get_page(customer, payment):
    return customer.call("GET", f"checkout/sessions/{payment.checkout_id}")


def test_one_page_is_opened_and_paying_there_confirms(hold, ana, customer, pay_at, tell):
    booking = hold(ana)
    url = start_checkout(booking.pk, BACK)
    assert start_checkout(booking.pk, BACK) == url
    payment = Payment.objects.get()
    page = get_page(customer, payment)
    assert (page["amount_total"], page["success_url"], page["url"]) == (10000, BACK, url)
    assert page["expires_at"] >= payment.created_at.timestamp() + 30 * 60
    intent = pay_at(payment)
    tell(intent)
    payment.refresh_from_db()
    booking.refresh_from_db()
    assert (payment.intent_id, payment.status) == (intent, "succeeded")
    assert (booking.status, booking.payment_status) == ("confirmed", "succeeded")
    with pytest.raises(errors.AlreadyPaid):
        start_checkout(booking.pk, BACK)


def test_the_page_is_closed_with_a_hold_that_ends_before(hold, ana, customer, run_out, worker):
    """Seen to fail without `build_closing` in `cancel_unwanted_intents`: the page stays open."""
    booking = hold(ana)
    start_checkout(booking.pk, BACK)
    payment = Payment.objects.get()
    run_out(booking)
    apply_due_transitions(BOOKING, "id = %s", [booking.pk])
    assert list_problems() == []  # the call waits in the outbox
    worker()
    assert get_page(customer, payment)["status"] == "expired"
    payment.refresh_from_db()
    booking.refresh_from_db()
    assert (payment.status, booking.status) == ("canceled", "expired")
    assert Delivery.objects.get(name="close_checkout").state == "sent"


def test_what_was_paid_before_it_was_closed_takes_the_slot_again(
    hold, ana, pay_at, run_out, worker
):
    booking = hold(ana)
    start_checkout(booking.pk, BACK)
    pay_at(Payment.objects.get())  # and the webhook is lost
    run_out(booking)
    worker()
    booking.refresh_from_db()
    assert (booking.status, booking.payment_status) == ("confirmed", "succeeded")


def test_what_was_paid_too_late_goes_back(hold, ana, ben, customer, pay_at, tell, run_out, worker):
    """Seen to fail where `_find_attempt` takes no attempt that has ended: the money stays."""
    booking = hold(ana)
    start_checkout(booking.pk, BACK)
    payment = Payment.objects.get()
    run_out(booking)
    hold(ben)  # ends the first hold, and has its slot
    intent = pay_at(payment)
    Payment.objects.update(status="canceled")
    tell(intent)
    worker()
    assert customer.refunds(intent) == [10000]
    assert Refund.objects.get().payment == payment
    assert Booking.objects.get(owner=ben).status == "held"


def test_a_lost_webhook_is_made_up_for_by_the_reconciliation(hold, ana, pay_at):
    booking = hold(ana)
    start_checkout(booking.pk, BACK)
    pay_at(Payment.objects.get())
    assert reconciliation.reconcile_all() == {}
    booking.refresh_from_db()
    assert booking.status == "confirmed"


def test_a_page_that_ran_out_gives_way_to_another(hold, ana, customer):
    booking = hold(ana)
    first = start_checkout(booking.pk, BACK)
    payment = Payment.objects.get()
    customer.call("POST", f"checkout/sessions/{payment.checkout_id}/expire")
    assert sync_checkout(payment).status == "expired"
    assert start_checkout(booking.pk, BACK) != first


def test_another_price_or_a_cancellation_closes_the_page(hold, ana, customer, worker):
    booking = hold(ana)
    start_checkout(booking.pk, BACK)
    first = Payment.objects.get()
    longer = BookingChanges(ends_at=booking.ends_at + timedelta(hours=1))
    reschedule_booking(booking.pk, Actor.for_booking(ana, booking), longer)
    start_checkout(booking.pk, BACK)
    second = Payment.objects.latest("attempt")
    assert get_page(customer, second)["amount_total"] == 20000
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    worker()
    pages = [get_page(customer, each)["status"] for each in (first, second)]
    assert pages == ["expired", "expired"]


def test_one_is_charged_once_at_the_api_or_on_the_page(hold, ana, customer, worker):
    booking = hold(ana)
    start_checkout(booking.pk, BACK)
    page = Payment.objects.get()
    Payment.objects.update(created_at=page.created_at)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.STRIPE_LOCAL", True)  # what intents are made with there
        begun = payments.start_payment(booking.pk)
    worker()
    assert begun.checkout_id == ""
    assert get_page(customer, page)["status"] == "expired"
    booking.refresh_from_db()
    assert booking.status == "held"
    assert start_checkout(booking.pk, BACK)
    assert Payment.objects.exclude(status="canceled").count() == 1


# the pages


def test_the_button_leads_to_stripe_and_back(hold, ana):
    booking = hold(ana)
    client = Client()
    client.force_login(ana)
    there = f"/book/paidrooms/bookings/{booking.pk}/"
    shown = client.get(there)
    assert "Pay 100.00 USD at Stripe" in shown.content.decode()
    assert 'name="card"' not in shown.content.decode()
    assert "form-action 'self' https://checkout.stripe.com" in shown["Content-Security-Policy"]
    sent = client.post(there, {"action": "pay"})
    assert (sent.status_code, sent["Location"]) == (303, Payment.objects.get().checkout_url)
    back = client.get(f"{there}?returned=1").content.decode()
    assert "Stripe has not told us of a payment yet" in back


def test_stripe_is_not_told_the_link_of_a_letter(hold, ana, customer):
    booking = hold(ana)
    Booking.objects.update(
        owner=None, guest_name="Gus", guest_email="g@example.com", guest_key="g@example.com",
        guest_confirmed_at=booking.created_at, guest_link="abcdefgh",
    )  # fmt: skip
    booking.refresh_from_db()
    token = links.build_guest_token(booking)
    assert Client().post(f"/guests/{token}/", {"action": "pay"}).status_code == 303
    page = get_page(customer, Payment.objects.get())
    assert page["success_url"].endswith("/book/paidrooms/returned/")
    assert token not in str(page)
