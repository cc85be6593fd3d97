"""Reactions to what the core announces. A receiver writes rows, or returns the insert that is to be
written with the booking, or asks for a task; it changes no status, sends no signal and touches no
network. One does more: what is freed is offered by it to who waits. Wired in `api.apps`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction

from api.lifecycle import BOOKING, CONFIRMED, OFFERED, TRADE, Table, Transition
from api.models import Booking, Trade, User, UserProfile
from api.services.accounts import joining
from api.services.actors import Actor
from api.services.bookings import history, trades
from api.services.bookings.fit import is_any_crowded
from api.services.bookings.parts import list_booked_ids
from api.services.bookings.statements import InsertPart
from api.services.messages import notifications
from api.services.payments import refunds
from api.services.payments.cancellations import cancel_unwanted_intents
from api.services.reviews import review
from api.services.waitlist import offers
from tasks import pushes
from tasks.enqueue import enqueue_after_commit

# written by the statement that inserts or moves the bookings


def write_membership(rows: Sequence[Booking], **_: Any) -> InsertPart | None:
    """Whoever books becomes a customer."""
    return joining.build_membership_part(rows[0])


def write_created_event(
    rows: Sequence[Booking], actor: Actor, details: Mapping[str, Any], **_: Any
) -> InsertPart:
    verb = "offer" if rows[0].status == OFFERED else "book"
    return history.build_created_part(actor, details, verb)


def write_created_emails(
    rows: Sequence[Booking], details: Mapping[str, Any], **_: Any
) -> InsertPart | None:
    if "series" in details:  # which has one letter for all
        return None
    status = str(rows[0].status)
    verb = "book.guest" if rows[0].awaits_guest else f"book.{status}"
    return notifications.build_email_part(verb, status, details)


def write_transition_event(
    table: Table, transition: Transition, actor: Actor, details: Mapping[str, Any], **_: Any
) -> InsertPart | None:
    return history.build_event_part(transition.name, actor, details) if table is BOOKING else None


def write_transition_emails(
    table: Table, transition: Transition, details: Mapping[str, Any], **_: Any
) -> InsertPart | None:
    # the next transition writes to them, or the series that they are of
    if table is not BOOKING or "next_status" in details or "series" in details:
        return None
    status = str(transition.target)
    # what a guest has confirmed, or who waited has accepted, is as any other that is booked now
    is_booked = transition.name in ("confirm_guest", "accept")
    verb = f"book.{status}" if is_booked else transition.name
    return notifications.build_email_part(verb, status, details)


# written after it, in the same transaction


def record_change(
    rows: Sequence[Booking],
    actor: Actor,
    details: Mapping[str, Any],
    changes: Mapping[int, Mapping[str, Any]] | None = None,
    **_: Any,
) -> None:
    if "traded_with" in details:
        traded = {name: details[name] for name in ("traded_with", "trade_id")}
        history.record_events("trade", rows, actor, traded)
        return
    verb = "reschedule" if details["moved"] else "edit"
    history.record_events(verb, rows, actor, details, changes)


def email_traders(table: Table, transition: Transition, rows: Sequence[Any], **_: Any) -> None:
    if table is TRADE:
        notifications.notify_traders(transition.name, rows)


def email_change(rows: Sequence[Booking], details: Mapping[str, Any], **_: Any) -> None:
    # a trade writes to its people itself, and a transition that follows writes to them too; a
    # series has one letter for all
    quiet = details.keys() & {"next_status", "traded_with", "series"}
    if not (details["resubmitted"] or quiet):
        notifications.notify("moved" if details["moved"] else "edited", rows, details)


def review_change(
    rows: Sequence[Booking],
    details: Mapping[str, Any],
    changes: Mapping[int, Mapping[str, Any]] | None = None,
    **_: Any,
) -> None:
    """What was moved, or has fewer guests, may fit the rules again."""
    own = changes or {}
    edited = [
        row.pk
        for row in rows
        if details["moved"] or "guests" in own.get(row.pk, details).get("to", {})
    ]
    for pk in review.list_in_review(edited):
        review.review_edited_booking(pk, moved=details["moved"])


def review_return(table: Table, transition: Transition, rows: Sequence[Any], **_: Any) -> None:
    """What has taken its slot again has met the policy again."""
    if table is BOOKING and set(transition.sources).isdisjoint(BOOKING.blocking):
        for pk in review.list_in_review([row.pk for row in rows]):
            review.review_edited_booking(pk, moved=True)


def review_crowded(
    rows: Sequence[Any], table: Table = BOOKING, transition: Transition | None = None, **_: Any
) -> None:
    """Where more units are booked than there are, what leaves makes room for the rest."""
    stays = transition is not None and transition.target in BOOKING.blocking
    if table is not BOOKING or stays:
        return

    def review_soon() -> None:
        if is_any_crowded(list_booked_ids(rows)):
            enqueue_after_commit("tasks.clock.review_bookings")

    transaction.on_commit(review_soon, robust=True)


def refresh_rooms(rows: Sequence[Any], **kwargs: Any) -> None:
    """The rooms of these bookings, and the one that a moved booking left, show something else."""
    if kwargs.get("table", BOOKING) is BOOKING:
        old: set[int] = set()
        for change in (kwargs.get("changes") or {0: kwargs["details"]}).values():
            left = change.get("from", {})
            old |= {left[name] for name in ("resource",) if name in left}
            old |= set(left.get("others", ()))
        pushes.push_after_commit(list_booked_ids(rows) | old)


def refresh_resources(resources: Collection[int], **_: Any) -> None:
    pushes.push_after_commit(resources)


def offer_slots(venue_id: int | None = None, **_: Any) -> None:
    """In the transaction that freed them, so that nobody is faster than who waits."""
    offers.make_offers(venue_id)


def email_offer(rows: Sequence[Trade], **_: Any) -> None:
    notifications.notify_traders("offer", rows)


def let_trades_lapse(
    rows: Sequence[Booking],
    table: Table = BOOKING,
    transition: Transition | None = None,
    details: Mapping[str, Any] | None = None,
    **_: Any,
) -> None:
    """A booking that moved, or is not confirmed any more, is not the one that was offered."""
    stays = transition.target == CONFIRMED if transition else not (details or {})["moved"]
    if table is BOOKING and not stays and trades.lapse_trades_on(row.pk for row in rows):
        enqueue_after_commit("tasks.clock.lapse_trades")


def enqueue_deliveries(**_: Any) -> None:
    enqueue_after_commit("tasks.emails.deliver_due")


def close_payments(table: Table, transition: Transition, rows: Sequence[Any], **_: Any) -> None:
    priced = [row for row in rows if table is BOOKING and row.price_minor]
    if priced and transition.name not in ("pay", "pay_late"):
        cancel_unwanted_intents(priced)
        refunds.refund_ended_bookings(transition, priced)
        enqueue_after_commit("tasks.payments.deliver_calls")


def cancel_outdated_intents(rows: Sequence[Booking], **_: Any) -> None:
    cancel_unwanted_intents([row for row in rows if row.payment_status != "none"])


def enqueue_stripe_events(**_: Any) -> None:
    enqueue_after_commit("tasks.payments.work_stripe_events")


def create_profile(instance: User, created: bool, raw: bool = False, **_: Any) -> None:
    """The one use of `post_save`: a contract names it."""
    if created and not raw:
        UserProfile.objects.get_or_create(user=instance)
