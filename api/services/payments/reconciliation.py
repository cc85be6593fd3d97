"""Asks Stripe about every payment in doubt, and once a day whether both still tell one story.

One rule: what can be settled is settled; a difference is shown until it is gone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from api.lifecycle import HELD
from api.models import Booking, JobFailure, Payment, StripeEvent
from api.models.bookings import PaymentStatus
from api.services.operations import jobs

from . import payments, refunds, stripe_calls
from . import stripe_gateway as gateway
from .stripe_gateway import (
    FINAL,
    SUCCEEDED,
    Intent,
    PaymentRefused,
    PaymentsAway,
)

log = structlog.get_logger("holdfast.reconciliation")

JOB = "reconcile_payments"
DOUBT = timedelta(minutes=2)  # since it was last asked about
AGAIN = timedelta(days=1)
LOOK_BACK = timedelta(days=90)
BUDGET = 45.0  # seconds of one run
BATCH = 100


def reconcile_due() -> int:
    """Payments asked about in this run: those in doubt, then those not compared for a day."""
    until, asked = time.monotonic() + BUDGET, 0
    for payment in [*_unknown(DOUBT), *_known(AGAIN)]:
        if time.monotonic() > until:
            break
        if gateway.circuit.is_open():
            break  # the next run goes on here
        try:
            _compared(payment, _found(payment))
        except PaymentsAway:
            continue  # of this one; the circuit says when nothing is answered at all
        asked += 1
    return asked


def _found(payment: Payment) -> list[str]:
    """What differs. Whatever goes wrong with one payment is shown as that, and holds up no other;
    only a Stripe that is away says nothing of it."""
    try:
        return list(compare_payment(payment))
    except PaymentsAway:
        raise
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]


def reconcile_all() -> dict[str, list[str]]:
    """Every payment of the last 90 days compared now, and every booking that says it was paid for:
    `payment 7` or `booking 9` -> differences."""
    found: dict[str, list[str]] = {}
    for done, payment in enumerate([*_unknown(), *_known()], 1):
        _compared(payment, found.setdefault(f"payment {payment.pk}", _found(payment)))
        jobs.report_progress(done)
    lost = {f"booking {pk}": ["says it is paid, but no payment of it is known"] for pk in _lost()}
    for row, texts in lost.items():
        record_differences(row, texts)
    differ = {row: texts for row, texts in (found | lost).items() if texts}
    JobFailure.objects.filter(job=JOB).exclude(row__in=differ).delete()
    return differ


def _lost() -> QuerySet[Booking, int]:
    """Bookings whose payment is gone from our rows."""
    payment = Payment.objects.filter(booking=OuterRef("pk"), status=SUCCEEDED)
    young = Booking.objects.filter(created_at__gt=Now() - LOOK_BACK)
    told = young.filter(payment_status=PaymentStatus.SUCCEEDED).exclude(Exists(payment))
    return told.order_by("pk").values_list("pk", flat=True)


def count_payments() -> int:
    """How many payments `reconcile_all` looks at."""
    return _unknown().count() + _known().count()


def _unknown(since: timedelta | None = None) -> QuerySet[Payment]:
    return _due(Payment.objects.exclude(status__in=FINAL), since)


def _known(since: timedelta | None = None) -> QuerySet[Payment]:
    young = Payment.objects.filter(status__in=FINAL, created_at__gt=Now() - LOOK_BACK)
    return _due(young, since)


def _due(rows: QuerySet[Payment], since: timedelta | None) -> QuerySet[Payment]:
    rows = rows.exclude(intent_id=None).select_related("booking")
    rows = rows.order_by(F("checked_at").asc(nulls_first=True), "pk")
    if since is None:
        return rows
    never = Q(checked_at=None, created_at__lt=Now() - min(since, DOUBT))
    return rows.filter(never | Q(checked_at__lt=Now() - since))[:BATCH]


def compare_payment(payment: Payment) -> Iterator[str]:
    """How Stripe differs from us about one payment, after settling what can be settled."""
    try:
        intent = gateway.fetch_intent(payment.intent_id or "")
        known = gateway.list_refunds(intent.id) if intent.status == SUCCEEDED else []
    except PaymentRefused as refusal:
        if not refusal.missing:
            raise
        if payments.end_unknown_attempt(payment) == 0:
            yield f"intent {payment.intent_id} is not known to Stripe"
        return
    if _believed(payment, intent):
        return
    if payment.status not in FINAL or intent.status == SUCCEEDED:
        payment = payments.record_outcome(payment.pk, intent, JOB)
        payment.booking.refresh_from_db()
    if payment.status not in FINAL and payment.booking.status != HELD:
        stripe_calls.cancel_intent(payment.pk, intent.id)
        return
    refunds.record_stripe_refunds(payment, known)
    yield from _differences(payment, intent)
    yield from refunds.list_differences(payment, known)


def _believed(payment: Payment, intent: Intent) -> bool:
    """Whether a signed event told of money that the local stand-in never took."""
    if not settings.STRIPE_BELIEVE_EVENTS or not payment.status == SUCCEEDED != intent.status:
        return False
    return StripeEvent.objects.filter(intent_id=intent.id, type="payment_intent.succeeded").exists()


def _differences(payment: Payment, intent: Intent) -> Iterator[str]:
    if payment.status != intent.status:
        yield f"intent {intent.id} is {intent.status} at Stripe, {payment.status} here"
    there, here = (intent.amount_minor, intent.currency), (payment.amount_minor, payment.currency)
    if there != here:
        yield f"intent {intent.id} is over {there} at Stripe, {here} here"
    told = payment.booking.payment_status
    if payment.status != SUCCEEDED or refunds.get_refundable_amount(payment) == 0:
        return
    if told != PaymentStatus.SUCCEEDED:
        yield f"intent {intent.id} has paid booking {payment.booking_id}, which says {told}"
    costs = (payment.booking.price_minor, payment.booking.currency)
    if costs != here:
        yield f"intent {intent.id} is over {here}, but booking {payment.booking_id} costs {costs}"


def _compared(payment: Payment, found: list[str]) -> None:
    Payment.objects.filter(pk=payment.pk).update(checked_at=Now())
    record_differences(f"payment {payment.pk}", found)


def record_differences(row: str, found: list[str]) -> None:
    """Keeps the differences of a payment or booking among the failures of the job, or clears
    them."""
    if not found:
        JobFailure.objects.filter(job=JOB, row=row).delete()
        return
    log.error("payment_differs", row=row, differences=found)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {JobFailure._meta.db_table} AS f"  # noqa: S608
            " (job, row, error, attempts, first_at, last_at, retry_at) VALUES (%s, %s, %s, 1,"
            " statement_timestamp(), statement_timestamp(), statement_timestamp() + %s)"
            " ON CONFLICT (job, row) DO UPDATE SET error = excluded.error,"
            " attempts = f.attempts + 1, last_at = excluded.last_at, retry_at = excluded.retry_at",
            [JOB, row, "; ".join(found)[:2000], str(AGAIN)],
        )
