"""Paying for what is held: an attempt is a row first, then an intent at Stripe, then its outcome.

One rule: Stripe is asked outside any transaction, and what it said is written by `record_outcome` alone,
under the locks of resource, booking and payment in this order. So every effect happens once,
whoever brings the news (the customer, a webhook, the outbox, the reconciliation) and however often.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from threading import BoundedSemaphore

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from api import errors
from api.lifecycle import BOOKING, HELD, PENDING, Status
from api.models import Booking, Delivery, Payment, Resource
from api.models.bookings import PaymentStatus
from api.models.outbox import Kind
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking, pay_booking, pay_booking_late
from api.services.bookings.transitions import apply_due_transitions
from api.services.conflicts import retry_on_conflict
from api.services.messages import notifications, outbox
from api.services.messages.outbox import Effect

from . import refunds
from . import stripe_gateway as gateway
from .stripe_gateway import (
    CANCELED,
    FINAL,
    SUCCEEDED,
    Intent,
    PaymentRefused,
)

log = structlog.get_logger("holdfast.payments")

OPEN_STATUSES = (PaymentStatus.PENDING, PaymentStatus.PROCESSING)
UNPAID_STATUSES = (*OPEN_STATUSES, PaymentStatus.FAILED)


_counter = BoundedSemaphore(settings.PAYING_AT_ONCE)
COUNTER_TIMEOUT = 1.5  # seconds
PROVIDER_BROKEN = "Stripe is out of order"  # the last word to an attempt without an intent
CUSTOMER = "customer"  # who asks to pay again after a declined card has not failed again


# beginning


def start_payment(pk: int, expected_minor: Decimal | int | None = None) -> Payment:
    """The attempt at paying a held booking, with an intent of exactly its price: the same one for
    as long as it lives. Refuses `AlreadyPaid`, `NothingToPay`, `NotAllowedNow`, `HoldOver`,
    `WrongAmount`, and what the gateway refuses. Never call it inside a transaction."""
    with _at_the_counter():
        return _begin(pk, expected_minor)


@contextmanager
def _at_the_counter() -> Iterator[None]:
    """Customers queue here for a moment while Stripe is slow, so that whoever does not pay finds a
    thread; refuses `PaymentsAway`."""
    if not _counter.acquire(timeout=COUNTER_TIMEOUT):
        raise gateway.PaymentsAway
    try:
        yield
    finally:
        _counter.release()


def _begin(pk: int, expected_minor: Decimal | int | None) -> Payment:
    for _ in (1, 2, 3):
        payment = _attempt(pk, expected_minor)
        if payment.intent_id is None:
            return _adopt(payment, _ordered(payment))
        try:
            intent = gateway.fetch_intent(payment.intent_id)
        except PaymentRefused as refusal:
            if not refusal.missing:
                raise
            end_unknown_attempt(payment)
            continue
        payment = record_outcome(payment.pk, intent, CUSTOMER)
        if payment.status not in FINAL:
            return payment
    raise errors.Busy


def _ordered(payment: Payment) -> Intent:
    """The intent of an attempt. Stripe repeats its answer to a key, also an error of its own: after
    the second the attempt ends, and the next has a key of its own."""
    try:
        return gateway.create_intent(*_order(payment))
    except gateway.PaymentsAway as refusal:
        if refusal.broken and payment.last_error == PROVIDER_BROKEN:
            end_unknown_attempt(payment)
        elif refusal.broken:
            Payment.objects.filter(pk=payment.pk, intent_id=None).update(last_error=PROVIDER_BROKEN)
        raise


def end_unknown_attempt(payment: Payment) -> int:
    """Ends an attempt whose intent Stripe does not know (any more); 0 if it had ended before."""
    alive = Payment.objects.filter(pk=payment.pk).exclude(status__in=FINAL)
    return alive.update(status=CANCELED, last_error="unknown to Stripe", updated_at=Now())


@retry_on_conflict
def _attempt(pk: int, expected_minor: Decimal | int | None) -> Payment:
    """The newest attempt if it is alive and of the right amount, else the next one."""
    with transaction.atomic():
        booking = _payable(pk, expected_minor)
        last = booking.payments.order_by("-attempt").first()
        if booking.payment_status != PaymentStatus.PROCESSING:
            _mark(booking, PaymentStatus.PROCESSING)
        if last is not None and last.status not in FINAL and _fits(last, booking):
            return last
        return Payment.objects.create(
            booking=booking,
            attempt=last.attempt + 1 if last else 1,
            amount_minor=booking.price_minor,
            currency=booking.currency,
        )


def _payable(pk: int, expected_minor: Decimal | int | None = None) -> Booking:
    """The booking, locked; refuses if it cannot be paid now."""
    rows = Booking.objects.select_for_update(of=("self",), no_key=True).annotate(now=Now())  # type: ignore[no-redef]
    booking = rows.filter(pk=pk).first()
    if booking is None:
        raise errors.NotFound("There is no such booking.")
    if booking.payment_status == PaymentStatus.SUCCEEDED:
        raise errors.AlreadyPaid
    if not booking.price_minor:
        raise errors.NothingToPay
    if booking.status != HELD:
        raise errors.NotAllowedNow(current=booking.status)
    if booking.hold_expires_at is None or booking.hold_expires_at <= booking.now:
        raise errors.HoldOver(current=Status.EXPIRED)
    if expected_minor is not None and expected_minor != booking.price_minor:
        raise errors.WrongAmount(amount_minor=booking.price_minor, currency=booking.currency)
    return booking


def _fits(payment: Payment, booking: Booking) -> bool:
    return (payment.amount_minor, payment.currency) == (booking.price_minor, booking.currency)


def _mark(booking: Booking, status: str) -> None:
    booking.payment_status = status
    Booking.objects.filter(pk=booking.pk).update(payment_status=status, updated_at=Now())


def get_stored_intent(intent_id: str) -> Intent | None:
    """An intent as we know it, without asking."""
    payment = Payment.objects.filter(intent_id=intent_id).first()
    if payment is None:
        return None
    return Intent(
        id=intent_id,
        status=payment.status,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        client_secret=payment.client_secret,
    )


def get_idempotency_key(payment: Payment) -> str:
    """Stripe's idempotency key: the same for every try of this attempt, in this database alone."""
    born = int(payment.created_at.timestamp() * 1_000_000)
    return f"holdfast-{payment.booking_id}-{payment.attempt}-{born}"


def _order(payment: Payment) -> tuple[int, str, str, dict[str, str], str]:
    booking = payment.booking
    metadata = {
        "booking_id": str(booking.pk),
        "user_id": str(booking.owner_id),
        "room_name": booking.resource.name[:500],
        "holdfast_key": get_idempotency_key(payment),
    }
    what = f"{booking.resource.name}, {booking.starts_at:%Y-%m-%d %H:%M}"
    return payment.amount_minor, payment.currency, get_idempotency_key(payment), metadata, what


def _adopt(payment: Payment, intent: Intent) -> Payment:
    """Writes the intent to its attempt, if the booking is still to be had and nobody was quicker;
    an intent that is not handed out to the customer is cancelled."""
    try:
        with transaction.atomic():
            _payable(payment.booking_id)
            mine = Payment.objects.filter(pk=payment.pk, intent_id=None).exclude(status__in=FINAL)
            mine.update(
                intent_id=intent.id,
                client_secret=intent.client_secret,
                status=intent.status,
                last_error="",
                updated_at=Now(),
            )
            payment.refresh_from_db()
            if payment.intent_id != intent.id:
                outbox.put([build_cancellation(payment, intent.id)])
    except errors.Refusal:
        outbox.put([build_cancellation(payment, intent.id)])
        raise
    if payment.intent_id is None:
        raise errors.Busy
    return payment


def build_cancellation(payment: Payment, intent_id: str) -> Effect:
    """The call that cancels an intent, once."""
    return Effect(
        key=f"cancel_intent:{intent_id}",
        name="cancel_intent",
        kind=Kind.CANCEL_INTENT,
        booking_id=payment.booking_id,
        payload={"payment": payment.pk, "intent": intent_id},
    )


# the outcome


@retry_on_conflict
def record_outcome(pk: int, intent: Intent, source: str) -> Payment:
    """The payment after what Stripe says of its intent, with all that follows from it. What was
    said before changes nothing; old news after a final word changes nothing either."""
    with transaction.atomic():
        payment = _locked(pk)
        before = payment.status
        closed = before == SUCCEEDED or (before == CANCELED and intent.status != SUCCEEDED)
        _write(payment, payment.status if closed else intent.status, intent)
        if closed:
            return payment
        if intent.status == SUCCEEDED:
            _won(payment, intent, source)
        elif intent.status == CANCELED:
            _lost(payment, source)
        elif intent.status == "requires_payment_method" and intent.error and source != CUSTOMER:
            _declined(payment)
    return payment


def _locked(pk: int) -> Payment:
    """The payment with its booking, both locked after their resource: the order of every writer
    that may move a booking in time."""
    for model, its in ((Resource, {"bookings__payments": pk}), (Booking, {"payments": pk})):
        list(model.objects.select_for_update(of=("self",), no_key=True).filter(**its).values("pk"))
    rows = Payment.objects.select_related("booking__venue", "booking__resource", "booking__owner")
    return rows.select_for_update(of=("self",), no_key=True).get(pk=pk)


def _write(payment: Payment, status: str, intent: Intent) -> None:
    if payment.intent_id is None:  # what was said of trying to begin is over
        payment.intent_id, payment.last_error = intent.id, ""
    payment.status = status
    payment.client_secret = payment.client_secret or intent.client_secret
    payment.method = intent.method or payment.method
    payment.last_error = intent.error or payment.last_error
    payment.checked_at = payment.updated_at = Now()
    payment.save(
        update_fields=[
            "status",
            "intent_id",
            "client_secret",
            "method",
            "last_error",
            "checked_at",
            "updated_at",
        ]
    )


def _won(payment: Payment, intent: Intent, source: str) -> None:
    """The customer has paid: they get the slot, or every cent back."""
    booking = payment.booking
    received = (intent.amount_minor, intent.currency) == (payment.amount_minor, payment.currency)
    if not received or not _fits(payment, booking):
        _back(payment, "price", "the price had changed")
    elif _paid_by_another(payment):
        _back(payment, "twice", "it was already paid")
    elif booking.payment_status == PaymentStatus.SUCCEEDED:
        log.warning("paid_again_by_the_same", payment=payment.pk)
    elif not _take(booking, Actor.payment(source)):
        _back(payment, "late", "the slot was no longer free")


def _paid_by_another(payment: Payment) -> bool:
    others = Payment.objects.filter(booking=payment.booking_id, status=SUCCEEDED)
    return any(refunds.get_refundable_amount(other) > 0 for other in others.exclude(pk=payment.pk))


def _take(booking: Booking, actor: Actor) -> bool:
    """Whether the booking is now paid for and theirs."""
    if booking.status == HELD:
        pay_booking(booking.pk, actor)
        return True
    if booking.status == PENDING and booking.payment_status in UNPAID_STATUSES:
        _mark(booking, PaymentStatus.SUCCEEDED)
        return True
    if booking.status != Status.EXPIRED or booking.payment_status == PaymentStatus.REFUNDED:
        return False  # only an end that the clock made is taken back by a payment
    try:
        pay_booking_late(booking.pk, actor)
    except errors.Busy:
        raise
    except errors.Refusal as refusal:
        log.info("paid_too_late", booking=booking.pk, because=refusal.code)
        return False
    return True


def _back(payment: Payment, why: str, reason: str) -> None:
    refunds.create_refund(payment, payment.amount_minor, f"{why}:{payment.intent_id}", reason)


def _lost(payment: Payment, source: str) -> None:
    """The intent is dead. If it was not we who cancelled it, its hold ends with it."""
    booking = payment.booking
    ours = Delivery.objects.filter(key=f"cancel_intent:{payment.intent_id}").exists()
    if ours or not _fits(payment, booking) or not _is_newest(payment):
        return
    if booking.status == HELD and not apply_due_transitions(BOOKING, "id = %s", [booking.pk]):
        cancel_booking(booking.pk, Actor.payment(source), "the payment was cancelled")


def _declined(payment: Payment) -> None:
    booking = payment.booking
    if booking.status == HELD and booking.payment_status in UNPAID_STATUSES and _is_newest(payment):
        _mark(booking, PaymentStatus.FAILED)
        key = f"payment_failed:{payment.pk}"
        notifications.notify_once(booking, "payment_failed", key, reason=payment.last_error)


def _is_newest(payment: Payment) -> bool:
    return not Payment.objects.filter(
        booking=payment.booking_id, attempt__gt=payment.attempt
    ).exists()


# what follows from a booking's moves


def cancel_unwanted_intents(rows: Iterable[Booking]) -> None:
    """Bookings ended, or their price changed: intents that nobody shall pay any more are
    cancelled. A constant number of statements for any batch; writes rows alone."""
    rows = list(rows)
    ended = [
        r.pk for r in rows if r.status not in BOOKING.blocking and r.payment_status in OPEN_STATUSES
    ]
    if ended:
        Booking.objects.filter(pk__any_of=ended).update(payment_status=PaymentStatus.FAILED)
    begun = Payment.objects.filter(booking__any_of={row.pk for row in rows})
    alive = begun.exclude(status__in=FINAL)
    unwanted = alive.exclude(
        booking__status=HELD,
        amount_minor=F("booking__price_minor"),
        currency=F("booking__currency"),
    ).order_by("pk")
    if not (found := list(unwanted)):
        return
    # an attempt without an intent has been shown to nobody: it ends here
    unwanted.filter(intent_id=None).update(status=CANCELED, updated_at=Now())
    if any(payment.intent_id is None for payment in found):  # one may have got its intent since
        found = list(unwanted.exclude(intent_id=None))
    outbox.put([build_cancellation(payment, payment.intent_id or "") for payment in found])


def find_own_hold(
    refusal: errors.SlotTaken, owner_id: int, starts_at: datetime, ends_at: datetime
) -> Booking | None:
    """The hold in the way, if it is one's own for exactly this time and its payment was begun and
    left: it is taken up again where it was, still to be paid."""
    for booking in refusal.conflicts:
        mine = booking.owner_id == owner_id and booking.status == HELD
        same = (booking.starts_at, booking.ends_at) == (starts_at, ends_at)
        if mine and same and booking.payment_status in UNPAID_STATUSES[1:]:
            return booking  # type: ignore[no-any-return]
    return None
