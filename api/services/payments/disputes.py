"""Disputes: a customer's bank takes a payment back, or asks about it.

While one is open no refund is paid by itself, because the bank may give the same money back: the
refund stands as blocked, its call is parked with the reason, and both go on when it is closed.
"""

from __future__ import annotations

from django.db.models import F
from django.db.models.functions import Now

from api.models import Delivery, Dispute, Payment, Refund
from api.models.outbox import State
from api.services.operations.lease_queue import WAITING

from .balances import LOST

DECIDED = ("won", LOST)
CLOSED = (*DECIDED, "warning_closed", "prevented")
INQUIRY = "warning_"  # the bank only asks: staff may refund, which ends it
BLOCKED = "blocked"  # status of a refund


def list_open(payment: Payment) -> list[Dispute]:
    return list(payment.disputes.exclude(status__in=CLOSED).order_by("pk"))


def find_block(refund: Refund) -> Dispute | None:
    """The dispute that a refund has to wait for. Only staff's refunds need not wait for an
    inquiry."""
    for dispute in list_open(refund.payment):
        if refund.by_id is None or not dispute.status.startswith(INQUIRY):
            return dispute
    return None


def has_charge_back(payment: Payment) -> bool:
    """Whether a dispute is open in which Stripe refuses every refund."""
    return any(not dispute.status.startswith(INQUIRY) for dispute in list_open(payment))


def resume_blocked(payment: Payment) -> None:
    """Have the refunds paid that waited for a dispute. The caller holds the payment's lock.

    A worker that is about to park such a call loses its lease, so that its outcome is not written
    after this."""
    blocked = payment.refunds.filter(status=BLOCKED)
    keys = list(blocked.values_list("key", flat=True))
    keys += payment.refunds.filter(stripe_id="", status="canceled").values_list("key", flat=True)
    blocked.update(status="waiting", updated_at=Now())
    calls = Delivery.objects.filter(key__in=keys)
    calls.filter(state=State.PARKED).update(
        state=WAITING, attempts=0, due_at=Now(), finished_at=None
    )
    calls.filter(state=State.SENDING).update(
        state=WAITING, attempts=F("attempts") + 1, due_at=Now()
    )
