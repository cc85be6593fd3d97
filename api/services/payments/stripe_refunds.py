"""Takes over what Stripe knows of a payment's refunds and disputes, whoever made them.

Stripe is asked outside any transaction. What it answered is written here under the locks of booking
and payment, so that the same news may come twice, late, or at once with a refund of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import structlog
from django.db import transaction
from django.db.models.functions import Now

from api import money
from api.models import Dispute, Payment, Refund
from api.services.actors import Actor
from api.services.bookings import history
from api.services.conflicts import retry_on_conflict
from api.services.messages import notifications

from . import disputes
from . import stripe_gateway as gateway
from .balances import FAILED_STATUSES, LOST, lock_payment, update_payment_status
from .stripe_gateway import SUCCEEDED, StripeDispute, StripeRefund
from .stripe_webhooks import Told

log = structlog.get_logger("holdfast.refunds")

# keys of refunds that we did not decide: found at Stripe, or told of by an event signed by hand
AT_STRIPE, BY_HAND = "stripe:", "told:"
NEVER_CHARGED = "re_told_"  # id of a refund of money that the stand-in never took
ENDED_STATUSES = (SUCCEEDED, *FAILED_STATUSES)


def sync_from_stripe(payment: Payment, told: Told | None = None) -> None:
    """Ask Stripe for the refunds and disputes of a payment, and record them. `told`: what a signed
    event says, where that is believed."""
    told, intent = told or Told(), payment.intent_id or ""
    charged = not gateway.was_never_charged(intent)
    record_stripe_refunds(payment.pk, gateway.list_refunds(intent) if charged else (), told)
    known = gateway.list_disputes(intent) if charged else []
    there = {each.id for each in known}
    record_stripe_disputes(payment.pk, [*known, *(d for d in told.disputes if d.id not in there)])


@retry_on_conflict
@transaction.atomic
def record_stripe_refunds(
    payment_pk: int, known: Sequence[StripeRefund], told: Told | None = None
) -> None:
    """Record Stripe's list of a payment's refunds. One that we did not decide counts as ours do;
    what waits to be paid is lowered to what is left."""
    payment = lock_payment(payment_pk)
    rows = list(payment.refunds.all())
    by_id = {row.stripe_id: row for row in rows if row.stripe_id}
    waiting = {row.key: row for row in rows if not row.stripe_id}
    changed = False
    found = [(each, AT_STRIPE) for each in known]
    found += [(each, BY_HAND) for each in (told.refunds if told else ())]
    for each, prefix in found:
        row = by_id.get(each.id) or waiting.pop(each.key, None)
        if row is None:
            by_id[each.id] = _take_over(payment, each, prefix)
            changed = True
        else:
            changed |= _write_outcome(row, each, payment)
    if told and (rest := _find_unlisted(payment, told)):
        _take_over(payment, rest, BY_HAND)
        changed = True
    if changed:
        fit_waiting_refunds(payment)
        update_payment_status(payment)


@retry_on_conflict
@transaction.atomic
def record_refund(pk: int, done: StripeRefund) -> None:
    """Record what Stripe answered to a refund of ours."""
    payment = lock_payment(Refund.objects.values_list("payment", flat=True).get(pk=pk))
    if _write_outcome(Refund.objects.get(pk=pk), done, payment):
        fit_waiting_refunds(payment)
        update_payment_status(payment)


def _find_unlisted(payment: Payment, told: Told) -> StripeRefund | None:
    """What an event says has gone back beyond all refunds that are known."""
    paid = payment.refunds.exclude(status__in=FAILED_STATUSES).exclude(stripe_id="")
    rest = min(told.refunded_minor, payment.amount_minor)
    rest -= sum(paid.values_list("amount_minor", flat=True))
    return StripeRefund(told.event_id, SUCCEEDED, rest) if rest > 0 else None


def _take_over(payment: Payment, made: StripeRefund, prefix: str) -> Refund:
    row = Refund.objects.create(
        payment=payment,
        key=f"{prefix}{made.id}",
        amount_minor=made.amount_minor,
        reason="refunded at Stripe",
        stripe_id=made.id,
        status=made.status,
    )
    log.info("refund_taken_over", payment=payment.pk, refund=made.id, amount=made.amount_minor)
    details = {"refund": made.id, "amount_minor": made.amount_minor, "status": made.status}
    history.record_events("refund", [payment.booking], Actor.payment("Stripe"), details)
    return row


def _write_outcome(row: Refund, done: StripeRefund, payment: Payment) -> bool:
    """Whether Stripe says anything new. The customer is written to the first time, if the refund is
    ours. A list that was read before the refund had ended does not open it again."""
    outdated = row.status in ENDED_STATUSES and done.status not in ENDED_STATUSES
    status = row.status if outdated and row.stripe_id else done.status
    before = (row.stripe_id, row.status, row.amount_minor)
    if before == (done.id, status, done.amount_minor):
        return False
    first = not row.stripe_id
    row.stripe_id, row.status, row.amount_minor = done.id, status, done.amount_minor
    row.updated_at = Now()
    row.save(update_fields=["stripe_id", "status", "amount_minor", "updated_at"])
    if first and status not in FAILED_STATUSES:
        notifications.notify_once(
            payment.booking,
            "refund",
            f"refunded:{row.pk}",
            reason=row.reason,
            back=money.format_amount(done.amount_minor, payment.currency),
        )
    return True


def fit_waiting_refunds(payment: Payment) -> None:
    """Lower refunds that Stripe has not paid yet to what is left, the newest first; those for which
    nothing is left are cancelled. The caller holds the payment's lock."""
    counted = payment.refunds.exclude(status__in=FAILED_STATUSES).order_by("pk")
    given = sum(payment.disputes.filter(status=LOST).values_list("amount_minor", flat=True))
    given += sum(row.amount_minor for row in counted if row.stripe_id)
    for row in counted:
        if row.stripe_id:
            continue
        most = payment.amount_minor if row.up_to_minor is None else row.up_to_minor
        amount = min(row.amount_minor, most - given)
        if amount <= 0:
            payment.refunds.filter(pk=row.pk).update(status="canceled", updated_at=Now())
            continue
        if amount < row.amount_minor:
            payment.refunds.filter(pk=row.pk).update(amount_minor=amount, updated_at=Now())
        given += amount


@retry_on_conflict
@transaction.atomic
def record_stripe_disputes(payment_pk: int, known: Sequence[StripeDispute]) -> None:
    """Record disputes of a payment. Once none is open any more, refunds that waited for that are
    paid; money that the bank gave back counts as refunded."""
    payment = lock_payment(payment_pk)
    rows = {row.stripe_id: row for row in payment.disputes.all()}
    changed = [each for each in known if _record_dispute(payment, rows.get(each.id), each)]
    if not changed:
        return
    fit_waiting_refunds(payment)
    update_payment_status(payment)
    for each in changed:
        details = {"dispute": each.id, "status": each.status, "reason": each.reason}
        details["amount_minor"] = each.amount_minor  # type: ignore[assignment]
        history.record_events("dispute", [payment.booking], Actor.payment("Stripe"), details)
    if not disputes.list_open(payment):
        disputes.resume_blocked(payment)


def _record_dispute(payment: Payment, row: Dispute | None, found: StripeDispute) -> bool:
    """Whether anything is new. What was won or lost is not open again because an older list of
    Stripe's, or an event signed by hand, comes late."""
    if row is None:
        row = Dispute(payment=payment, stripe_id=found.id)
    elif row.status in disputes.DECIDED and found.status not in disputes.DECIDED:
        return False
    before = (row.status, row.amount_minor, row.reason)
    if before == (found.status, found.amount_minor, found.reason):
        return False
    row.status, row.amount_minor, row.reason = found.status, found.amount_minor, found.reason
    row.updated_at = Now()
    row.save()
    return True


def list_differences(payment: Payment, known: Sequence[StripeRefund]) -> Iterator[str]:
    """How Stripe's refunds of a payment still differ from ours, in sentences for operators."""
    there = {each.id for each in known}
    for row in payment.refunds.exclude(stripe_id=""):
        if row.stripe_id not in there:
            told = row.key.startswith(BY_HAND) or row.stripe_id.startswith(NEVER_CHARGED)
            if not told:
                yield f"refund {row.stripe_id} is not known to Stripe"
        elif row.status in FAILED_STATUSES and not row.key.startswith((AT_STRIPE, BY_HAND)):
            yield f"refund {row.stripe_id} has {row.status} at Stripe"
