"""Trades as they are read: an offer whose time has come reads as lapsed, swept or not."""

from __future__ import annotations

from typing import Any, TypedDict

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from api.effective_status import current_q, effective_status_case
from api.errors import NotFound
from api.lifecycle import TRADE, TradeStatus
from api.models import Trade, User

SIDES = ("requester_booking", "target_booking")
AT_HAND = [f"{side}__{name}" for side in SIDES for name in ("resource", "venue", "owner")]


def trades_with_status() -> QuerySet[Trade]:
    """Each with the database's `now`, and `status_now`, the status that it has whether or not the
    clock's sweep has run."""
    return Trade.objects.annotate(status_now=effective_status_case(TRADE), now=Now())


def list_visible_trades(user: User) -> QuerySet[Trade]:
    """Those that this person offered or was offered, newest first, with bookings and people."""
    mine = trades_with_status().filter(Q(requester=user) | Q(target=user))
    rows = mine.select_related("requester", "target", *AT_HAND)
    return rows.select_related(*(f"{side}__approved_by" for side in SIDES)).order_by("-pk")


def get_visible_trade(user: User, pk: int, **where: Any) -> Trade:
    """The trade; refuses `NotFound` to anybody but the two people."""
    trade = list_visible_trades(user).filter(pk=pk, **where).first()
    if trade is None:
        raise NotFound
    return trade


def get_status_now(pk: int) -> str:
    """The status that the trade has now."""
    return str(trades_with_status().get(pk=pk).status_now)  # type: ignore[attr-defined]


class Waiting(TypedDict):
    sent: int
    received: int


def count_open_offers(user: User, **where: Any) -> Waiting:
    """How many offers stand: `sent` by this person, and `received`."""
    rows = Trade.objects.filter(current_q(TRADE, TradeStatus.OFFERED), **where)
    return {
        "sent": rows.filter(requester=user).count(),
        "received": rows.filter(target=user).count(),
    }
