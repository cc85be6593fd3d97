"""Checks of our own rows about money that must hold at any moment. The reconciliation compares
them with Stripe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Concat

from api import terms
from api.lifecycle import BOOKING, CHECKED_IN, CONFIRMED, HELD, Status
from api.models import Booking, Delivery, Payment, Refund
from api.models.bookings import PAID_STATUSES, PaymentStatus
from api.models.outbox import State
from api.queries.bookings import bookings

from .balances import FAILED_STATUSES, list_balances
from .stripe_gateway import FINAL, SUCCEEDED


def list_problems() -> list[str]:
    """Every broken rule about money, as a sentence; empty when all is well."""
    return [
        *_find_unpaid_confirmed(),
        *_mislabelled(),
        *_find_paid_twice(),
        *_find_refunded_too_much(),
        *_find_underrefunded(),
        *_find_still_payable(),
        *_find_refunds_without_call(),
    ]


def _find_unpaid_confirmed() -> Iterator[str]:
    """Nobody keeps a slot they did not pay for."""
    paid = Payment.objects.filter(
        booking=OuterRef("pk"), status=SUCCEEDED, amount_minor=OuterRef("price_minor")
    )
    free = Booking.objects.filter(price_minor__gt=0, status__in=(CONFIRMED, CHECKED_IN))
    for pk in free.exclude(Exists(paid)).values_list("pk", flat=True):
        yield f"booking {pk} is confirmed and has a price, but no payment of it succeeded"


def _mislabelled() -> Iterator[str]:
    """A booking says how much of its payment was kept; one that was given back all of it may wait
    for another payment."""
    balances = list_balances().exclude(booking__status=HELD)
    found = [
        (balances.filter(retained=F("amount_minor")), (PaymentStatus.SUCCEEDED,)),
        (
            balances.filter(retained__gt=0, retained__lt=F("amount_minor")),
            (PaymentStatus.PARTLY_REFUNDED,),
        ),
        (
            balances.filter(retained__lte=0).exclude(Exists(_others_kept())),
            set(PaymentStatus) - set(PAID_STATUSES),
        ),
    ]
    for payments, right in found:
        wrong = payments.exclude(booking__payment_status__in=right)
        for pk, status in wrong.values_list("booking", "booking__payment_status"):
            yield f"booking {pk} says {status}, which is not what was kept of its payment"


def _others_kept() -> Any:
    return list_balances(booking=OuterRef("booking")).filter(retained__gt=0)


def _find_paid_twice() -> Iterator[str]:
    """One booking keeps the money of one payment."""
    kept: dict[int, int] = {}
    for booking in list_balances().filter(retained__gt=0).values_list("booking", flat=True):
        kept[booking] = kept.get(booking, 0) + 1
    for booking, count in kept.items():
        if count > 1:
            yield f"booking {booking} keeps the money of {count} payments"


def _find_refunded_too_much() -> Iterator[str]:
    """What a bank took back after a refund is not ours to prevent."""
    for payment in list_balances().filter(refunded__gt=F("amount_minor")):
        more = payment.refunded - payment.amount_minor
        yield f"payment {payment.pk} gave back {more} more than was paid"


def _find_underrefunded() -> Iterator[str]:
    """Nobody pays for a slot they do not get; who cancels gets what the policy says."""
    ended = (Status.EXPIRED, Status.REJECTED, Status.CANCELLED)
    rows = list_balances().filter(retained__gt=0, booking__status__in=ended)
    for payment in rows.select_related("booking__venue"):
        booking = payment.booking
        due = payment.amount_minor
        if booking.status == Status.CANCELLED:
            event = bookings.list_history(booking).filter(verb__in=("cancel", "end_series")).first()
            at = event.at if event else booking.updated_at
            due = terms.calculate_refund(booking.venue, payment.amount_minor, booking.starts_at, at)
        if payment.amount_minor - payment.retained < due:
            kept = payment.retained
            yield f"booking {booking.pk} is {booking.status}, but keeps {kept} of {due} due"


def _find_still_payable() -> Iterator[str]:
    """An ended booking's intent is on its way to be cancelled, its page to be closed."""
    call = Delivery.objects.filter(
        Q(key=Concat(Value("cancel_intent:"), OuterRef("intent_id")))
        | Q(key=Concat(Value("close_checkout:"), OuterRef("checkout_id")))
    )
    alive = Payment.objects.exclude(status__in=FINAL).exclude(booking__status=HELD)
    alive = alive.exclude(booking__status__in=BOOKING.blocking)
    for pk in alive.exclude(Exists(call)).values_list("pk", flat=True):
        yield f"payment {pk} can still be paid, though its booking has ended"


def _find_refunds_without_call() -> Iterator[str]:
    """A refund that was decided is paid, or waits in the outbox, or stands there parked."""
    call = Delivery.objects.filter(key=OuterRef("key"))
    sent = call.filter(state=State.SENT)
    unanswered = Refund.objects.filter(stripe_id="").exclude(status__in=FAILED_STATUSES)
    for pk in unanswered.exclude(Exists(call)).values_list("pk", flat=True):
        yield f"refund {pk} was decided, but nothing in the outbox pays it"
    for pk in unanswered.filter(Exists(sent)).values_list("pk", flat=True):
        yield f"refund {pk} was sent, but Stripe's answer is not written down"
