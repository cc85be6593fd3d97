"""Has intents cancelled that nobody is to pay any more."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F
from django.db.models.functions import Now

from api.lifecycle import BOOKING, HELD
from api.models import Booking, Payment
from api.models.bookings import PaymentStatus
from api.models.outbox import Kind
from api.services.messages import outbox
from api.services.messages.outbox import Effect

from .outcomes import OPEN_STATUSES
from .stripe_gateway import CANCELED, FINAL


def build_cancellation(payment: Payment, intent_id: str) -> Effect:
    """The call that cancels an intent, once."""
    return Effect(
        key=f"cancel_intent:{intent_id}",
        name="cancel_intent",
        kind=Kind.CANCEL_INTENT,
        booking_id=payment.booking_id,
        payload={"payment": payment.pk, "intent": intent_id},
    )


def build_closing(payment: Payment, checkout_id: str) -> Effect:
    """The call that closes Stripe's own page of an attempt, once: it lives for half an hour at
    least, a hold may end before."""
    return Effect(
        key=f"close_checkout:{checkout_id}",
        name="close_checkout",
        kind=Kind.CANCEL_INTENT,
        booking_id=payment.booking_id,
        payload={"payment": payment.pk, "checkout": checkout_id},
    )


def cancel_unwanted_intents(rows: Iterable[Booking]) -> None:
    """Queue the cancelling of intents whose booking ended or has another price now.

    A constant number of statements for a batch of any size.
    """
    rows = list(rows)
    ended = [
        row.pk
        for row in rows
        if row.status not in BOOKING.blocking and row.payment_status in OPEN_STATUSES
    ]
    if ended:
        Booking.objects.filter(pk__any_of=ended).update(payment_status=PaymentStatus.FAILED)
    started = Payment.objects.filter(booking__any_of={row.pk for row in rows})
    unwanted = started.exclude(status__in=FINAL).exclude(
        booking__status=HELD,
        amount_minor=F("booking__price_minor"),
        currency=F("booking__currency"),
    )
    unwanted = unwanted.order_by("pk")
    if not (found := list(unwanted)):
        return
    # an attempt with neither intent nor page has been shown to nobody: it ends here
    unshown = {"intent_id": None, "checkout_id": ""}
    unwanted.filter(**unshown).update(status=CANCELED, updated_at=Now())
    if any(payment.intent_id is None for payment in found):  # one may have got its intent since
        found = list(unwanted.exclude(**unshown))
    outbox.put(
        [
            build_closing(payment, payment.checkout_id)
            if payment.checkout_id
            else build_cancellation(payment, payment.intent_id or "")
            for payment in found
        ]
    )
