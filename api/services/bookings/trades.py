"""Trades: two people swap two bookings of one venue, when both agree.

Locks are taken in one order, bookings by id, then trades by id; under them everything is checked
again, and the database's clock alone decides whether an offer is still open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from api import errors, policy
from api.effective_status import build_current_q, build_not_due_sql
from api.lifecycle import TRADE, ActorRole, Status, TradeStatus, Transition
from api.models import Booking, Trade, User
from api.models.bookings import PaymentStatus
from api.queries.bookings import trades as queries
from api.queries.venues.rules import get_resource
from api.services.actors import Actor
from api.services.conflicts import retry_on_conflict
from api.services.messages import outbox
from api.signals import booking_changed, trade_offered

from . import history
from .parts import check_all, list_all_rules
from .quotas import check_quotas
from .transitions import apply_due_transitions, apply_transition

NOT_LAPSED = build_not_due_sql(TRADE)


@retry_on_conflict
@transaction.atomic
def offer_trade(
    *, requester: User, mine: int, theirs: int, message: str = "", venue: int | None = None
) -> Trade:
    """Offers one's own booking for somebody else's. Both must be confirmed, ahead, at one venue (at
    this one, if it is named), and the policy must let each person book the other's time. Refuses
    `TradeRefused`, and `AlreadyDone` while the same offer is open."""
    found = {
        k: row for k, row in _lock_bookings(mine, theirs).items() if venue in (None, row.venue_id)
    }
    if mine not in found or found[mine].owner_id != requester.pk:
        raise _build_unknown("requester")
    target = found[theirs].owner if theirs in found else None
    if target is None or target.pk == requester.pk:
        raise _build_unknown("target")
    if found[theirs].venue_id != found[mine].venue_id:  # of which they are to learn nothing
        raise _build_unknown("target")
    _check_swap(found[mine], found[theirs])
    same = "requester_booking_id = %s AND target_booking_id = %s"
    apply_due_transitions(TRADE, same, (mine, theirs))
    same_offer = Trade.objects.filter(requester_booking=mine, target_booking=theirs)
    if same_offer.filter(status=TradeStatus.OFFERED).exists():
        raise errors.AlreadyDone(
            "You have offered this trade already.", current=TradeStatus.OFFERED.value
        )
    trade = Trade.objects.create(
        requester=requester,
        target=target,
        requester_booking=found[mine],
        target_booking=found[theirs],
        message=message,
        lapses_at=min(found[mine].starts_at, found[theirs].starts_at),
    )
    trade_offered.send(sender=Trade, rows=[trade], actor=Actor(ActorRole.OWNER, requester))
    return trade


@retry_on_conflict
@transaction.atomic
def accept_trade(trade_id: int, user: User, message: str = "") -> Trade:
    """Swaps the owners; every other offer on either booking is withdrawn. By the person asked.

    Against anything else that happens to either booking exactly one of the two wins: both are
    locked, and their owners, statuses, dates and policy are looked at again."""
    trade = _get_for_target(trade_id, user)
    mine, theirs = trade.target_booking_id, trade.requester_booking_id
    found = _lock_bookings(mine, theirs)
    open_trades = _lock_open_trades([mine, theirs])
    if trade_id not in open_trades:
        raise _build_refusal(trade_id, TRADE.accept)
    for side, booking, owner in (
        ("requester", found[theirs], trade.requester_id),
        ("target", found[mine], trade.target_id),
    ):
        if booking.owner_id != owner:
            raise errors.TradeRefused("The booking has changed hands.", which=side)
    _check_swap(found[theirs], found[mine])
    actor = Actor(ActorRole.COUNTERPART, user)
    apply_transition(
        TRADE.accept, [trade_id], actor, where=NOT_LAPSED, sets={"response_message": message}
    )
    others = [other for other in open_trades if other != trade_id]
    reason = {"reason": "another trade came first"}
    apply_transition(TRADE.withdraw, others, actor, details=reason)
    _swap_owners(found[theirs], found[mine], trade_id, actor)
    _check_quotas_of_both(found[theirs], found[mine], actor)
    return Trade.objects.get(pk=trade_id)


@retry_on_conflict
def reject_trade(trade_id: int, user: User, message: str = "") -> Trade:
    """Declines the offer. By the person asked."""
    _get_for_target(trade_id, user)
    return _move_trade(
        TRADE.reject,
        trade_id,
        Actor(ActorRole.COUNTERPART, user),
        sets={"response_message": message},
    )


@retry_on_conflict
def withdraw_trade(trade_id: int, user: User) -> Trade:
    """Takes one's offer back. By the person who made it, or staff."""
    trade = Trade.objects.filter(pk=trade_id).select_related("requester_booking").first()
    if trade is None:
        raise errors.NotFound
    is_staff = user.is_staff_of(trade.requester_booking.venue_id)
    if user.pk != trade.requester_id and not is_staff:
        raise errors.Forbidden("Only the person who made the offer can take it back.")
    actor = Actor(ActorRole.OWNER if user.pk == trade.requester_id else ActorRole.STAFF, user)
    return _move_trade(TRADE.withdraw, trade_id, actor)


def lapse_trades_on(booking_ids: Iterable[int]) -> int:
    """How many open offers on these bookings are due to lapse from now on, because the bookings
    moved, ended or changed hands."""
    rows = _lock_open_trades(list(booking_ids))
    if rows:
        Trade.objects.filter(pk__in=rows).update(
            lapses_at=Now(), updated_at=Now(), version=F("version") + 1
        )
    return len(rows)


# locks and checks


def _lock_bookings(*ids: int) -> dict[int, Booking]:
    """The bookings by id, under their locks. Read after the wait, because a query that waits keeps
    what it read from the tables that it joined."""
    rows = Booking.objects.filter(pk__in=ids)
    list(rows.order_by("pk").select_for_update(no_key=True).values_list("pk"))
    return rows.select_related("owner").in_bulk()


def _lock_open_trades(booking_ids: Sequence[int]) -> list[int]:
    """Ids of the open offers on these bookings, locked in that order."""
    touching = Q(requester_booking__any_of=booking_ids) | Q(target_booking__any_of=booking_ids)
    rows = Trade.objects.filter(touching, build_current_q(TRADE, TradeStatus.OFFERED)).order_by(
        "pk"
    )
    return list(rows.select_for_update(no_key=True).values_list("pk", flat=True))


def _get_for_target(trade_id: int, user: User) -> Trade:
    """The trade, for the person asked; refuses `NotFound` to anybody but the two people."""
    trade = Trade.objects.filter(Q(requester=user) | Q(target=user), pk=trade_id).first()
    if trade is None:
        raise errors.NotFound
    if trade.target_id != user.pk:
        raise errors.Forbidden("Only the person asked can answer.")
    return trade


def _move_trade(move: Transition, trade_id: int, actor: Actor, **options: Any) -> Trade:
    trade: Trade
    for trade in apply_transition(move, [trade_id], actor, where=NOT_LAPSED, **options):
        return trade
    raise _build_refusal(trade_id, move)


def _build_refusal(trade_id: int, move: Transition) -> errors.NotAllowedNow:
    """Why a trade that is not open any more cannot make this move."""
    status = queries.get_status_now(trade_id)
    if status == move.target:
        return errors.AlreadyDone(current=status)
    label = TradeStatus(status).label.lower()
    return errors.NotAllowedNow(f"This offer is already {label}.", current=status)


def _build_unknown(side: str) -> errors.TradeRefused:
    whose = "This is not a booking of theirs." if side == "target" else "This is not your booking."
    return errors.TradeRefused(whose, which=side, unknown=True)


def _check_swap(first: Booking, second: Booking) -> None:
    """Refuses `TradeRefused` unless each booking may change hands and the policy would let the
    other person, with the guests they bring, book its time now."""
    for side, booking, other in (("requester", first, second), ("target", second, first)):
        if why := _find_obstacle(booking, other):
            raise errors.TradeRefused(why, which=side)
        resource = get_resource(booking.resource_id)
        rules, now = list_all_rules(booking, resource), resource.now
        times, units = (booking.starts_at, booking.ends_at), booking.quantity
        try:
            check_all(policy.check_booking, rules, *times, now, guests=other.guests, quantity=units)
        except errors.Refusal as refusal:
            raise errors.TradeRefused(refusal.detail, which=side) from None


def _find_obstacle(booking: Booking, other: Booking) -> str:
    if booking.status != Status.CONFIRMED:
        return f"A booking that is {booking.get_status_display().lower()} cannot be traded."
    if not Booking.objects.filter(pk=booking.pk).blocking().exists():
        return "The booking is over."
    if booking.payment_status != PaymentStatus.NONE:
        return "A booking with a price cannot be traded: refunds go to whoever paid."
    owner = booking.owner
    if owner is None or owner.is_staff_of(booking.venue_id) or not owner.is_active:
        return "Only bookings of ordinary, active accounts are traded."
    return ""


def _check_quotas_of_both(first: Booking, second: Booking, actor: Actor) -> None:
    """Refuses `TradeRefused` where one of the two may not have what they got. They are locked in
    one order, so that no two trades of theirs wait for each other."""
    sides = (("requester", first, second), ("target", second, first))
    for side, given, got in sorted(sides, key=lambda each: each[1].owner_id or 0):
        now_theirs = copy(got)
        now_theirs.owner = given.owner
        try:
            check_quotas(now_theirs, actor, was=given)
        except errors.QuotaReached:
            raise errors.TradeRefused(
                "It is more than one person may have here.", which=side
            ) from None


# the swap

PARTY = ("owner_id", "title", "notes", "guests")


def _swap_owners(first: Booking, second: Booking, trade: int, actor: Actor) -> None:
    """Each person takes the other's slot and brings their own party: title, notes, guests. Emails
    to the old owner that are still to be sent are withheld: they would show what the new one
    wrote."""
    ids = first.pk, second.pk
    outbox.withhold(ids, "the booking was traded away")
    history.erase_texts(ids)
    people = [list(row.attendees.all()) for row in (first, second)]
    parties = [{name: getattr(row, name) for name in PARTY} for row in (first, second)]
    for pk, party in zip(ids, reversed(parties), strict=True):
        # who had it as a guest, and has it no more, has a link to it
        Booking.objects.filter(pk=pk).update(
            **party, guest_link="", version=F("version") + 1, updated_at=Now()
        )
    if people[0] or people[1]:
        first.attendees.set(people[1])
        second.attendees.set(people[0])
    rows = Booking.objects.select_related("venue", "resource", "owner").in_bulk(ids)
    for pk, before in zip(ids, parties, strict=True):
        details = {"traded_with": before["owner_id"], "trade_id": trade}
        booking_changed.send(
            sender=Booking,
            rows=[rows[pk]],
            actor=actor,
            details={"moved": False, "resubmitted": False, **details},
        )
