"""What people, panels and payments do with a booking: one function for each verb of the lifecycle.

Each refuses `NotFound`, `Forbidden` to who may not, `AlreadyDone` where the booking has that status
already, and `NotAllowedNow` where the table has no way from the status that it has. What the clock
should already have ended cannot be moved, whether or not its sweep has run.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db import transaction

from api import errors, policy, terms
from api.effective_status import build_not_due_sql, get_due_transition
from api.lifecycle import BOOKING, HELD, PENDING, ActorRole, Status, Transition
from api.models import Booking
from api.models.bookings import PAID_STATUSES, PaymentStatus
from api.policy import Rules
from api.queries.clock import database_now
from api.queries.reviews.reviews import list_kept_keys
from api.queries.venues.rules import get_resource
from api.queries.waitlist.line import is_anybody_waiting
from api.services.actors import Actor
from api.services.conflicts import retry_on_conflict
from api.signals import slots_freed

from .broken import find_broken
from .parts import divide_guests, list_all_rules
from .quotas import check_quotas
from .slots import get_booking, lock_booking, move_into_slot
from .transitions import apply_due_transitions, write_transition

_NOT_DUE = build_not_due_sql(BOOKING)


@retry_on_conflict
def cancel_booking(booking_id: int, actor: Actor, reason: str = "") -> Booking:
    """Cancels a booking; its slot is free at once. By its owner or staff."""
    return move_booking(BOOKING.cancel, booking_id, actor, reason=reason)


@retry_on_conflict
@transaction.atomic
def approve_booking(booking_id: int, actor: Actor, next_status: str = "") -> Booking:
    """Confirms a request, or holds it for payment when it has a price. By staff.

    The policy is asked again: the resource, its hours and dates, and that the slot has not begun;
    not what staff have decided to keep it against.
    `next_status`: where another move of the same transaction leads, which is then what people are
    written to about."""
    if actor.by not in BOOKING.approve.by:
        raise errors.Forbidden
    booking = lock_booking(booking_id)  # so that what is looked at is what is confirmed
    resource = get_resource(booking.resource_id)
    if booking.status == PENDING:
        kept = list_kept_keys(booking_id)
        if broken := find_broken(booking, kept):
            raise broken
    move = BOOKING.approve
    sets: dict[str, Any] = {"approved_by_id": actor.user.pk if actor.user else None}
    if booking.price_minor and booking.payment_status not in PAID_STATUSES:
        move = BOOKING.approve_to_pay
        sets |= {
            "hold_expires_at": resource.now + booking.venue.hold_length,
            "payment_status": PaymentStatus.PENDING,
        }
    try:
        in_time = "lapses_at > statement_timestamp()"
        return move_booking(
            move, booking_id, actor, where=in_time, sets=sets, next_status=next_status
        )
    except errors.NotAllowedNow as refusal:
        current = get_booking(booking_id)
        if current.status == PENDING:
            raise errors.AlreadyBegun(
                "It has already begun, it can no longer be approved."
            ) from None
        if current.awaits_guest:
            raise errors.NotAllowedNow(
                "Its guest has still to confirm it.", current=HELD
            ) from refusal
        if current.status == HELD and current.approved_at is None:
            raise errors.NotAllowedNow("It waits for its payment.", current=HELD) from refusal
        raise


@retry_on_conflict
def reject_booking(booking_id: int, actor: Actor, reason: str = "") -> Booking:
    """Declines a request, or takes a confirmation back. By staff."""
    sets = {"rejection_reason": reason, "approved_by_id": actor.user.pk if actor.user else None}
    return move_booking(BOOKING.reject, booking_id, actor, reason=reason, sets=sets)


@retry_on_conflict
def check_in_booking(booking_id: int, actor: Actor, *, early: bool = False) -> Booking:
    """Records that somebody is there. Within the check-in window, else refuses `CheckInClosed`;
    with `early`, which panels at the door may use, also before it opens.

    Against the release of the same booking exactly one of the two wins."""
    where = "check_in_closes_at > statement_timestamp()" + (
        "" if early else " AND check_in_opens_at <= statement_timestamp()"
    )
    where += " AND (no_show_at IS NULL OR no_show_at > statement_timestamp())"
    try:
        return move_booking(BOOKING.check_in, booking_id, actor, where=where)
    except errors.NotAllowedNow:
        booking = get_booking(booking_id)
        if booking.status != Status.CONFIRMED:
            raise
        raise errors.CheckInClosed(
            opens_at=booking.check_in_opens_at, closes_at=booking.check_in_closes_at
        ) from None


@retry_on_conflict
def end_booking(booking_id: int, actor: Actor) -> Booking:
    """Ends a booking before its time; the rest of the slot is free at once. Where the venue
    requires check-in it must be checked in, anywhere else it must have begun."""
    where = (
        "ends_at > statement_timestamp() AND"
        " (status = 'checked_in' OR (no_show_at IS NULL AND starts_at <= statement_timestamp()))"
    )
    return move_booking(BOOKING.end, booking_id, actor, where=where)


@retry_on_conflict
def complete_booking(booking_id: int, actor: Actor) -> Booking:
    return move_booking(BOOKING.complete, booking_id, actor)


@retry_on_conflict
def reinstate_booking(booking_id: int, actor: Actor, next_status: str = "") -> Booking:
    """Takes an end back: the booking waits for approval again, if its slot is still free and has
    not begun. By staff. `next_status` as in `approve_booking`."""
    booking = get_booking(booking_id)
    resource = get_resource(booking.resource_id)
    rules, now = list_all_rules(booking, resource), resource.now
    if booking.starts_at <= now:
        raise errors.AlreadyBegun
    if booking.awaits_guest:
        raise errors.NotAllowedNow("Its guest never confirmed it.", current=booking.status)
    _check_resources(rules, booking)
    sets: dict[str, Any] = {"rejection_reason": "", "checked_in_at": None, "ended_at": None}
    sets |= terms.calculate_deadlines(resource.venue, booking.starts_at, booking.ends_at, now)
    return move_into_slot(
        booking,
        rules,
        now,
        lambda: move_booking(
            BOOKING.reinstate, booking_id, actor, sets=sets, next_status=next_status
        ),
    )


def pay_booking(booking_id: int, actor: Actor) -> Booking:
    """Confirms what was held. A slot that began meanwhile still gets its whole check-in grace."""
    booking = get_booking(booking_id)
    deadlines = terms.calculate_deadlines(
        booking.venue, booking.starts_at, booking.ends_at, database_now()
    )
    sets: dict[str, Any] = {"payment_status": PaymentStatus.SUCCEEDED}
    sets |= {name: deadlines[name] for name in ("check_in_closes_at", "no_show_at")}
    return move_booking(BOOKING.pay, booking_id, actor, sets=sets)


def pay_booking_late(booking_id: int, actor: Actor) -> Booking:
    """Takes the slot of an expired hold again, if it is still free and not over; refuses as
    `create_booking` does. Call it inside the transaction that records the payment."""
    booking = get_booking(booking_id)
    resource = get_resource(booking.resource_id)
    rules, now = list_all_rules(booking, resource), resource.now
    if booking.ends_at <= now:
        raise errors.AlreadyBegun
    _check_resources(rules, booking)
    sets: dict[str, Any] = {"payment_status": PaymentStatus.SUCCEEDED}
    sets |= terms.calculate_deadlines(resource.venue, booking.starts_at, booking.ends_at, now)
    paid = move_into_slot(
        booking, rules, now, lambda: move_booking(BOOKING.pay_late, booking_id, actor, sets=sets)
    )
    check_quotas(paid, actor)
    return paid


def _check_resources(rules: Sequence[Rules], booking: Booking) -> None:
    guests = divide_guests(booking.guests, booking.quantity)
    for each in rules:
        policy.check_resource(each, booking.starts_at, booking.ends_at, guests)


# what all of them do


def move_booking(
    move: Transition,
    booking_id: int,
    actor: Actor,
    *,
    where: str = "true",
    params: Sequence[Any] = (),
    sets: dict[str, Any] | None = None,
    reason: str = "",
    next_status: str = "",
) -> Booking:
    """The booking after the move; refuses as this module says."""
    if actor.by not in move.by:
        raise errors.Forbidden
    if actor.by is ActorRole.OWNER and actor.user:  # a trade may have come first
        where, params = f"({where}) AND owner_id = %s", [*params, actor.user.pk]
    if actor.by is ActorRole.GUEST:
        where, params = f"({where}) AND guest_link = %s", [*params, actor.link]
    # a payment beats the end of a hold that nobody has written down yet
    if ActorRole.CLOCK not in move.by and actor.by is not ActorRole.PAYMENT:
        where = f"({where}) AND {_NOT_DUE}"
    context = {"reason": reason, "next_status": next_status}
    details = {name: text for name, text in context.items() if text}
    with transaction.atomic():
        rows = write_transition(
            move,
            actor,
            where=f"id = %s AND ({where})",
            params=[booking_id, *params],
            sets=sets or {},
            details=details,
        )
        if rows and move.target not in BOOKING.blocking:
            slots_freed.send(sender=Booking)
    booking: Booking
    for booking in rows:
        return booking
    booking = get_booking(booking_id)
    check_owner(booking, actor)
    raise _build_refusal(move, booking)


def _build_refusal(move: Transition, booking: Booking) -> errors.NotAllowedNow:
    due = get_due_transition(BOOKING, booking, booking.now)
    current = str(due.target) if due else booking.status
    if current == move.target:
        return errors.AlreadyDone(current=current)
    refusal = errors.NotAllowedNow(
        f"A booking that is {Status(current).label.lower()} cannot do that.", current=current
    )
    if due in (BOOKING.expire, BOOKING.lapse_offer) and is_anybody_waiting(booking.venue_id):
        refusal.settle = partial(apply_due_transitions, BOOKING, "id = %s", [booking.pk])
    return refusal


def check_owner(booking: Booking, actor: Actor) -> None:
    """Refuses `Forbidden` to an owner whose booking a trade has given away, and
    `NotFound` to a guest whose link opens it no more."""
    if actor.by is ActorRole.OWNER and actor.user and booking.owner_id != actor.user.pk:
        raise errors.Forbidden("This booking is somebody else's now.")
    if actor.by is ActorRole.GUEST and booking.guest_link != actor.link:
        raise errors.NotFound
