"""Paying over our own API, refunds by staff, and the webhook."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from api.models import IdempotencyKey, Payment, Refund, StripeEvent
from api.services.payments import stripe_events

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def booking(hold, ana, line):
    return hold(ana)


@pytest.fixture
def path(booking):
    return f"/api/v1/bookings/{booking.pk}/payment/"


@pytest.fixture
def paid(booking, path, ana, client_of, customer):
    intent = client_of(ana).post(path).json()["intent_id"]
    customer.pay(intent)
    stripe_events.store_event(*customer.event("payment_intent.succeeded", intent))
    stripe_events.process_events()
    return intent


def test_the_owner_begins_and_reads_a_payment(client_of, ana, booking, path, customer):
    client = client_of(ana)
    missing = client.get(path)
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    answer = client.post(path)
    payment = Payment.objects.get()
    stamp = payment.created_at.isoformat().replace("+00:00", "Z")
    assert answer.status_code == 201
    assert answer.json() == {
        "id": payment.pk,
        "booking": booking.pk,
        "attempt": 1,
        "intent_id": payment.intent_id,
        "client_secret": customer.intent(payment.intent_id)["client_secret"],
        "amount_minor": 10000,
        "currency": "usd",
        "status": "requires_payment_method",
        "payment_status": "processing",
        "refunds": [],
        "disputes": [],
        "created_at": stamp,
    }
    assert client.get(path).json() == client.post(path).json() == answer.json()


def test_who_may_see_and_pay(client_of, ana, ben, sam, path):
    assert client_of(ben).post(path).status_code == 404
    assert client_of(ben).get(path).status_code == 404
    assert client_of(None).post(path).status_code == 401
    assert Payment.objects.count() == 0
    assert client_of(sam).post(path).status_code == 201


def test_what_cannot_be_paid_is_a_problem(client_of, ana, path, booking, run_out, line):
    run_out(booking)
    answer = client_of(ana).post(path)
    assert (answer.status_code, answer.json()["code"]) == (409, "hold_over")
    assert answer["Content-Type"] == "application/problem+json"
    assert line.calls == []


def test_stripe_away_is_a_503_that_says_when(client_of, ana, path, line):
    line.down = True
    answer = client_of(ana).post(path)
    assert (answer.status_code, answer.json()["code"]) == (503, "payments_away")
    assert answer["Retry-After"] == "5"


def test_the_same_key_gives_the_same_answer_and_no_transaction_spans_the_call(
    client_of, ana, path, line
):
    """The gateway refuses to be called in a transaction, which other views open for a key."""
    client, headers = client_of(ana), {"Idempotency-Key": "k1"}
    line.faults = [("payment_intents", "POST", "refuse")]
    assert client.post(path, headers=headers).status_code == 503
    assert IdempotencyKey.objects.count() == 0
    first = client.post(path, headers=headers)
    line.calls.clear()
    again = client.post(path, headers=headers)
    assert (first.status_code, again.status_code, first.json()) == (201, 201, again.json())
    assert again["Idempotency-Replayed"] == "true"
    assert line.calls == []
    other = client.post(path, {"x": 1}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_staff_refund_whole_or_part(client_of, ana, sam, path, paid, worker, customer):
    staff = client_of(sam)
    part = staff.post(f"{path}refunds/", {"amount_minor": 2500, "reason": "Cold room"})
    assert part.status_code == 201
    refund = Refund.objects.get()
    assert part.json() == {
        "id": refund.pk,
        "amount_minor": 2500,
        "reason": "Cold room",
        "status": "waiting",
        "created_at": refund.created_at.isoformat().replace("+00:00", "Z"),
    }
    assert refund.by == sam
    more = staff.post(f"{path}refunds/", {"amount_minor": 7501})
    assert (more.status_code, more.json()["code"]) == (409, "nothing_to_refund")
    assert staff.post(f"{path}refunds/").json()["amount_minor"] == 7500
    worker()
    assert customer.refunds(paid) == [2500, 7500]
    seen = client_of(ana).get(path).json()
    assert seen["payment_status"] == "refunded"
    assert [(r["amount_minor"], r["status"]) for r in seen["refunds"]] == [
        (7500, "succeeded"),
        (2500, "succeeded"),
    ]


def test_the_same_key_refunds_once(client_of, sam, path, paid, worker, customer):
    client, headers = client_of(sam), {"Idempotency-Key": "r1"}
    body = {"amount_minor": 2500}
    first = client.post(f"{path}refunds/", body, headers=headers)
    again = client.post(f"{path}refunds/", body, headers=headers)
    assert first.json() == again.json()
    worker()
    assert customer.refunds(paid) == [2500]


@pytest.mark.parametrize("amount", [0, -1, 1.5, "x", "\0", None, [], 2**63, 10**30])
def test_a_refund_of_nonsense_is_refused(client_of, sam, path, paid, amount):
    answer = client_of(sam).post(f"{path}refunds/", {"amount_minor": amount})
    assert answer.status_code == 400
    assert Refund.objects.count() == 0


def test_only_staff_refund(client_of, ana, ben, path, paid):
    for user, status in ((ana, 403), (ben, 403), (None, 401)):
        assert client_of(user).post(f"{path}refunds/", {}).status_code == status
    assert Refund.objects.count() == 0


def test_nothing_paid_is_nothing_to_refund(client_of, sam, path):
    answer = client_of(sam).post(f"{path}refunds/", {})
    assert (answer.status_code, answer.json()["detail"]) == (409, "It has not been paid.")


def test_the_webhook(customer, line):
    payload, signature = customer.event("payment_intent.succeeded", "pi_1")
    client, url = APIClient(), "/api/v1/webhooks/stripe/"

    def send(signature):
        return client.generic(
            "POST", url, payload, "application/json", headers={"Stripe-Signature": signature}
        )

    assert [send(signature).json() for _ in (1, 2)] == [
        {"received": True, "new": True},
        {"received": True, "new": False},
    ]
    bad = send("t=1,v1=00")
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_signature")
    assert StripeEvent.objects.count() == 1


def test_a_hold_that_is_over_is_read_as_expired_before_its_sweep(client_of, ana, booking, run_out):
    run_out(booking)
    client = client_of(ana)
    (listed,) = client.get("/api/v1/bookings/").json()["results"]
    for shown in (listed, client.get(f"/api/v1/bookings/{booking.pk}/").json()):
        assert (shown["status"], shown["payment_status"]) == ("expired", "failed")
    booking.refresh_from_db()
    assert booking.status == "held"


def test_lists_are_filtered_by_the_status_that_is_read(client_of, ana, booking, run_out):
    """Whether or not the sweep has run; by the stored status the dead hold is found as held."""
    client = client_of(ana)

    def found(*statuses):
        query = "&".join(f"status={status}" for status in statuses)
        return [row["id"] for row in client.get(f"/api/v1/bookings/?{query}").json()["results"]]

    assert (found("held"), found("expired")) == ([booking.pk], [])
    run_out(booking)
    assert (found("held"), found("expired")) == ([], [booking.pk])
    assert found("held", "expired", "confirmed") == [booking.pk]
