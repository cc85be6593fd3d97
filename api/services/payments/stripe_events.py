"""Webhooks of Stripe: kept once by their id, answered at once, worked on through their row.

One rule: a webhook only says where to look. What happened is asked of Stripe again.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from api.models import Payment, StripeEvent
from api.services.messages import outbox
from api.services.messages.outbox import DEATHS, LEASE, ORPHANS_ALONE, WAITS
from api.services.operations import jobs
from api.signals import stripe_event_received

from . import payments, refunds
from . import stripe_gateway as gateway
from .stripe_gateway import FINAL, Intent, PaymentRefused

WATCHED = ("payment_intent.", "charge.", "refund.")
CLAIM = 20


class UnknownIntent(Exception):
    """Neither we nor Stripe know it, at least not yet."""


def store_event(payload: bytes, signature: str) -> bool:
    """Whether it was news to us. Refuses `BadPayload` and `BadSignature`; of five copies that
    arrive at once one is kept."""
    event = gateway.read_event(payload, signature)
    if not event.intent_id or not event.type.startswith(WATCHED):
        return False
    with transaction.atomic():
        row = StripeEvent(
            event_id=event.id, type=event.type, intent_id=event.intent_id, payload=event.facts
        )
        known = StripeEvent.objects.filter(event_id=event.id).exists()
        if not known:
            StripeEvent.objects.bulk_create([row], ignore_conflicts=True)
            stripe_event_received.send(sender=StripeEvent, event=row)
    if settings.STRIPE_BELIEVE_EVENTS:  # whoever signs by hand looks at once what came of it
        process_events()
    return not known


def process_events() -> int:
    """How many events were worked on, until there are none or Stripe is left alone. Safe to run
    twice or at once with itself."""
    done = 0
    while not gateway.circuit.is_open() and (rows := _claim()):
        for row in rows:
            if gateway.circuit.is_open():
                _give_back(row)
            else:
                done += _work_one(row)
        jobs.report_progress(done)
    return done


def _give_back(row: StripeEvent) -> None:
    mine = StripeEvent.objects.filter(pk=row.pk, attempts=row.attempts, state="waiting")
    mine.update(attempts=row.attempts - 1, due_at=Now())


def _claim() -> list[StripeEvent]:
    """Due events, leased to us: another run finds them again only if we die. One whose worker died
    with it (`orphan`) comes alone, as in the outbox."""
    table = StripeEvent._meta.db_table
    return list(
        StripeEvent.objects.raw(
            "WITH seen AS (SELECT id, attempts > 0 AND last_error = '' AS orphan,"  # noqa: S608
            f" row_number() OVER (ORDER BY due_at, id) AS place FROM (SELECT * FROM {table}"
            " WHERE state = 'waiting' AND due_at <= statement_timestamp()"
            " ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED) AS locked),"
            f" due AS ({ORPHANS_ALONE})"
            f" UPDATE {table} e SET attempts = attempts + 1, due_at = statement_timestamp() + %s"
            " FROM due WHERE e.id = due.id RETURNING e.*, due.orphan",
            [CLAIM, LEASE],
        )
    )


def _work_one(row: StripeEvent) -> int:
    mine = StripeEvent.objects.filter(pk=row.pk, attempts=row.attempts, state="waiting")
    if row.orphan and row.attempts > DEATHS:  # type: ignore[attr-defined]
        mine.update(
            state="parked", last_error="Its worker died with it every time.", finished_at=Now()
        )
        return 0
    try:
        payment = sync_intent(row.intent_id, row.type)
        if payment is not None and not row.type.startswith("payment_intent."):
            refunds.sync_from_stripe(payment)
    except Exception as error:  # whatever goes wrong is an outcome of this row
        text = f"{type(error).__name__}: {error}"[:2000]
        if row.attempts > len(WAITS):
            mine.update(state="parked", last_error=text, finished_at=Now())
        else:
            mine.update(last_error=text, due_at=Now() + WAITS[row.attempts - 1])
        return 0
    return mine.update(state="done", last_error="", finished_at=Now())


def sync_intent(intent_id: str, event: str) -> Payment | None:
    """Asks Stripe what became of an intent and settles it: its payment, or None for others'."""
    try:
        found = gateway.fetch_intent(intent_id)
    except PaymentRefused as refusal:
        kept = payments.get_stored_intent(intent_id) if settings.STRIPE_BELIEVE_EVENTS else None
        if kept is None:
            raise UnknownIntent(intent_id) from refusal
        found = kept  # the stand-in keeps nothing when it is started again
    intent = gateway.apply_event(found, event)
    payment = Payment.objects.filter(intent_id=intent_id).first() or _expecting(intent)
    return (
        None if payment is None else payments.record_outcome(payment.pk, intent, f"webhook {event}")
    )


def _expecting(intent: Intent) -> Payment | None:
    """Our attempt whose answer was lost: the intent says which it belongs to. The intent of one
    that has another by now, or has ended, is cancelled."""
    booking, key = intent.metadata.get("booking_id", ""), intent.metadata.get("holdfast_key", "")
    if not key or not booking.isdecimal() or len(booking) > 18:
        return None
    for payment in Payment.objects.filter(booking=int(booking)):
        if payments.get_idempotency_key(payment) == key:
            if payment.intent_id is None and payment.status not in FINAL:
                return payment
            outbox.put([payments.build_cancellation(payment, intent.id)])
    return None


def prune() -> int:
    """Forgets events that were worked on, long after Stripe would send them again."""
    old = StripeEvent.objects.filter(finished_at__lt=Now() - settings.KEEP_STRIPE_EVENTS)
    return old.filter(state="done").delete()[0]
