"""Refunds: a row is written under the payment's lock, and the outbox has Stripe pay it, once.

The rows never add up to more than was paid. Before Stripe is asked to pay, its refunds are taken
over (`stripe_refunds`): a lost answer is found among them, and those of its dashboard count.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models.functions import Now

from api import errors, terms
from api.lifecycle import Status, Transition
from api.models import Booking, Caller, Payment, Refund, User
from api.models.bookings import PAID_STATUSES
from api.models.outbox import Kind
from api.services.conflicts import retry_on_conflict
from api.services.messages import outbox
from api.services.messages.outbox import Effect
from api.services.operations.lease_queue import Parked, Withheld

from . import disputes, stripe_refunds
from . import stripe_gateway as gateway
from .balances import get_refundable_amount, lock_payment, update_payment_status
from .stripe_gateway import SUCCEEDED, StripeRefund
from .stripe_refunds import NEVER_CHARGED

REFUNDED_WHOLE = ("reject", "lapse")  # transitions that the customer did not ask for


def create_refund(
    payment: Payment,
    amount_minor: int,
    key: str,
    reason: str,
    *,
    by: User | None = None,
    up_to_minor: int | None = None,
) -> Refund | None:
    """Queue a refund, of less if less is left; None if nothing is left or the key was used before.
    With `up_to_minor` no more than that goes back in all, whoever gives it.

    The caller holds the lock of the payment."""
    key = f"refund:{key}"
    left = get_refundable_amount(payment)
    if up_to_minor is not None:
        left -= payment.amount_minor - up_to_minor
    if min(amount_minor, left) <= 0 or Refund.objects.filter(key=key).exists():
        return None
    refund = Refund.objects.create(
        payment=payment,
        key=key,
        amount_minor=min(amount_minor, left),
        up_to_minor=up_to_minor,
        reason=reason[:200],
        by=by,
    )
    outbox.put([_build_call(refund)])
    update_payment_status(payment)
    return refund


def _build_call(refund: Refund) -> Effect:
    return Effect(
        key=refund.key,
        name="refund",
        kind=Kind.REFUND,
        booking_id=refund.payment.booking_id,
        payload={"refund": refund.pk},
    )


def create_staff_refund(
    pk: int, by: Caller, key: str, amount_minor: int | None = None, why: str = ""
) -> Refund:
    """Refund all or part of what was paid for a booking, which stays as it is. The same key again
    returns the same refund. Raises `NothingToRefund`, `PaymentDisputed` while the customer's bank
    takes the money back, and `Forbidden` for who is not staff."""
    with transaction.atomic():
        payment = _lock_paid(pk)
        if not by.is_staff_of(payment.booking.venue_id):
            raise errors.Forbidden
        known = Refund.objects.filter(key=f"refund:staff:{key}").first()
        if known is not None:
            return known
        if disputes.has_charge_back(payment):
            raise errors.PaymentDisputed
        rest = get_refundable_amount(payment)
        amount = rest if amount_minor is None else amount_minor
        if not 0 < amount <= rest:
            raise errors.NothingToRefund(left_minor=rest)
        person = by if isinstance(by, User) else None
        refund = create_refund(payment, amount, f"staff:{key}", why, by=person)
        assert refund is not None  # noqa: S101  # what is left was looked at under the lock
        return refund


def _lock_paid(booking_pk: int) -> Payment:
    """The payment that paid for a booking; both are locked, the booking first."""
    list(Booking.objects.select_for_update(no_key=True).filter(pk=booking_pk).values("pk"))
    rows = Payment.objects.select_for_update(of=("self",), no_key=True).select_related("booking")
    found = list(rows.filter(booking=booking_pk, status=SUCCEEDED).order_by("pk"))
    if not found:
        raise errors.NothingToRefund("It has not been paid.", left_minor=0)
    return max(found, key=get_refundable_amount)


def refund_ended_bookings(transition: Transition, rows: Iterable[Booking]) -> None:
    """Refund paid bookings that ended before they were used: all of it when the venue ended them,
    what its policy says when they were cancelled, less what went back before."""
    paid = {row.pk: row for row in rows if row.payment_status in PAID_STATUSES}
    if not paid or (
        transition.target != Status.CANCELLED and transition.name not in REFUNDED_WHOLE
    ):
        return
    payments = Payment.objects.select_for_update(of=("self",), no_key=True)
    found = payments.filter(booking__in=list(paid), status=SUCCEEDED).annotate(now=Now())
    for payment in found.select_related("booking__venue").order_by("pk"):
        amount = payment.amount_minor
        if transition.name not in REFUNDED_WHOLE:
            at = payment.booking.starts_at
            amount = terms.calculate_refund(payment.booking.venue, amount, at, payment.now)
        version = paid[payment.booking_id].version
        create_refund(
            payment,
            amount,
            f"{transition.name}:{payment.intent_id}:{version}",
            _REASONS[transition.name],
            up_to_minor=amount,
        )


_REASONS = {
    "cancel": "the booking was cancelled",
    "end_series": "the booking's series was ended",
    "reject": "the booking was declined",
    "lapse": "the request was not answered in time",
}


class Blocked(Parked):
    """Stripe refuses refunds of a disputed payment, or its bank may give the same money back."""


def pay_refund(pk: int) -> None:
    """Have Stripe pay a refund, of no more than is left there. A lost answer is looked up, not
    repeated. Raises `Blocked` while a dispute is open, and `Withheld` if nothing is left."""
    refund = Refund.objects.select_related("payment").get(pk=pk)
    payment, intent = refund.payment, refund.payment.intent_id or ""
    charged = not gateway.was_never_charged(intent)
    if charged:
        stripe_refunds.record_stripe_refunds(payment.pk, gateway.list_refunds(intent))
    refund = _prepare_call(pk)
    if refund.stripe_id:
        return
    if not charged:
        made_up = f"{NEVER_CHARGED}{pk}"
        done = StripeRefund(made_up, SUCCEEDED, refund.amount_minor, refund.key)
    else:
        try:
            done = gateway.create_refund(intent, refund.amount_minor, refund.key)
        except gateway.PaymentRefused:
            stripe_refunds.record_stripe_disputes(payment.pk, gateway.list_disputes(intent))
            _prepare_call(pk)
            raise
    stripe_refunds.record_refund(pk, done)


@retry_on_conflict
def _prepare_call(pk: int) -> Refund:
    """The refund as it is to be paid now; a dispute that it has to wait for is written to it."""
    with transaction.atomic():
        payment = lock_payment(Refund.objects.values_list("payment", flat=True).get(pk=pk))
        stripe_refunds.fit_waiting_refunds(payment)
        refund = Refund.objects.select_related("payment").get(pk=pk)
        block = None if refund.stripe_id else disputes.find_block(refund)
        if block is not None and refund.status != "canceled":
            Refund.objects.filter(pk=pk).update(status=disputes.BLOCKED, updated_at=Now())
    if not refund.stripe_id and refund.status == "canceled":
        raise Withheld("nothing is left to give back")
    if block is not None:
        raise Blocked(f"the payment is disputed: {block.stripe_id}, {block.status}")
    return refund
