"""The outbox's calls to Stripe: cancel an intent, pay a refund. Each may be made again."""

from __future__ import annotations

from collections.abc import Iterator

from api.models import Delivery, Payment
from api.models.outbox import Kind
from api.services.messages.outbox import Outcome

from . import payments, refunds
from . import stripe_gateway as gateway
from .stripe_gateway import FINAL, PaymentRefused


class StillProcessing(Exception):
    """The bank has not answered Stripe yet, so the intent can be neither cancelled nor paid."""


def make_call(rows: list[Delivery]) -> Iterator[Outcome]:
    """Makes the calls of a claimed batch, yielding each row with what went wrong, or None. Ends
    early when Stripe is left alone."""
    for row in rows:
        if gateway.circuit.is_open():
            return
        yield row, _make_one(row)


def _make_one(row: Delivery) -> Exception | None:
    try:
        if row.kind == Kind.REFUND:
            refunds.pay_refund(row.payload["refund"])
        else:
            cancel_intent(row.payload["payment"], row.payload["intent"])
    except Exception as error:  # whatever goes wrong is an outcome of this row
        return error
    return None


def cancel_intent(payment: int, intent_id: str) -> None:
    """An intent that succeeded first is the customer's win: it is settled as a late payment. One
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
        payments.record_outcome(payment, intent, "cancel")
    if intent.status not in FINAL:
        raise StillProcessing(intent.status)
