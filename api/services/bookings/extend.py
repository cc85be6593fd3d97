"""Extends bookings: the start stays, the end moves on, also of a meeting that has begun."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import datetime, timedelta

from django.db import transaction

from api import errors, policy
from api.lifecycle import BOOKING, CONFIRMED, HELD, PENDING, Transition
from api.models import Booking
from api.models.bookings import PaymentStatus
from api.policy import Rules
from api.queries.venues.rules import build_rules, get_resource
from api.services.actors import Actor
from api.services.conflicts import retry_on_conflict

from .changes import record_values
from .parts import add_service, calculate_price, check_all, keep_buffers, list_other_ids, list_rules
from .quotas import check_quotas
from .reschedule import (
    announce_change,
    find_follow_up,
    lock_editable,
    move_end_deadlines,
    outgrows_approval,
    write_booking,
)
from .slots import get_booking, lock_resources
from .transitions import apply_transition


@retry_on_conflict
@transaction.atomic
def extend_booking(
    booking_id: int,
    actor: Actor,
    *,
    ends_at: datetime | None = None,
    by: timedelta = timedelta(0),
    waive: bool = False,
) -> Booking:
    """Moves the end of a booking to `ends_at`, or on `by` that much. By its owner or staff, while
    it blocks its slot.

    The longer time meets the venue's rules (but for notice and capacity, which are as they were)
    and the exclusion constraint: of this and a rival for the added time exactly one wins. What is
    not paid yet costs more. Refuses `AlreadyPaid` where it is paid or being paid, unless staff
    `waive` the price of the added time, and `SlotTaken` with what blocks."""
    first = get_booking(booking_id)
    resource = get_resource(first.resource_id, retired=True)
    others = list_other_ids(first)
    lock_resources({resource.pk, *others})
    booking = lock_editable(booking_id, actor, resource.now, BOOKING.blocking)
    if booking.resource_id != first.resource_id:
        raise errors.Busy
    was = copy(booking)
    rules, now, before = build_rules(resource), resource.now, record_values(booking)
    all_rules = keep_buffers(booking, add_service(booking, [rules, *list_rules(others)]))
    rules = all_rules[0]
    previous_end = booking.ends_at
    booking.resource, booking.venue = resource, resource.venue
    booking.ends_at = ends_at or previous_end + by
    if booking.ends_at <= previous_end:
        raise errors.Invalid(errors={"ends_at": ["Must be later than the end that it has."]})
    if rules.service and booking.ends_at - booking.starts_at not in rules.service.prices:
        raise errors.Unfit(errors={"ends_at": ["The service has no such duration."]})
    policy.check_interval(booking.starts_at, booking.ends_at, now)
    check = policy.check_reschedule(booking.starts_at)
    check_all(check, all_rules, booking.starts_at, booking.ends_at, now)
    waived = _price_added_time(booking, all_rules, previous_end, waive and actor.is_staff)
    booking.primetime = policy.is_primetime(rules, booking.starts_at, booking.ends_at)
    move_end_deadlines(booking, rules, now, previous_end)
    follow_up = _find_follow_up(booking, rules, before, actor, now)
    write_booking(booking, all_rules, now, moved=True)
    next_status = CONFIRMED if follow_up is BOOKING.confirm else ""
    details = {"next_status": next_status, "waived_minor": waived}
    announce_change(booking, actor, before, True, follow_up, details)
    if follow_up:
        apply_transition(follow_up, [booking.pk], actor, details={"reason": "extended"})
    booking = get_booking(booking.pk)
    check_quotas(booking, actor, was)
    return booking


def _price_added_time(
    booking: Booking, rules: Sequence[Rules], previous_end: datetime, waive: bool
) -> int:
    """Adds the price of the added time to the booking's; returns what is waived of it."""
    venue = rules[0].venue
    longer = calculate_price(rules, booking.starts_at, booking.ends_at, booking.quantity)
    if rules[0].service and previous_end - booking.starts_at not in rules[0].service.prices:
        shorter = booking.price_minor
    else:
        shorter = calculate_price(rules, booking.starts_at, previous_end, booking.quantity)
    added = max(0, longer - shorter)
    if waive or not added:
        return added
    if booking.payment_status in (PaymentStatus.SUCCEEDED, PaymentStatus.PROCESSING):
        raise errors.AlreadyPaid("It is already paid, or its payment has begun.")
    if booking.status not in (HELD, PENDING) or booking.currency not in ("", venue.currency):
        raise errors.NotAllowedNow(
            "A change of its price needs a new booking.", current=booking.status
        )
    booking.price_minor += added
    booking.currency = venue.currency
    if booking.payment_status == PaymentStatus.NONE:
        booking.payment_status = PaymentStatus.PENDING
    return 0


def _find_follow_up(
    booking: Booking, rules: Rules, before: dict[str, str], actor: Actor, now: datetime
) -> Transition | None:
    """As after a move, but time that staff add needs nobody's approval. What is held or has begun
    cannot wait for one: that is refused."""
    needs_approval = outgrows_approval(booking, rules, before) and not actor.is_staff
    ahead = booking.status == CONFIRMED and booking.starts_at > now
    if needs_approval and not (ahead or booking.status == PENDING):
        raise errors.NotAllowedNow("That time needs approval.", current=booking.status)
    follow_up = find_follow_up(booking, rules, before)
    return None if follow_up is BOOKING.resubmit and not needs_approval else follow_up
