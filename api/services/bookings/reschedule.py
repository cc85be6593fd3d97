"""Reschedules and edits bookings.

1. The resources it leaves and enters are locked in id order, then the booking; both are read anew.
2. A new time or resource meets the policy again; price and deadlines are worked out anew.
3. Its places are given back and taken anew, under the exclusion constraint; `booking_changed`
   writes history and emails.
4. If the change needs an approval, or needs none any more, the booking moves along the lifecycle.
5. What the person has more by it the venue's quotas must allow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from api import errors, policy, terms
from api.effective_status import get_due_transition
from api.lifecycle import BOOKING, CONFIRMED, HELD, PENDING, Status, Transition
from api.models import Booking, Resource
from api.models.bookings import PAID_STATUSES, PaymentStatus
from api.policy import Check, Rules
from api.queries.venues.rules import build_rules, get_resource
from api.services.accounts.joining import check_may_book, find_attendees, join
from api.services.actors import Actor
from api.services.conflicts import retry_on_conflict
from api.signals import booking_changed, slots_freed

from .actions import check_owner
from .changes import BookingChanges, build_wish, is_chosen_anew, record_values
from .choose import iter_choices
from .parts import (
    add_service,
    calculate_price,
    check_all,
    check_one_venue,
    check_quantity,
    keep_buffers,
    list_other_ids,
    list_rules,
)
from .quotas import check_quotas
from .slots import get_booking, lock_booking, lock_resources, move_into_slot
from .transitions import apply_transition

# of these, what makes it another slot
MOVES = ("resource", "others", "starts_at", "ends_at", "quantity", "service")
_WRITTEN = [
    f.attname
    for f in Booking._meta.concrete_fields
    if f.attname not in ("status", "created_at", "updated_at")
]


@retry_on_conflict
@transaction.atomic
def reschedule_booking(
    booking_id: int,
    actor: Actor,
    changes: BookingChanges,
    *,
    check: Check | None = None,
    pre_approved: bool = False,
    next_status: str = "",
    reason: str = "",
) -> Booking:
    """Edits a booking, and moves it in time or to another resource. By its owner or staff, while it
    is held, pending or confirmed.

    A new time or resource meets the whole policy (or `check`) and the constraint again, and needs
    approval again unless it lies inside what was approved, or is `pre_approved` because whoever
    moves it is who would approve it. `next_status`: where another move of the same transaction
    leads, which is then what people are written to about. `reason`: for its history and email."""
    booking = get_booking(booking_id)

    def attempt(changes: BookingChanges, chosen: Sequence[Rules] = ()) -> Booking:
        return _reschedule(
            booking,
            actor,
            changes,
            chosen,
            check=check,
            pre_approved=pre_approved,
            next_status=next_status,
            reason=reason,
        )

    if not is_chosen_anew(booking, changes):
        return attempt(changes)
    check_owner(booking, actor)
    _check_editable(booking, booking.now)
    wish = build_wish(booking, changes)
    for chosen in iter_choices(wish):
        first, *others = (each.resource.pk for each in chosen)
        placed = replace(
            changes,
            resource=first,
            others=others,
            starts_at=wish.starts_at,
            ends_at=wish.ends_at,
        )
        try:
            with transaction.atomic():
                return attempt(placed, chosen)
        except errors.SlotTaken:
            continue
    raise errors.Busy


def _reschedule(
    first: Booking,
    actor: Actor,
    changes: BookingChanges,
    chosen: Sequence[Rules],
    *,
    check: Check | None,
    pre_approved: bool,
    next_status: str,
    reason: str,
) -> Booking:
    """`chosen`: the resources that are to serve it, and what it takes of each."""
    is_elsewhere = changes.resource not in (None, first.resource_id)
    resource = get_resource(changes.resource or first.resource_id, retired=not is_elsewhere)
    if resource.venue_id != first.venue_id:
        _check_other_venue(first, resource, actor)
    had = list_other_ids(first)
    others = list(changes.others) if changes.others is not None else [] if is_elsewhere else had
    lock_resources({first.resource_id, resource.pk, *had, *others})
    booking = lock_editable(first.pk, actor, resource.now)
    if booking.resource_id != first.resource_id or list_other_ids(booking) != had:
        raise errors.Busy
    was = copy(booking)
    before = record_values(booking) | ({"others": had} if had or others else {})
    rules = build_rules(resource)
    all_rules = [rules, *list_rules(others)]
    if changes.resource is None:
        all_rules = add_service(booking, all_rules)
    rules = (all_rules := list(chosen) or all_rules)[0]
    _apply(changes, booking, all_rules)
    after = record_values(booking) | ({"others": others} if had or others else {})
    moved = any(before.get(name) != after.get(name) for name in MOVES)
    if moved:
        plan_again(booking, all_rules, before, first.venue_id, check)
        all_rules = keep_buffers(booking, all_rules)
    if after == before and changes.attendees is None:
        return booking
    write_booking(booking, all_rules, resource.now, moved, left=had)
    follow_up = None
    if moved and not pre_approved:
        follow_up = find_follow_up(booking, rules, before, others)
    if follow_up is BOOKING.confirm:  # unless the next move confirms it, or ends it
        follow_up, next_status = (None, next_status) if next_status else (follow_up, CONFIRMED)
    details = {"next_status": next_status, "reason": reason}
    announce_change(booking, actor, before, moved, follow_up, details, others=others)
    if follow_up:
        apply_transition(follow_up, [booking.pk], actor, details={"reason": "moved"})
    booking = get_booking(booking.pk)
    check_quotas(booking, actor, was)
    return booking


def lock_editable(
    booking_id: int,
    actor: Actor,
    now: datetime,
    statuses: Collection[str] = (HELD, PENDING, CONFIRMED),
) -> Booking:
    """The booking, locked; refuses `Forbidden`, or `NotAllowedNow` where its status is none of
    these, also when the clock should have ended it by `now`."""
    booking = lock_booking(booking_id)
    check_owner(booking, actor)
    if actor.by not in BOOKING.resubmit.by:
        raise errors.Forbidden
    _check_editable(booking, now, statuses)
    return booking


def _check_editable(
    booking: Booking, now: datetime, statuses: Collection[str] = (HELD, PENDING, CONFIRMED)
) -> None:
    due = get_due_transition(BOOKING, booking, now)
    current = str(due.target) if due else booking.status
    if current not in statuses:
        raise errors.NotAllowedNow(
            f"A booking that is {Status(current).label.lower()} cannot be edited.", current=current
        )


def _apply(changes: BookingChanges, booking: Booking, rules: Sequence[Rules]) -> None:
    """Puts the changes onto the row in memory; attendees are written at once."""
    resources = [each.resource for each in rules]
    guests, quantity = changes.guests, changes.quantity or booking.quantity
    if changes.quantity or changes.resource or changes.others is not None:
        check_one_venue(resources)
        check_quantity(rules, quantity)
    fits = max(min(each.capacity for each in resources) * quantity, booking.guests)
    if resources[0].venue.capacity_enforced and guests is not None and guests > fits:
        raise errors.OverCapacity(capacity=min(each.capacity for each in resources))
    booking.resource, booking.venue = resources[0], resources[0].venue
    booking.several = len(resources) > 1
    booking.service = rules[0].service
    for name in ("starts_at", "ends_at", "title", "notes", "guests", "quantity"):
        value = getattr(changes, name)
        if value is not None and value != getattr(booking, name):
            setattr(booking, name, value)
    if changes.attendees is not None:
        known = [booking.owner_id, *booking.attendees.values_list("pk", flat=True)]
        booking.attendees.set(find_attendees(booking.venue_id, changes.attendees, known))


def _check_other_venue(booking: Booking, resource: Resource, actor: Actor) -> None:
    """Refuses `Forbidden`: staff move bookings among their own venues, and the owner becomes a
    customer of the venue that the booking comes to."""
    if actor.is_staff and not (actor.user and actor.user.is_staff_of(resource.venue_id)):
        raise errors.Forbidden
    check_may_book(booking.owner, resource.venue)
    if booking.owner is not None:
        join(booking.owner, resource.venue_id)


def plan_again(
    booking: Booking,
    all_rules: Sequence[Rules],
    before: dict[str, Any],
    previous_venue_id: int,
    check: Check | None,
) -> None:
    """Meets the policy again and freezes the deadlines anew. A start that stays keeps what hangs on
    it, so that nobody puts a no-show off by edits."""
    rules, now = all_rules[0], all_rules[0].resource.now
    starts_at, ends_at = booking.starts_at, booking.ends_at
    previous_start = datetime.fromisoformat(before["starts_at"])
    if previous_start <= now and booking.status != HELD and starts_at != previous_start:
        raise errors.AlreadyBegun
    policy.check_interval(starts_at, ends_at, now)
    check = check or policy.check_reschedule(previous_start)
    people = {"guests": booking.guests, "quantity": booking.quantity}
    check_all(check, all_rules, starts_at, ends_at, now, **people)
    _price_again(booking, all_rules)
    booking.primetime = policy.is_primetime(rules, starts_at, ends_at)
    others = [each.resource.pk for each in all_rules[1:]]
    if booking.awaits_payment and outgrows_approval(booking, rules, before, others):
        raise errors.NotAllowedNow(
            "That time needs approval; cancel the hold and ask anew.", current=booking.status
        )
    if starts_at == previous_start and booking.venue_id == previous_venue_id:
        move_end_deadlines(booking, rules, now, datetime.fromisoformat(before["ends_at"]))
    else:
        _set(booking, terms.calculate_deadlines(rules.venue, starts_at, ends_at, now))


def move_end_deadlines(
    booking: Booking, rules: Rules, now: datetime, previous_end: datetime
) -> None:
    """Freezes anew the deadlines that hang on the end of a booking whose start stays."""
    starts_at, ends_at = booking.starts_at, booking.ends_at
    no_show_at = terms.move_no_show(
        rules.venue, booking.no_show_at, starts_at, previous_end, ends_at
    )
    deadlines = terms.calculate_deadlines(rules.venue, starts_at, ends_at, now)
    completes_at = deadlines["completes_at"]
    _set(booking, {"no_show_at": no_show_at, "completes_at": completes_at})


def _set(booking: Booking, columns: Mapping[str, Any]) -> None:
    for column, value in columns.items():
        setattr(booking, column, value)


def _price_again(booking: Booking, rules: Sequence[Rules]) -> None:
    """The price of the new time and resources. It may change only while nothing was paid and
    payment is still to come; everything else would be a way around paying."""
    price = calculate_price(rules, booking.starts_at, booking.ends_at, booking.quantity)
    currency = rules[0].venue.currency if price else ""
    if (price, currency) == (booking.price_minor, booking.currency):
        return
    paid = booking.payment_status in PAID_STATUSES
    if paid or booking.status == CONFIRMED or (booking.awaits_payment and not price):
        raise errors.NotAllowedNow(
            "A change of its price needs a new booking.", current=booking.status
        )
    booking.price_minor, booking.currency = price, currency
    booking.payment_status = PaymentStatus.PENDING if price else PaymentStatus.NONE


def write_booking(
    booking: Booking, rules: Sequence[Rules], now: datetime, moved: bool, left: Iterable[int] = ()
) -> None:
    booking.version += 1

    def write() -> Booking:
        columns = {name: getattr(booking, name) for name in _WRITTEN}
        Booking.objects.filter(pk=booking.pk).update(**columns, updated_at=Now())
        return booking

    if moved:
        move_into_slot(booking, rules, now, write, left)
        slots_freed.send(sender=Booking)
    else:
        write()


def announce_change(
    booking: Booking,
    actor: Actor,
    before: dict[str, Any],
    moved: bool,
    follow_up: Transition | None,
    extra: Mapping[str, Any],
    others: Sequence[int] = (),
) -> None:
    after = record_values(booking) | {"others": list(others)}
    changed = [name for name in before if before[name] != after[name]]
    details: dict[str, Any] = {
        "from": {name: before[name] for name in changed},
        "to": {name: after[name] for name in changed},
        "moved": moved,
        "resubmitted": follow_up is BOOKING.resubmit,
    }
    details |= {name: value for name, value in extra.items() if value}
    booking_changed.send(sender=Booking, rows=[booking], actor=actor, details=details)


def find_follow_up(
    booking: Booking, rules: Rules, before: dict[str, Any], others: Iterable[int] = ()
) -> Transition | None:
    """The transition that a move causes: a confirmed booking may need an approval again, and a
    request that would be confirmed at once if it were made now waits for nobody any more."""
    if booking.status == CONFIRMED and outgrows_approval(booking, rules, before, others):
        return BOOKING.resubmit
    needs_nobody = not booking.price_minor and not policy.needs_approval(rules, booking.primetime)
    return BOOKING.confirm if booking.status == PENDING and needs_nobody else None


def outgrows_approval(
    booking: Booking, rules: Rules, before: dict[str, Any], others: Iterable[int] = ()
) -> bool:
    """Whether an approval is needed that what was approved before does not cover: of its time, its
    resources (`others` are those besides the first) and its units."""
    if not policy.needs_approval(rules, booking.primetime):
        return False
    if before["resource"] != booking.resource_id or set(others) - set(before.get("others", ())):
        return True
    if booking.quantity > before["quantity"]:
        return True
    approved = (
        datetime.fromisoformat(before["starts_at"]),
        datetime.fromisoformat(before["ends_at"]),
    )
    inside = policy.lies_within((booking.starts_at, booking.ends_at), [approved])
    return not (inside and booking.approved_at is not None)
