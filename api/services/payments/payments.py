"""Starts payments of held bookings: an attempt is a row first, then an intent at Stripe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from threading import BoundedSemaphore

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from api import errors
from api.lifecycle import HELD, Status
from api.models import Booking, Payment
from api.models.bookings import PAID_STATUSES, PaymentStatus
from api.queries.clock import annotate_now
from api.services.conflicts import retry_on_conflict
from api.services.messages import outbox

from . import stripe_gateway as gateway
from .cancellations import build_cancellation, build_closing
from .outcomes import CUSTOMER, UNPAID_STATUSES, record_outcome, set_payment_status
from .stripe_gateway import CANCELED, FINAL, Intent, PaymentRefused

PROVIDER_BROKEN = "Stripe is out of order"  # the last error of an attempt without an intent

_slots = BoundedSemaphore(settings.PAYING_AT_ONCE)
SLOT_TIMEOUT = 1.5  # seconds


def start_payment(pk: int, expected_minor: Decimal | int | None = None) -> Payment:
    """Return the payment attempt of a held booking, with an intent of exactly its price.

    Asking again returns the same attempt for as long as its intent lives. Raises `AlreadyPaid`,
    `NothingToPay`, `NotAllowedNow`, `HoldOver`, `WrongAmount`, and what the gateway raises. Must
    not be called inside a transaction.
    """
    with limit_concurrency():
        for _ in (1, 2, 3):
            payment = get_or_create_attempt(pk, expected_minor)
            if payment.checkout_id:
                leave_checkout(payment)
                continue
            if payment.intent_id is None:
                return _save_intent(payment, _create_intent(payment))
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


@contextmanager
def limit_concurrency() -> Iterator[None]:
    """Wait briefly for one of the slots for paying, so that a slow Stripe leaves threads to
    everybody else. Raises `PaymentsAway`."""
    if not _slots.acquire(timeout=SLOT_TIMEOUT):
        raise gateway.PaymentsAway
    try:
        yield
    finally:
        _slots.release()


@retry_on_conflict
def get_or_create_attempt(pk: int, expected_minor: Decimal | int | None) -> Payment:
    """The newest attempt if it is open and of the right amount, else a new one."""
    with transaction.atomic():
        booking = lock_payable(pk, expected_minor)
        last = booking.payments.order_by("-attempt").first()
        if booking.payment_status != PaymentStatus.PROCESSING:
            set_payment_status(booking, PaymentStatus.PROCESSING)
        if last is not None and last.status not in FINAL and last.matches_price:
            return last
        return Payment.objects.create(
            booking=booking,
            attempt=last.attempt + 1 if last else 1,
            amount_minor=booking.price_minor,
            currency=booking.currency,
        )


def lock_payable(pk: int, expected_minor: Decimal | int | None = None) -> Booking:
    """The booking, locked. Raises a refusal if it cannot be paid now."""
    rows = annotate_now(Booking.objects.select_for_update(of=("self",), no_key=True))
    booking = rows.filter(pk=pk).first()
    if booking is None:
        raise errors.NotFound("There is no such booking.")
    if booking.payment_status in PAID_STATUSES:
        raise errors.AlreadyPaid
    if not booking.price_minor:
        raise errors.NothingToPay
    if booking.status != HELD:
        raise errors.NotAllowedNow(current=booking.status)
    if booking.awaits_guest:
        raise errors.NotAllowedNow("Confirm it first.", current=booking.status)
    if booking.hold_expires_at is None or booking.hold_expires_at <= booking.now:
        raise errors.HoldOver(current=Status.EXPIRED)
    if expected_minor is not None and expected_minor != booking.price_minor:
        raise errors.WrongAmount(amount_minor=booking.price_minor, currency=booking.currency)
    return booking


def _create_intent(payment: Payment) -> Intent:
    """Ask Stripe for the intent of an attempt. Stripe repeats its answer to an idempotency key,
    also an error of its own: after the second the attempt ends, and the next has another key."""
    key = get_idempotency_key(payment)
    about = payment.amount_minor, payment.currency, key, *describe_payment(payment)
    try:
        return gateway.create_intent(*about)
    except gateway.PaymentsAway as refusal:
        if refusal.broken and payment.last_error == PROVIDER_BROKEN:
            end_unknown_attempt(payment)
        elif refusal.broken:
            without = Payment.objects.filter(pk=payment.pk, intent_id=None)
            without.update(last_error=PROVIDER_BROKEN)
        raise


def describe_payment(payment: Payment) -> tuple[dict[str, str], str]:
    """What Stripe keeps with an intent: whose it is for our programs, and for people."""
    booking = payment.booking
    metadata = {
        "booking_id": str(booking.pk),
        "user_id": str(booking.owner_id or "guest"),
        "room_name": booking.resource.name[:500],
        "holdfast_key": get_idempotency_key(payment),
    }
    return metadata, f"{booking.resource.name}, {booking.starts_at:%Y-%m-%d %H:%M}"


def get_idempotency_key(payment: Payment) -> str:
    """Stripe's idempotency key: the same for every try of this attempt, in this database alone."""
    created = int(payment.created_at.timestamp() * 1_000_000)
    return f"holdfast-{payment.booking_id}-{payment.attempt}-{created}"


def _save_intent(payment: Payment, intent: Intent) -> Payment:
    """Write the intent to its attempt, if the booking can still be paid and no other intent came
    first. An intent that no customer gets to see is cancelled."""
    try:
        with transaction.atomic():
            lock_payable(payment.booking_id)
            empty = Payment.objects.filter(pk=payment.pk, intent_id=None).exclude(status__in=FINAL)
            empty.update(
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


@transaction.atomic
def leave_checkout(payment: Payment) -> None:
    """End an attempt on Stripe's own page; the outbox closes the page. What is paid there first is
    recorded as a late payment."""
    outbox.put([build_closing(payment, payment.checkout_id)])
    end_unknown_attempt(payment)


def end_unknown_attempt(payment: Payment) -> int:
    """End an attempt whose intent Stripe does not know (any more); 0 if it had ended before."""
    open_ = Payment.objects.filter(pk=payment.pk).exclude(status__in=FINAL)
    return open_.update(status=CANCELED, last_error="unknown to Stripe", updated_at=Now())


def get_stored_intent(intent_id: str) -> Intent | None:
    """An intent as our row has it, without asking Stripe."""
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


def find_own_hold(
    refusal: errors.SlotTaken, owner_id: int, starts_at: datetime, ends_at: datetime
) -> Booking | None:
    """The hold in the way, if it is the caller's own for exactly this time and its payment was
    started and left: the caller goes on paying it."""
    for booking in refusal.conflicts:
        if not isinstance(booking, Booking):
            continue
        own = booking.owner_id == owner_id and booking.status == HELD
        same = (booking.starts_at, booking.ends_at) == (starts_at, ends_at)
        if own and same and booking.payment_status in UNPAID_STATUSES[1:]:
            return booking
    return None
