"""Refunds: a row is written under the payment's lock, and the outbox has Stripe pay it, once.

The rows never add up to more than was paid, and before Stripe is asked to pay, the row's key is
looked for among its refunds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Now

from api import errors, money, policy
from api.lifecycle import Status, Transition
from api.models import Booking, Payment, Refund, User
from api.models.bookings import PaymentStatus
from api.models.outbox import Kind
from api.services.messages import notifications, outbox
from api.services.messages.outbox import Effect

from . import stripe_gateway as gateway
from .stripe_gateway import SUCCEEDED, StripeRefund

FAILED_STATUSES = ("failed", "canceled")  # the money was not paid back
REFUNDED_WHOLE = ("reject", "lapse")  # transitions that the customer did not ask for


def create_refund(
    payment: Payment, amount_minor: int, key: str, reason: str, by: User | None = None
) -> Refund | None:
    """Queue a refund, of less if less is left; None if nothing is left or the key was used before.

    The caller holds the lock of the payment."""
    amount_minor = min(amount_minor, get_refundable_amount(payment))
    key = f"refund:{key}"
    if amount_minor <= 0 or Refund.objects.filter(key=key).exists():
        return None
    refund = Refund.objects.create(
        payment=payment, key=key, amount_minor=amount_minor, reason=reason[:200], by=by
    )
    outbox.put([_build_call(refund)])
    if get_refundable_amount(payment) == 0:
        # an unpaid booking never becomes a refunded one because a second payment was sent back
        Booking.objects.filter(pk=payment.booking_id).exclude(
            pk__in=_find_paid_booking(payment)
        ).update(payment_status=PaymentStatus.REFUNDED, updated_at=Now())
    return refund


def get_refundable_amount(payment: Payment) -> int:
    """What was paid and not refunded yet, in minor units."""
    refunds = payment.refunds.exclude(status__in=FAILED_STATUSES)
    refunded = refunds.aggregate(sum=Sum("amount_minor"))["sum"]
    return payment.amount_minor - (refunded or 0)


def _find_paid_booking(payment: Payment) -> Sequence[int]:
    """The booking of this payment if another one has paid for it, or can still."""
    others = Payment.objects.filter(booking=payment.booking_id).exclude(pk=payment.pk)
    if any(other.status == SUCCEEDED and get_refundable_amount(other) for other in others):
        return [payment.booking_id]
    if payment.booking.status == Status.HELD:
        return [payment.booking_id]
    return []


def _build_call(refund: Refund) -> Effect:
    return Effect(
        key=refund.key,
        name="refund",
        kind=Kind.REFUND,
        booking_id=refund.payment.booking_id,
        payload={"refund": refund.pk},
    )


def create_staff_refund(
    pk: int, by: User, key: str, amount_minor: int | None = None, why: str = ""
) -> Refund:
    """Refund all or part of what was paid for a booking, which stays as it is. The same key again
    returns the same refund. Raises `NothingToRefund`, and `Forbidden` for who is not staff."""
    if not by.is_staff:
        raise errors.Forbidden
    with transaction.atomic():
        payment = _lock_paid(pk)
        known = Refund.objects.filter(key=f"refund:staff:{key}").first()
        if known is not None:
            return known
        rest = get_refundable_amount(payment)
        amount = rest if amount_minor is None else amount_minor
        if not 0 < amount <= rest:
            raise errors.NothingToRefund(left_minor=rest)
        refund = create_refund(payment, amount, f"staff:{key}", why, by)
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
    what its policy says when they were cancelled."""
    paid = {row.pk: row for row in rows if row.payment_status == PaymentStatus.SUCCEEDED}
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
            amount = policy.calculate_refund(payment.booking.venue, amount, at, payment.now)
        version = paid[payment.booking_id].version
        create_refund(
            payment,
            amount,
            f"{transition.name}:{payment.intent_id}:{version}",
            _REASONS[transition.name],
        )


_REASONS = {
    "cancel": "the booking was cancelled",
    "reject": "the booking was declined",
    "lapse": "the request was not answered in time",
}


def pay_refund(pk: int) -> None:
    """Have Stripe pay a refund, unless it already has: a lost answer is looked up, not repeated."""
    refund = Refund.objects.select_related("payment").get(pk=pk)
    intent = refund.payment.intent_id or ""
    if gateway.was_never_charged(intent):
        record_refund(
            pk, StripeRefund(f"re_told_{pk}", "succeeded", refund.amount_minor, refund.key)
        )
        return
    done = next((each for each in gateway.list_refunds(intent) if each.key == refund.key), None)
    record_refund(pk, done or gateway.create_refund(intent, refund.amount_minor, refund.key))


def record_refund(pk: int, done: StripeRefund) -> None:
    """Write what Stripe says of a refund, and e-mail the customer the first time."""
    with transaction.atomic():
        rows = Refund.objects.select_related("payment__booking__owner", "payment__booking__venue")
        refund = rows.select_for_update(of=("self",), no_key=True).get(pk=pk)
        first = not refund.stripe_id
        refund.stripe_id, refund.status = done.id, done.status[:20]
        refund.updated_at = Now()
        refund.save(update_fields=["stripe_id", "status", "updated_at"])
        if first and done.status not in FAILED_STATUSES:
            notifications.notify_once(
                refund.payment.booking,
                "refund",
                f"refunded:{refund.pk}",
                reason=refund.reason,
                back=money.format_amount(refund.amount_minor, refund.payment.currency),
            )


def sync_from_stripe(payment: Payment) -> None:
    """Ask Stripe what became of our refunds of a payment, and record it."""
    if payment.refunds.exists():
        record_stripe_refunds(payment, gateway.list_refunds(payment.intent_id or ""))


def record_stripe_refunds(payment: Payment, known: Sequence[StripeRefund]) -> None:
    """Record what became of our refunds of a payment, from the list of Stripe's."""
    ours = {refund.key: refund for refund in payment.refunds.all()}
    for each in known:
        own = ours.get(each.key)
        if own is not None and (own.stripe_id, own.status) != (each.id, each.status):
            record_refund(own.pk, each)


def list_differences(payment: Payment, known: Sequence[StripeRefund]) -> Iterator[str]:
    """How Stripe's refunds of a payment differ from ours, in sentences for operators."""
    ours = {refund.key: refund for refund in payment.refunds.exclude(stripe_id="")}
    for each in known:
        mine = ours.pop(each.key, None)
        if mine is None:
            yield f"Stripe refunded {each.amount_minor} ({each.id}) that we did not order"
        elif mine.amount_minor != each.amount_minor:
            yield f"refund {each.id} is {each.amount_minor} at Stripe, {mine.amount_minor} here"
        elif each.status in FAILED_STATUSES:
            yield f"refund {each.id} has {each.status} at Stripe"
    for mine in ours.values():
        yield f"refund {mine.stripe_id} is not known to Stripe"
