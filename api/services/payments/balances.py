"""What of a payment is left, and what that makes of its booking."""

from __future__ import annotations

from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Now

from api.lifecycle import HELD
from api.models import Booking, Dispute, Payment, Refund
from api.models.bookings import PaymentStatus

from .stripe_gateway import SUCCEEDED

FAILED_STATUSES = ("failed", "canceled")  # the money of such a refund was not paid back
LOST = "lost"  # a dispute whose amount the bank has given back


def lock_payment(pk: int) -> Payment:
    """The payment with its booking, both locked, the booking first as by everybody who moves it.
    Must be called inside a transaction."""
    list(Booking.objects.select_for_update(no_key=True).filter(payments=pk).values("pk"))
    rows = Payment.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("booking__venue", "booking__owner").get(pk=pk)


def _sum_of(rows: QuerySet[Any]) -> Coalesce:
    sums = rows.filter(payment=OuterRef("pk")).order_by().values("payment")
    return Coalesce(Subquery(sums.annotate(sum=Sum("amount_minor")).values("sum")), 0)


def list_balances(**where: Any) -> Any:
    """Payments that succeeded, each with `refunded` (decided or paid, by us or at Stripe), `lost`
    to disputes, and what is `retained`, all in minor units."""
    rows = Payment.objects.filter(status=SUCCEEDED, **where).annotate(
        refunded=_sum_of(Refund.objects.exclude(status__in=FAILED_STATUSES)),
        lost=_sum_of(Dispute.objects.filter(status=LOST)),
    )
    return rows.annotate(retained=F("amount_minor") - F("refunded") - F("lost"))


def get_refundable_amount(payment: Payment) -> int:
    """What was paid and not given back yet, in minor units."""
    refunds = payment.refunds.exclude(status__in=FAILED_STATUSES)
    back = sum(refunds.values_list("amount_minor", flat=True))
    back += sum(payment.disputes.filter(status=LOST).values_list("amount_minor", flat=True))
    return max(payment.amount_minor - back, 0)


def get_payment_status(booking_id: int) -> str:
    """What a booking that was paid is to say: paid, or how much of it went back."""
    payments = list(list_balances(booking=booking_id))
    kept = [payment for payment in payments if payment.retained > 0]
    if not kept:
        return PaymentStatus.REFUNDED.value
    if any(payment.retained == payment.amount_minor for payment in kept):
        return PaymentStatus.SUCCEEDED.value
    return PaymentStatus.PARTLY_REFUNDED.value


def update_payment_status(payment: Payment) -> None:
    """Write to the booking what its payments have left. The caller holds its lock.

    One that is held is still to be paid: it does not become a refunded one because the money of
    another payment, made for another price, was sent back."""
    status = get_payment_status(payment.booking_id)
    rows = Booking.objects.filter(pk=payment.booking_id).exclude(status=HELD)
    rows.exclude(payment_status=status).update(payment_status=status, updated_at=Now())
