"""README, "Create Payment Intent" and "Stripe Webhook", against a real local Stripe."""

from __future__ import annotations

import json

import pytest
from django.db.models.functions import Now
from rest_framework.test import APIClient

from api.models import Booking, Payment, StripeEvent
from api.services.payments import stripe_events
from tests.support.stripe import DECLINED
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

BASE = "/paidrooms/api/"


@pytest.fixture
def as_(client_of, line):
    return lambda user: client_of(user, "paidrooms")


@pytest.fixture
def booking(hold, ana):
    return hold(ana)


@pytest.fixture
def body(booking):
    """The body of the README."""
    return {"booking_id": booking.pk, "amount": 100.0, "currency": "usd"}


def read(client, booking):
    found = client.get(f"{BASE}bookings/{booking.pk}/").json()
    return found["status"], found["payment_status"]


# payment intent


def test_create_payment_intent(as_, ana, body, booking, customer):
    """README, "Create Payment Intent"."""
    answer = as_(ana).post(f"{BASE}payment-intent/", body)
    payment = Payment.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "payment_intent_id": payment.intent_id,
        "client_secret": payment.client_secret,
        "amount": 100.0,
        "currency": "usd",
        "status": "requires_payment_method",
        "booking_id": booking.pk,
    }
    assert payment.intent_id.startswith("pi_")
    assert payment.client_secret.startswith(f"{payment.intent_id}_secret_")
    assert customer.intent(payment.intent_id)["amount"] == 10000
    assert read(as_(ana), booking) == ("pending", "processing")
    assert as_(ana).post(f"{BASE}payment-intent/", body).json() == answer.json()


def test_the_currency_is_the_venues_and_staff_may_pay_for_others(as_, sam, body):
    """README, "Create Payment Intent"."""
    for currency in ("EUR", "usd"):
        answer = as_(sam).post(f"{BASE}payment-intent/", body | {"currency": currency})
        assert (answer.status_code, answer.json()["currency"]) == (201, "usd")
    body.pop("currency")
    assert as_(sam).post(f"{BASE}payment-intent/", body).status_code == 201


@pytest.mark.parametrize("amount", [1, 99.99, 100.01, 200, "99", 10**12])
def test_another_amount_is_refused(as_, ana, body, booking, amount, line):
    """README, "Create Payment Intent"."""
    answer = as_(ana).post(f"{BASE}payment-intent/", body | {"amount": amount})
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "Amount must equal the booking total of 100.00 usd"},
    )
    assert (Payment.objects.count(), line.calls) == (0, [])
    assert read(as_(ana), booking) == ("pending", "pending")


@pytest.mark.parametrize(
    ("changes", "kind", "loc"),
    [
        ({"amount": 0}, "greater_than", "amount"),
        ({"amount": -100}, "greater_than", "amount"),
        ({"amount": 100.001}, "decimal_max_places", "amount"),
        ({"amount": 1e300}, "less_than_equal", "amount"),
        ({"amount": "NaN"}, "finite_number", "amount"),
        ({"amount": "Infinity"}, "finite_number", "amount"),
        ({"amount": None}, "decimal_type", "amount"),
        ({"amount": "\0"}, "decimal_parsing", "amount"),
        ({"booking_id": 0}, "greater_than", "booking_id"),
        ({"booking_id": 2**63}, "less_than_equal", "booking_id"),
        ({"booking_id": "x"}, "int_parsing", "booking_id"),
        ({"currency": "us"}, "string_too_short", "currency"),
        ({"currency": "euro"}, "string_too_long", "currency"),
        ({"currency": "u\0d"}, "string_pattern_mismatch", "currency"),
        ({"currency": 840}, "string_type", "currency"),
    ],
)
def test_validation(as_, ana, body, changes, kind, loc):
    """README, "Create Payment Intent", and "Validation: Pydantic"."""
    answer = as_(ana).post(f"{BASE}payment-intent/", body | changes)
    assert (answer.status_code, answer.json()["error"]) == (400, "Validation failed")
    found = [(each["type"], each["loc"]) for each in answer.json()["detail"]]
    assert found == [(kind, [loc])]
    assert Payment.objects.count() == 0


def test_what_cannot_be_paid(as_, ana, ben, body, booking, run_out, customer):
    """README, "Create Payment Intent"."""

    def refused(user, **changes):
        answer = as_(user).post(f"{BASE}payment-intent/", body | changes)
        return answer.status_code, answer.json()["error"]

    assert refused(ana, booking_id=10**9) == (404, "Booking not found")
    assert refused(ben) == (403, "Permission denied. This is not your booking.")
    assert refused(ben, amount=1) == (403, "Permission denied. This is not your booking.")
    run_out(booking)
    assert refused(ana) == (400, "Booking hold has expired")
    Booking.objects.update(status="expired")
    assert refused(ana) == (400, "Booking is not awaiting payment")
    Booking.objects.update(status="cancelled")
    assert refused(ana, amount=1) == (400, "Booking is not awaiting payment")
    Booking.objects.update(status="confirmed", payment_status="succeeded")
    assert refused(ana, amount=1) == (400, "Booking already paid")
    assert Payment.objects.count() == 0


@pytest.mark.parametrize("fault", ["refuse", "lose"])
def test_stripe_out_of_order_leaks_nothing_and_keeps_the_hold(as_, ana, body, booking, line, fault):
    """README, "Create Payment Intent"; trying again succeeds."""
    line.faults = [("payment_intents", "POST", fault)]
    answer = as_(ana).post(f"{BASE}payment-intent/", body)
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "error": "Payment processing failed",
            "detail": "The payment provider does not answer now, try again soon.",
        },
    )
    assert read(as_(ana), booking) == ("pending", "processing")
    assert as_(ana).post(f"{BASE}payment-intent/", body).status_code == 201
    assert Payment.objects.count() == 1


# webhook


def send(event, client=None):
    payload, signature = event
    client = client or APIClient()
    return client.generic(
        "POST",
        f"{BASE}stripe-webhook/",
        payload,
        "application/json; charset=utf-8",
        headers={"Stripe-Signature": signature},
    )


def test_a_payment_confirms_the_booking(as_, ana, body, booking, customer):
    """README, "Stripe Webhook": payment_intent.succeeded."""
    intent = as_(ana).post(f"{BASE}payment-intent/", body).json()["payment_intent_id"]
    customer.pay(intent)
    answer = send(customer.event("payment_intent.succeeded", intent))
    assert (answer.status_code, answer.json()) == (200, {"status": "success"})
    stripe_events.process_events()
    assert read(as_(ana), booking) == ("confirmed", "succeeded")
    again = as_(ana).post(f"{BASE}payment-intent/", body)
    assert (again.status_code, again.json()) == (400, {"error": "Booking already paid"})


def test_a_failed_payment_is_marked_and_keeps_the_hold(as_, ana, body, booking, customer):
    """README, "Stripe Webhook": payment_intent.payment_failed."""
    intent = as_(ana).post(f"{BASE}payment-intent/", body).json()["payment_intent_id"]
    assert customer.pay(intent, DECLINED)["status"] == "requires_payment_method"
    assert send(customer.event("payment_intent.payment_failed", intent)).status_code == 200
    stripe_events.process_events()
    assert read(as_(ana), booking) == ("pending", "failed")


def test_the_declined_card_of_the_readme_is_declined(as_, ana, body, customer):
    """README, "Stripe Test Cards"."""
    intent = as_(ana).post(f"{BASE}payment-intent/", body).json()["payment_intent_id"]
    assert customer.pay(intent, "4000000000009995")["status"] == "requires_payment_method"
    assert customer.pay(intent, "4242424242424242")["status"] == "succeeded"


def test_a_cancelled_intent_ends_its_booking(as_, ana, body, booking, customer):
    """README, "Automatic Room Release": the webhook handles payment_intent.canceled."""
    intent = as_(ana).post(f"{BASE}payment-intent/", body).json()["payment_intent_id"]
    customer.cancel(intent)
    assert send(customer.event("payment_intent.canceled", intent)).status_code == 200
    stripe_events.process_events()
    assert read(as_(ana), booking) == ("cancelled", "failed")


def test_a_currency_without_decimals(as_, ana, studio, hold, customer):
    """README, "Create Payment Intent", in yen: what the page reads is what it pays."""
    studio.venue.currency = "jpy"
    studio.venue.save()
    booking = hold(ana)
    shown = as_(ana).get(f"{BASE}bookings/{booking.pk}/").json()
    (room,) = as_(ana).get(f"{BASE}rooms/").json()["rooms"]
    assert (room["price_per_slot"], shown["total_amount"]) == (5000.0, 10000.0)
    wrong = {"booking_id": booking.pk, "amount": 100.0}
    answer = as_(ana).post(f"{BASE}payment-intent/", wrong)
    assert answer.json() == {"error": "Amount must equal the booking total of 10000 jpy"}
    paid = as_(ana).post(f"{BASE}payment-intent/", wrong | {"amount": 10000.0}).json()
    assert (paid["amount"], paid["currency"]) == (10000.0, "jpy")
    assert customer.intent(paid["payment_intent_id"])["amount"] == 10000


@pytest.mark.parametrize(
    ("kind", "then"),
    [
        ("succeeded", ("confirmed", "succeeded")),
        ("payment_failed", ("pending", "failed")),
        ("canceled", ("cancelled", "failed")),
    ],
)
def test_a_signed_event_is_believed_where_no_money_moves(
    as_, ana, body, booking, customer, settings, kind, then
):
    """README, "Stripe Webhook": as `make up` has it each event by itself does what it says, though
    nobody has paid at the local Stripe. Elsewhere it says only where to look."""
    intent = as_(ana).post(f"{BASE}payment-intent/", body).json()["payment_intent_id"]
    for believed, expected in ((False, ("pending", "processing")), (True, then), (True, then)):
        settings.STRIPE_BELIEVE_EVENTS = believed
        send(customer.event(f"payment_intent.{kind}", intent, event_id=f"evt_{believed}"))
        stripe_events.process_events()
        assert read(as_(ana), booking) == expected


def test_an_event_written_by_hand_may_be_thin_and_shows_at_once(
    as_, ana, body, booking, customer, settings
):
    """README, "Stripe Webhook": what a client that tries it out sends. Believed nowhere else: a
    body without an id is refused there."""
    intent = as_(ana).post(f"{BASE}payment-intent/", body).json()["payment_intent_id"]
    about = {"type": "payment_intent.succeeded", "data": {"object": {"id": intent}}}
    thin = json.dumps(about)
    answer = send((thin.encode(), customer.sign(thin)))
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid payload"})
    settings.STRIPE_BELIEVE_EVENTS = True
    assert send((thin.encode(), customer.sign(thin))).status_code == 200
    assert read(as_(ana), booking) == ("confirmed", "succeeded")
    assert send((thin.encode(), customer.sign(thin))).status_code == 200
    assert StripeEvent.objects.count() == 1


def test_what_the_local_stripe_knows_for_certain_is_not_told_otherwise(
    as_, ana, body, booking, customer, settings
):
    """README, "Stripe Webhook": old news, signed or not, after the money has come."""
    settings.STRIPE_BELIEVE_EVENTS = True
    intent = as_(ana).post(f"{BASE}payment-intent/", body).json()["payment_intent_id"]
    customer.pay(intent)
    for kind in ("payment_failed", "canceled", "succeeded"):
        send(customer.event(f"payment_intent.{kind}", intent, event_id=f"evt_{kind}"))
    stripe_events.process_events()
    assert read(as_(ana), booking) == ("confirmed", "succeeded")


def test_the_local_stripe_tells_us_by_itself(as_, ana, body, booking, customer, live_server):
    """README, "Stripe Webhook": as `make up` has it, over HTTP with its own signature."""
    customer.hook(f"{live_server.url}{BASE}stripe-webhook/")
    intent = as_(ana).post(f"{BASE}payment-intent/", body).json()["payment_intent_id"]
    customer.pay(intent)
    eventually(StripeEvent.objects.filter(intent_id=intent).exists)
    customer.hook(None)
    stripe_events.process_events()
    assert read(as_(ana), booking) == ("confirmed", "succeeded")


def test_signatures(customer, line):
    """README, "Stripe Webhook": `Stripe-Signature` over the raw body, five minutes old at most."""
    payload, good = customer.event("payment_intent.succeeded", "pi_1")
    text, at = payload.decode(), good.partition(",")[0]
    for signature in (
        "",
        "nonsense",
        "t=1,v1=é",
        f"t={10**4000},v1=0",
        at,
        customer.sign(text, age=301),
        customer.sign(text, secret="whsec_of_others"),
        customer.sign(text + " "),
    ):
        answer = send((payload, signature))
        assert (answer.status_code, answer.json()) == (400, {"error": "Invalid signature"})
    assert send((payload, customer.sign(text, age=290))).status_code == 200
    assert StripeEvent.objects.count() == 1


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "{",
        "null",
        "[]",
        '"x"',
        "{}",
        '{"id": "evt_1", "type": "payment_intent.succeeded"}',
        '{"id": "evt_1", "type": "payment_intent.succeeded", "data": []}',
        '{"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": null}}',
        '{"id": 5, "type": "payment_intent.succeeded", "data": {"object": {}}}',
        '{"id": "evt\\u0000", "type": "payment_intent.x", "data": {"object": {}}}',
        '{"id": "evt_1", "type": "\\ud800", "data": {"object": {}}}',
        '{"id": "' + "e" * 256 + '", "type": "x", "data": {"object": {}}}',
        "[" * 20_000,
        "1" * 20_000,
    ],
    ids=lambda raw: raw[:60],
)
def test_signed_nonsense_is_an_invalid_payload(customer, line, raw):
    """README, "Stripe Webhook"."""
    answer = send((raw.encode(), customer.sign(raw)))
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid payload"})
    assert StripeEvent.objects.count() == 0


def test_bytes_that_are_no_text(customer, line):
    """README, "Stripe Webhook"."""
    answer = send((b"\xff\xfe", customer.sign("x")))
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid payload"})


def test_unknown_intents_and_events_are_taken_note_of(customer, line):
    """README, "Stripe Webhook": Stripe is not asked to send again what we cannot use."""
    for what, about in (
        ("payment_intent.succeeded", "pi_unknown"),
        ("customer.subscription.deleted", "sub_1"),
        ("payment_intent.succeeded", "\0"),
    ):
        answer = send(customer.event(what, about, event_id=f"evt_{what}"))
        assert (answer.status_code, answer.json()) == (200, {"status": "success"})
    assert list(StripeEvent.objects.values_list("intent_id", "state")) == [
        ("pi_unknown", "waiting")
    ]


def test_a_webhook_is_answered_without_asking_stripe(as_, ana, body, customer, line):
    """README, "Stripe Webhook"."""
    intent = as_(ana).post(f"{BASE}payment-intent/", body).json()["payment_intent_id"]
    line.calls.clear()
    for _ in range(3):
        assert send(customer.event("payment_intent.succeeded", intent)).status_code == 200
    assert line.calls == []
    assert StripeEvent.objects.count() == 1


def test_an_expired_hold_gives_its_room_to_the_next_and_the_money_back(
    as_, ana, ben, body, booking, customer, run_out, worker, tomorrow
):
    """README, "Automatic Room Release"."""
    intent = as_(ana).post(f"{BASE}payment-intent/", body).json()["payment_intent_id"]
    customer.pay(intent)
    run_out(booking)
    mine = {
        "room_id": booking.resource_id,
        "booking_date": tomorrow.date().isoformat(),
        "start_time": "10:00",
        "end_time": "11:00",
        "guest_count": 1,
    }
    theirs = as_(ben).post(f"{BASE}bookings/", mine)
    assert theirs.status_code == 201
    send(customer.event("payment_intent.succeeded", intent))
    worker()
    assert read(as_(ana), booking) == ("expired", "refunded")
    assert customer.refunds(intent) == [10000]
    assert Booking.objects.filter(hold_expires_at__gt=Now()).get().owner == ben
