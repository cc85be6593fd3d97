"""Paying on Stripe's own page (Checkout), where no frontend of ours has Stripe's form.

An attempt has a page instead of an intent. Somebody who pays there gives it an intent, which says
by its metadata which attempt it belongs to; from then on all is as with any other. A page lives for
half an hour at least: where the hold ends before, the outbox closes it, and what was paid by then
is a late payment like every other.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models.functions import Now

from api import errors
from api.models import Payment
from api.services.messages import outbox

from . import stripe_gateway as gateway
from .cancellations import build_cancellation, build_closing
from .outcomes import record_outcome
from .payments import (
    describe_payment,
    end_unknown_attempt,
    get_idempotency_key,
    get_or_create_attempt,
    limit_concurrency,
    lock_payable,
)
from .stripe_gateway import FINAL, Checkout, PaymentRefused

SHORTEST, LONGEST = timedelta(hours=1), timedelta(hours=23)  # Stripe's are 30 minutes and a day
OPEN: Final = "open"


def start_checkout(pk: int, return_url: str) -> str:
    """Return the address of Stripe's page for a held booking, the same for as long as it is open.
    Refuses as `start_payment` does. Must not be called inside a transaction."""
    with limit_concurrency():
        for _ in (1, 2, 3):
            payment = get_or_create_attempt(pk, None)
            if payment.checkout_id:
                session = sync_checkout(payment)
                if session is not None and session.status == OPEN:
                    return payment.checkout_url
            elif payment.intent_id is None:
                return _save(payment, _create(payment, return_url))
            else:
                _leave_intent(payment)
        raise errors.Busy


def _create(payment: Payment, return_url: str) -> Checkout:
    hold = payment.booking.hold_expires_at or payment.created_at
    # of the attempt alone, so that a second try asks for the very same
    ends_at = min(max(hold, payment.created_at + SHORTEST), payment.created_at + LONGEST)
    metadata, description = describe_payment(payment)
    return gateway.create_checkout(
        payment.amount_minor,
        payment.currency,
        f"{get_idempotency_key(payment)}-checkout",
        metadata,
        description,
        return_url=return_url,
        expires_at=int(ends_at.timestamp()),
    )


def _save(payment: Payment, session: Checkout) -> str:
    """Write the page to its attempt, if the booking can still be paid and nothing else came first.
    A page that no customer gets to see is closed."""
    try:
        with transaction.atomic():
            lock_payable(payment.booking_id)
            empty = Payment.objects.filter(pk=payment.pk, intent_id=None, checkout_id="")
            empty.exclude(status__in=FINAL).update(
                checkout_id=session.id, checkout_url=session.url, updated_at=Now()
            )
            payment.refresh_from_db()
            if payment.checkout_id != session.id:
                outbox.put([build_closing(payment, session.id)])
    except errors.Refusal:
        outbox.put([build_closing(payment, session.id)])
        raise
    if not payment.checkout_url:
        raise errors.Busy
    return payment.checkout_url


def _leave_intent(payment: Payment) -> None:
    """End an attempt that was begun at the API: its intent is cancelled, unless it was paid."""
    payment = record_outcome(payment.pk, gateway.fetch_intent(payment.intent_id or ""), "page")
    if payment.status in FINAL:
        return
    with transaction.atomic():
        outbox.put([build_cancellation(payment, payment.intent_id or "")])
        end_unknown_attempt(payment)


def sync_checkout(payment: Payment) -> Checkout | None:
    """Ask Stripe what became of a page, and record it; None where Stripe does not know it."""
    try:
        session = gateway.fetch_checkout(payment.checkout_id)
    except PaymentRefused as refusal:
        if not refusal.missing:
            raise
        end_unknown_attempt(payment)
        return None
    _record(payment.pk, session)
    return session


def close_checkout(pk: int, checkout_id: str) -> None:
    """Close a page at Stripe. What was paid there before is recorded."""
    try:
        session = gateway.expire_checkout(checkout_id)
    except PaymentRefused as refusal:
        if not refusal.missing:
            raise
        end_unknown_attempt(Payment(pk=pk))
        return
    _record(pk, session)


def _record(pk: int, session: Checkout) -> None:
    if session.intent_id:
        record_outcome(pk, gateway.fetch_intent(session.intent_id), "checkout")
    if session.status == "expired":
        end_unknown_attempt(Payment(pk=pk))
