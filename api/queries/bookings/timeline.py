"""Everything that happened to a booking, in order: its history, what was sent, what was paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api import money
from api.models import Booking, BookingEvent, Delivery, Dispute, Payment, Refund
from api.models.outbox import Kind

from . import bookings

OPEN, ENDED, WRONG = "waiting", "done", "bad"


@dataclass(frozen=True)
class Line:
    """`kind`: event, email, call, payment, refund or dispute; `state`: waiting, done or bad;
    `cause`: the request or task that it comes from, where that was written down."""

    at: datetime
    kind: str
    title: str
    who: str = ""
    text: str = ""
    state: str = ENDED
    cause: str = ""


def list_timeline(booking: Booking) -> list[Line]:
    """Oldest first, in five statements."""
    events = bookings.list_history(booking).order_by("id")
    sent = Delivery.objects.filter(booking=booking).order_by("id")
    paid = Payment.objects.filter(booking=booking).order_by("id")
    back = Refund.objects.filter(payment__booking=booking).select_related("by").order_by("id")
    disputed = Dispute.objects.filter(payment__booking=booking).order_by("id")
    lines = [
        *map(_build_event_line, events),
        *map(_build_delivery_line, sent),
        *map(_build_payment_line, paid),
        *(_build_refund_line(refund, booking.currency) for refund in back),
        *(_dispute(dispute, booking.currency) for dispute in disputed),
    ]
    return sorted(lines, key=lambda line: line.at)


def _build_event_line(event: BookingEvent) -> Line:
    who = event.actor_name or (event.actor.name if event.actor else "")
    moved = f"{event.from_status} → {event.to_status}" if event.from_status else event.to_status
    facts = [moved, *(f"{name}: {_shorten(value)}" for name, value in event.details.items())]
    return Line(
        event.at,
        "event",
        event.verb.replace("_", " "),
        f"{who} ({event.by})" if who else event.by,
        " · ".join(facts),
    )


def _shorten(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shorten(part)}" for name, part in value.items())
    return str(value)[:200]


def _build_delivery_line(row: Delivery) -> Line:
    title = f"e-mail “{row.name}”" if row.kind == Kind.EMAIL else Kind(row.kind).label
    facts = [row.state, f"{row.attempts} attempts" if row.attempts > 1 else "", row.last_error]
    states = {"parked": WRONG, "waiting": OPEN, "sending": OPEN}
    return Line(
        row.finished_at or row.created_at,
        "email" if row.kind == Kind.EMAIL else "call",
        title,
        row.to,
        " · ".join(filter(None, facts)),
        states.get(row.state, ENDED),
        row.request_id,
    )


def _build_payment_line(row: Payment) -> Line:
    facts = [row.status.replace("_", " "), row.intent_id or "", row.last_error]
    state = ENDED if row.status in ("succeeded", "canceled") else OPEN
    return Line(
        row.updated_at,
        "payment",
        f"payment of {money.format_amount(row.amount_minor, row.currency)}",
        row.method,
        " · ".join(filter(None, facts)),
        WRONG if row.last_error and state == OPEN else state,
    )


def _build_refund_line(row: Refund, currency: str) -> Line:
    states = {"succeeded": ENDED, "canceled": ENDED, "failed": WRONG, "blocked": WRONG}
    state = states.get(row.status, OPEN)
    facts = " · ".join(filter(None, [row.status, row.reason, row.stripe_id]))
    who = row.by.name if row.by else ""
    what = f"refund of {money.format_amount(row.amount_minor, currency)}"
    return Line(row.updated_at, "refund", what, who, facts, state)


def _dispute(row: Dispute, currency: str) -> Line:
    closed = {"won": ENDED, "warning_closed": ENDED, "prevented": ENDED}
    facts = " · ".join(filter(None, [row.status.replace("_", " "), row.reason, row.stripe_id]))
    what = f"dispute of {money.format_amount(row.amount_minor, currency)}"
    return Line(row.updated_at, "dispute", what, "", facts, closed.get(row.status, WRONG))
