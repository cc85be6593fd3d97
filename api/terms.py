"""What a booking is made with by the policy of its venue, as pure functions: price, first status,
deadlines, and what a cancellation gives back.

Instants are aware. Nothing here reads a clock or the database.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.lifecycle import Status
from api.models import Venue
from api.models.bookings import PaymentStatus
from api.models.venues import CompletionFrom
from api.policy import Rules, needs_approval
from api.rates import get_slot_price


def calculate_price(rules: Rules, starts_at: datetime, ends_at: datetime) -> int:
    """In minor units: the prices of the slots begun, each by the resource's rate for its start."""
    resource, length = rules.resource, rules.resource.slot_length
    slots = -(-(ends_at - starts_at) // length)
    if not resource.rates:
        return resource.price_minor * slots
    starts = (starts_at + n * length for n in range(slots))
    return sum(get_slot_price(resource, start.astimezone(rules.zone)) for start in starts)


def get_initial_status(
    rules: Rules, primetime: bool, price_minor: int, pre_approved: bool = False
) -> str:
    """Approval comes before payment. `pre_approved`: whoever would approve it books it."""
    if needs_approval(rules, primetime) and not pre_approved:
        return Status.PENDING.value
    return Status.HELD.value if price_minor else Status.CONFIRMED.value


def calculate_deadlines(
    venue: Venue, starts_at: datetime, ends_at: datetime, now: datetime
) -> dict[str, datetime | None]:
    """Every deadline but that of the hold, which begins when the hold does. A slot booked after it
    began gives its owner the whole grace from the booking on, unless the venue counts strictly. No
    grace outlasts the slot: whoever has not come by its end is a no-show then."""
    begins = max(starts_at, now) if venue.grace_from_booking else starts_at
    counted = ends_at if venue.completion_from == CompletionFrom.END else starts_at
    return {
        # who may ask for a slot that has begun has until its end to be answered
        "lapses_at": starts_at if starts_at > now else ends_at,
        "check_in_opens_at": starts_at - venue.check_in_opens_before,
        "check_in_closes_at": begins + venue.check_in_closes_after,
        "no_show_at": (
            min(begins + venue.no_show_grace, ends_at) if venue.check_in_required else None
        ),
        "completes_at": counted + venue.completion_after,
        "remind_at": _get_reminder_time(venue, starts_at, now),
    }


def move_no_show(
    venue: Venue,
    no_show_at: datetime | None,
    starts_at: datetime,
    previous_end: datetime,
    ends_at: datetime,
) -> datetime | None:
    """The no-show deadline of a booking that keeps its start and gets another end. Nobody puts it
    off by edits, but a grace that the previous end cut short may now last until it is over."""
    if no_show_at is None:
        return None
    if no_show_at == previous_end:
        no_show_at = max(no_show_at, starts_at + venue.no_show_grace)
    return min(no_show_at, ends_at)


def _get_reminder_time(venue: Venue, starts_at: datetime, now: datetime) -> datetime | None:
    """A reminder that would have been due before the booking was made is not sent, unless it is
    one to check in: that is open by then."""
    if venue.remind_before is None or starts_at <= now:
        return None
    due_at = starts_at - venue.remind_before
    if due_at > now:
        return due_at
    return now if venue.check_in_required else None


def get_payment_columns(
    venue: Venue, status: str, price_minor: int, now: datetime
) -> dict[str, Any]:
    """The columns that a price brings with it."""
    held = status == Status.HELD
    return {
        "hold_expires_at": now + venue.hold_length if held else None,
        "payment_status": (PaymentStatus.PENDING if price_minor else PaymentStatus.NONE).value,
    }


def calculate_refund(venue: Venue, paid_minor: int, starts_at: datetime, now: datetime) -> int:
    """What a cancellation gives back, in minor units: all while there is time, a part after."""
    if starts_at - now >= venue.refund_until:
        return paid_minor
    return paid_minor * venue.late_refund_percent // 100
