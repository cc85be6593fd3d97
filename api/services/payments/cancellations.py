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
    # an attempt without an intent has been shown to nobody: it ends here
    unwanted.filter(intent_id=None).update(status=CANCELED, updated_at=Now())
    if any(payment.intent_id is None for payment in found):  # one may have got its intent since
        found = list(unwanted.exclude(intent_id=None))
    outbox.put([build_cancellation(payment, payment.intent_id or "") for payment in found])
