"""Asks Stripe about every open payment, and once a day whether our rows still agree with it.

What can be recorded is recorded. A difference stays among the job's failures until it is gone.
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
from api.models.bookings import PAID_STATUSES
from api.services.operations import jobs

from . import checkout, payments, stripe_calls, stripe_refunds
from . import stripe_gateway as gateway
from .balances import get_payment_status, get_refundable_amount
from .outcomes import record_outcome
from .stripe_gateway import FINAL, SUCCEEDED, Intent, PaymentRefused, PaymentsAway

log = structlog.get_logger("holdfast.reconciliation")

JOB = "reconcile_payments"
OPEN_INTERVAL = timedelta(minutes=2)  # between two looks at an open payment
FINAL_INTERVAL = timedelta(days=1)
LOOK_BACK = timedelta(days=90)
RUN_SECONDS = 45.0
BATCH = 100


def reconcile_due() -> int:
    """How many payments were compared in this run: open ones first, then those of a day ago."""
    deadline, compared = time.monotonic() + RUN_SECONDS, 0
    for payment in [*_list_open(OPEN_INTERVAL), *_list_final(FINAL_INTERVAL)]:
        if time.monotonic() > deadline or gateway.breaker.is_open():
            break  # the next run goes on here
        try:
            _record(payment, _find_differences(payment))
        except PaymentsAway:
            continue  # this one; the circuit breaker knows when nothing is answered at all
        compared += 1
    return compared


def _find_differences(payment: Payment) -> list[str]:
    """What differs. Whatever goes wrong with one payment is a difference of it, and holds up no
    other. Raises `PaymentsAway`."""
    try:
        return list(compare_payment(payment))
    except PaymentsAway:
        raise
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]


def reconcile_all() -> dict[str, list[str]]:
    """Compare every payment of the last 90 days now, and look for bookings whose payment is gone:
    `payment 7` or `booking 9` -> differences."""
    found: dict[str, list[str]] = {}
    for done, payment in enumerate([*_list_open(), *_list_final()], 1):
        differences = found[f"payment {payment.pk}"] = _find_differences(payment)
        _record(payment, differences)
        jobs.report_progress(done)
    lost = {
        f"booking {pk}": ["says it is paid, but no payment of it is known"] for pk in _list_unpaid()
    }
    for row, texts in lost.items():
        record_differences(row, texts)
    differ = {row: texts for row, texts in (found | lost).items() if texts}
    JobFailure.objects.filter(job=JOB).exclude(row__in=differ).delete()
    return differ


def _list_unpaid() -> QuerySet[Booking, int]:
    """Ids of bookings that say they are paid and have no payment."""
    payment = Payment.objects.filter(booking=OuterRef("pk"), status=SUCCEEDED)
    recent = Booking.objects.filter(created_at__gt=Now() - LOOK_BACK)
    unpaid = recent.filter(payment_status__in=PAID_STATUSES).exclude(Exists(payment))
    return unpaid.order_by("pk").values_list("pk", flat=True)


def count_payments() -> int:
    """How many payments `reconcile_all` compares."""
    return _list_open().count() + _list_final().count()


def _list_open(since: timedelta | None = None) -> QuerySet[Payment]:
    return _filter_due(Payment.objects.exclude(status__in=FINAL), since)


def _list_final(since: timedelta | None = None) -> QuerySet[Payment]:
    recent = Payment.objects.filter(status__in=FINAL, created_at__gt=Now() - LOOK_BACK)
    return _filter_due(recent, since)


def _filter_due(rows: QuerySet[Payment], since: timedelta | None) -> QuerySet[Payment]:
    rows = rows.exclude(intent_id=None, checkout_id="").select_related("booking")
    rows = rows.order_by(F("checked_at").asc(nulls_first=True), "pk")
    if since is None:
        return rows
    never = Q(checked_at=None, created_at__lt=Now() - min(since, OPEN_INTERVAL))
    return rows.filter(never | Q(checked_at__lt=Now() - since))[:BATCH]


def compare_payment(payment: Payment) -> Iterator[str]:
    """How Stripe differs from us about one payment, after recording what can be recorded."""
    if payment.intent_id is None:  # on Stripe's own page; once somebody pays there it has one
        checkout.sync_checkout(payment)
        return
    try:
        intent = gateway.fetch_intent(payment.intent_id)
        known = gateway.list_refunds(intent.id) if intent.status == SUCCEEDED else []
        disputed = gateway.list_disputes(intent.id) if intent.status == SUCCEEDED else []
    except PaymentRefused as refusal:
        if not refusal.missing:
            raise
        if payments.end_unknown_attempt(payment) == 0:
            yield f"intent {payment.intent_id} is not known to Stripe"
        return
    if _is_hand_signed(payment, intent):
        return
    if payment.status not in FINAL or intent.status == SUCCEEDED:
        payment = record_outcome(payment.pk, intent, JOB)
        payment.booking.refresh_from_db()
    if payment.status not in FINAL and payment.booking.status != HELD:
        stripe_calls.cancel_intent(payment.pk, intent.id)
        return
    if payment.status == SUCCEEDED:
        stripe_refunds.record_stripe_refunds(payment.pk, known)
        stripe_refunds.record_stripe_disputes(payment.pk, disputed)
        payment.booking.refresh_from_db()
    yield from _compare_intent(payment, intent)
    yield from stripe_refunds.list_differences(payment, known)


def _is_hand_signed(payment: Payment, intent: Intent) -> bool:
    """Whether an event signed by hand told of money that the local stand-in never took."""
    if not settings.STRIPE_BELIEVE_EVENTS or not payment.status == SUCCEEDED != intent.status:
        return False
    return StripeEvent.objects.filter(intent_id=intent.id, type="payment_intent.succeeded").exists()


def _compare_intent(payment: Payment, intent: Intent) -> Iterator[str]:
    if payment.status != intent.status:
        yield f"intent {intent.id} is {intent.status} at Stripe, {payment.status} here"
    there, here = (intent.amount_minor, intent.currency), (payment.amount_minor, payment.currency)
    if there != here:
        yield f"intent {intent.id} is over {there} at Stripe, {here} here"
    status = payment.booking.payment_status
    if payment.status != SUCCEEDED:
        return
    expected = get_payment_status(payment.booking_id)
    if get_refundable_amount(payment) == 0:
        if status in PAID_STATUSES and status != expected:
            yield f"booking {payment.booking_id} says {status}, but all of it went back"
        return
    if status != expected:
        yield f"intent {intent.id} has paid booking {payment.booking_id}, which says {status}"
    costs = (payment.booking.price_minor, payment.booking.currency)
    if costs != here:
        yield f"intent {intent.id} is over {here}, but booking {payment.booking_id} costs {costs}"


def _record(payment: Payment, found: list[str]) -> None:
    Payment.objects.filter(pk=payment.pk).update(checked_at=Now())
    record_differences(f"payment {payment.pk}", found)


def record_differences(row: str, found: list[str]) -> None:
    """Write the differences of a payment or booking to the failures of the job, or clear them."""
    if not found:
        JobFailure.objects.filter(job=JOB, row=row).delete()
        return
    log.error("payment_differs", row=row, differences=found)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {JobFailure._meta.db_table} AS f"
            " (job, row, error, attempts, first_at, last_at, retry_at) VALUES (%s, %s, %s, 1,"
            " statement_timestamp(), statement_timestamp(), statement_timestamp() + %s)"
            " ON CONFLICT (job, row) DO UPDATE SET error = excluded.error,"
            " attempts = f.attempts + 1, last_at = excluded.last_at, retry_at = excluded.retry_at",
            [JOB, row, "; ".join(found)[:2000], str(FINAL_INTERVAL)],
        )
