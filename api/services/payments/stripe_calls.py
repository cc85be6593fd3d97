"""The outbox's calls to Stripe: cancel an intent, close a page, pay a refund. Each is safe
to make again."""

from __future__ import annotations

from api.models import Delivery, Payment
from api.models.outbox import Kind
from api.services.operations.lease_queue import run_one_by_one

from . import checkout, payments, refunds
from . import stripe_gateway as gateway
from .outcomes import record_outcome
from .stripe_gateway import FINAL, PaymentRefused


class StillProcessing(Exception):
    """The bank has not answered Stripe yet, so the intent can be neither cancelled nor paid."""


def make_call(row: Delivery) -> None:
    if row.kind == Kind.REFUND:
        refunds.pay_refund(row.payload["refund"])
    elif "checkout" in row.payload:
        checkout.close_checkout(row.payload["payment"], row.payload["checkout"])
    else:
        cancel_intent(row.payload["payment"], row.payload["intent"])


make_calls = run_one_by_one(make_call, stop=gateway.breaker.is_open)


def cancel_intent(payment: int, intent_id: str) -> None:
    """Cancel an intent at Stripe. If it succeeded first, that is recorded as a late payment. One
    that Stripe does not know needs no cancelling."""
    try:
        intent = gateway.cancel_intent(intent_id)
    except PaymentRefused as refusal:
        if not refusal.missing:
            raise
        for row in Payment.objects.filter(pk=payment, intent_id=intent_id):
            payments.end_unknown_attempt(row)
        return
    if Payment.objects.filter(pk=payment, intent_id=intent_id).exists():
        record_outcome(payment, intent, "cancel")
    if intent.status not in FINAL:
        raise StillProcessing(intent.status)
