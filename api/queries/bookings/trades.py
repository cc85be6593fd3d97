"""Trades as they are read: an offer whose time has come reads as lapsed, swept or not."""

from __future__ import annotations

from typing import Any, TypedDict

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from api.effective_status import build_current_q, build_effective_status_case
from api.errors import NotFound
from api.lifecycle import TRADE, TradeStatus
from api.models import Trade, User

SIDES = ("requester_booking", "target_booking")
RELATED = [f"{side}__{name}" for side in SIDES for name in ("resource", "venue", "owner")]


def list_trades_with_status() -> QuerySet[Trade]:
    """Each with the database's `now`, and `status_now`, the status that it has whether or not the
    clock's sweep has run."""
    return Trade.objects.annotate(status_now=build_effective_status_case(TRADE), now=Now())


def list_visible_trades(user: User) -> QuerySet[Trade]:
    """Those that this person offered or was offered, newest first, with bookings and people."""
    mine = list_trades_with_status().filter(Q(requester=user) | Q(target=user))
    rows = mine.select_related("requester", "target", *RELATED)
    return rows.select_related(*(f"{side}__approved_by" for side in SIDES)).order_by("-pk")


def get_visible_trade(user: User, pk: int, **where: Any) -> Trade:
    """The trade; refuses `NotFound` to anybody but the two people."""
    trade = list_visible_trades(user).filter(pk=pk, **where).first()
    if trade is None:
        raise NotFound
    return trade


def get_status_now(pk: int) -> str:
    """The status that the trade has now."""
    return str(list_trades_with_status().get(pk=pk).status_now)  # type: ignore[attr-defined]  # annotated


class Waiting(TypedDict):
    sent: int
    received: int


def count_open_offers(user: User, **where: Any) -> Waiting:
    """How many offers stand: `sent` by this person, and `received`."""
    rows = Trade.objects.filter(build_current_q(TRADE, TradeStatus.OFFERED), **where)
    return {
        "sent": rows.filter(requester=user).count(),
        "received": rows.filter(target=user).count(),
    }
