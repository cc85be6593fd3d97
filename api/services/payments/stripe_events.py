"""Webhooks of Stripe: stored once by their id, answered at once, processed as a queue.

A webhook only says where to look. What happened is asked of Stripe again.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from api.models import Payment, StripeEvent
from api.services.messages import outbox
from api.services.operations.lease_queue import LeaseQueue, run_one_by_one
from api.signals import stripe_event_received

from . import payments, stripe_refunds
from . import stripe_gateway as gateway
from .cancellations import build_cancellation
from .outcomes import record_outcome
from .stripe_gateway import FINAL, SUCCEEDED, Intent, PaymentRefused
from .stripe_webhooks import apply_event, read_event, read_told

WATCHED = ("payment_intent.", "charge.", "refund.")
BACK = ("charge.refund", "charge.dispute.", "refund.")  # money that goes back
QUEUE = LeaseQueue(StripeEvent, claimed="working", done="done", parked="parked", batch=20)


class UnknownIntent(Exception):
    """Neither we nor Stripe know it, at least not yet."""


def store_event(payload: bytes, signature: str) -> bool:
    """Whether the event is new; of five copies that arrive at once one is stored.

    Raises `BadPayload` and `BadSignature`.
    """
    event = read_event(payload, signature)
    if not event.intent_id or not event.type.startswith(WATCHED):
        return False
    with transaction.atomic():
        row = StripeEvent(
            event_id=event.id, type=event.type, intent_id=event.intent_id, payload=event.facts
        )
        is_new = not StripeEvent.objects.filter(event_id=event.id).exists()
        if is_new:
            StripeEvent.objects.bulk_create([row], ignore_conflicts=True)
            stripe_event_received.send(sender=StripeEvent, event=row)
    if settings.STRIPE_BELIEVE_EVENTS:  # whoever signs by hand looks at once what came of it
        process_events()
    return is_new


def process_events() -> int:
    """How many events were processed. Ends early while Stripe does not answer."""
    return QUEUE.run(run_one_by_one(_process_event, stop=gateway.breaker.is_open))


def _process_event(row: StripeEvent) -> None:
    payment = sync_intent(row.intent_id, row.type)
    if payment is None or payment.status != SUCCEEDED or not row.type.startswith(BACK):
        return
    told = read_told(row.type, row.event_id, row.payload)
    stripe_refunds.sync_from_stripe(payment, told)


def sync_intent(intent_id: str, event: str) -> Payment | None:
    """Ask Stripe what became of an intent and record it. None if the intent is not ours."""
    try:
        found = gateway.fetch_intent(intent_id)
    except PaymentRefused as refusal:
        stored = payments.get_stored_intent(intent_id) if settings.STRIPE_BELIEVE_EVENTS else None
        if stored is None:
            raise UnknownIntent(intent_id) from refusal
        found = stored  # the stand-in forgets everything when it is started again
    intent = apply_event(found, event)
    payment = Payment.objects.filter(intent_id=intent_id).first() or _find_attempt(intent)
    return payment and record_outcome(payment.pk, intent, f"webhook {event}")


def _find_attempt(intent: Intent) -> Payment | None:
    """The attempt whose answer was lost, or that is paid on Stripe's page: the intent says which
    it belongs to. If the attempt has another intent by now, or has ended, this one is cancelled;
    but the page of one that has ended may have been paid before it was closed."""
    booking, key = intent.metadata.get("booking_id", ""), intent.metadata.get("holdfast_key", "")
    if not key or not booking.isdecimal() or len(booking) > 18:
        return None
    for payment in Payment.objects.filter(booking=int(booking)):
        if payments.get_idempotency_key(payment) == key:
            is_open = payment.status not in FINAL or payment.checkout_id
            if payment.intent_id is None and is_open:
                return payment
            outbox.put([build_cancellation(payment, intent.id)])
    return None


def prune() -> int:
    """Delete events that were processed, long after Stripe would send them again."""
    old = StripeEvent.objects.filter(finished_at__lt=Now() - settings.KEEP_STRIPE_EVENTS)
    return old.filter(state=QUEUE.done).delete()[0]
