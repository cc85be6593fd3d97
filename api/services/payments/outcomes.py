"""Writes down what became of an intent, with all that follows from it.

Stripe is asked outside any transaction, and what it answers is written by `record_outcome` alone,
under the locks of resources, booking and payment in this order. So every effect happens once,
whoever brings the news (the customer, a webhook, the outbox, the reconciliation) and however often.
"""

from __future__ import annotations

import structlog
from django.db import transaction
from django.db.models.functions import Now

from api import errors
from api.lifecycle import BOOKING, HELD, PENDING, Status
from api.models import Booking, Delivery, Payment
from api.models.bookings import PAID_STATUSES, PaymentStatus
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking, pay_booking, pay_booking_late
from api.services.bookings.parts import list_booked_ids
from api.services.bookings.slots import lock_resources
from api.services.bookings.transitions import apply_due_transitions
from api.services.conflicts import retry_on_conflict
from api.services.messages import notifications

from . import refunds
from .balances import get_refundable_amount
from .stripe_gateway import CANCELED, SUCCEEDED, Intent

log = structlog.get_logger("holdfast.payments")

OPEN_STATUSES = (PaymentStatus.PENDING, PaymentStatus.PROCESSING)
UNPAID_STATUSES = (*OPEN_STATUSES, PaymentStatus.FAILED)
CUSTOMER = "customer"  # who asks to pay again after a declined card has not failed again


@retry_on_conflict
def record_outcome(pk: int, intent: Intent, source: str) -> Payment:
    """Return the payment after what Stripe says of its intent.

    News that was recorded before changes nothing, nor does old news after a final status.
    """
    with transaction.atomic():
        payment = _lock_payment(pk)
        before = payment.status
        is_final = before == SUCCEEDED or (before == CANCELED and intent.status != SUCCEEDED)
        _save(payment, payment.status if is_final else intent.status, intent)
        if is_final:
            return payment
        if intent.status == SUCCEEDED:
            _on_succeeded(payment, intent, source)
        elif intent.status == CANCELED:
            _on_canceled(payment, source)
        elif intent.status == "requires_payment_method" and intent.error and source != CUSTOMER:
            _on_declined(payment)
    return payment


def _lock_payment(pk: int) -> Payment:
    """The payment with its booking, both locked after all of its resources: the order of every
    writer that may move a booking in time."""
    booking = Booking.objects.filter(payments=pk)
    lock_resources(list_booked_ids(booking))
    list(booking.select_for_update(of=("self",), no_key=True).values("pk"))
    rows = Payment.objects.select_related("booking__venue", "booking__resource", "booking__owner")
    return rows.select_for_update(of=("self",), no_key=True).get(pk=pk)


def _save(payment: Payment, status: str, intent: Intent) -> None:
    if payment.intent_id is None:  # errors of trying to start are over
        payment.intent_id, payment.last_error = intent.id, ""
    payment.status = status
    payment.client_secret = payment.client_secret or intent.client_secret
    payment.method = intent.method or payment.method
    payment.last_error = intent.error or payment.last_error
    payment.checked_at = payment.updated_at = Now()
    columns = ["status", "intent_id", "client_secret", "method", "last_error"]
    payment.save(update_fields=[*columns, "checked_at", "updated_at"])


def set_payment_status(booking: Booking, status: str) -> None:
    booking.payment_status = status
    Booking.objects.filter(pk=booking.pk).update(payment_status=status, updated_at=Now())


def _on_succeeded(payment: Payment, intent: Intent, source: str) -> None:
    """The customer has paid: they get the slot, or all of the money back."""
    booking = payment.booking
    received = (intent.amount_minor, intent.currency) == (payment.amount_minor, payment.currency)
    if not received or not payment.matches_price:
        _refund_all(payment, "price", "the price had changed")
    elif _is_paid_by_another(payment):
        _refund_all(payment, "twice", "it was already paid")
    elif booking.payment_status in PAID_STATUSES:
        log.warning("paid_again_by_the_same", payment=payment.pk)
    elif not _confirm_booking(booking, Actor.payment(source)):
        _refund_all(payment, "late", "the slot was no longer free")


def _is_paid_by_another(payment: Payment) -> bool:
    others = Payment.objects.filter(booking=payment.booking_id, status=SUCCEEDED)
    return any(get_refundable_amount(other) > 0 for other in others.exclude(pk=payment.pk))


def _confirm_booking(booking: Booking, actor: Actor) -> bool:
    """Whether the booking is paid for now and has its slot."""
    if booking.status == HELD:
        pay_booking(booking.pk, actor)
        return True
    if booking.status == PENDING and booking.payment_status in UNPAID_STATUSES:
        set_payment_status(booking, PaymentStatus.SUCCEEDED)
        return True
    if booking.status != Status.EXPIRED or booking.payment_status == PaymentStatus.REFUNDED:
        return False  # a late payment only revives what ended by the clock
    try:
        pay_booking_late(booking.pk, actor)
    except errors.Busy:
        raise
    except errors.Refusal as refusal:
        log.info("paid_too_late", booking=booking.pk, because=refusal.code)
        return False
    return True


def _refund_all(payment: Payment, why: str, reason: str) -> None:
    refunds.create_refund(payment, payment.amount_minor, f"{why}:{payment.intent_id}", reason)


def _on_canceled(payment: Payment, source: str) -> None:
    """The hold ends with its intent, unless it was us who cancelled the intent."""
    booking = payment.booking
    keys = f"cancel_intent:{payment.intent_id}", f"close_checkout:{payment.checkout_id}"
    ours = Delivery.objects.filter(key__in=keys).exists()
    if ours or not payment.matches_price or not _is_newest(payment):
        return
    if booking.status == HELD and not apply_due_transitions(BOOKING, "id = %s", [booking.pk]):
        cancel_booking(booking.pk, Actor.payment(source), "the payment was cancelled")


def _on_declined(payment: Payment) -> None:
    booking = payment.booking
    unpaid = booking.status == HELD and booking.payment_status in UNPAID_STATUSES
    if unpaid and _is_newest(payment):
        set_payment_status(booking, PaymentStatus.FAILED)
        key = f"payment_failed:{payment.pk}"
        notifications.notify_once(booking, "payment_failed", key, reason=payment.last_error)


def _is_newest(payment: Payment) -> bool:
    newer = Payment.objects.filter(booking=payment.booking_id, attempt__gt=payment.attempt)
    return not newer.exists()
