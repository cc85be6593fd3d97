"""What the clock has made of a row, whether or not its sweep has run; by the database's time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import chain
from typing import Any

from django.db.models import Case, F, QuerySet, Value, When

from api.lifecycle import BOOKING, HELD, Status, Table, Transition
from api.models import Booking
from api.models.bookings import PaymentStatus, due


def due_transition(table: Table, row: Any, now: datetime) -> Transition | None:
    """The move that the clock should already have made of this row, whether or not it has."""
    for move in table.time_driven:
        deadline = getattr(row, move.deadline) if row.status in move.sources else None
        spared = move.unless and getattr(row, move.unless) is not None
        if deadline is not None and deadline <= now and not spared:
            return move
    return None


def effective_status(booking: Booking) -> str:
    """The status as it is read. A row that was read brought along the database's `now`; one that
    was just written has nothing due."""
    now = getattr(booking, "now", None)
    move = due_transition(BOOKING, booking, now) if now else None
    return str(move.target) if move else booking.status


def with_effective_status(rows: QuerySet[Booking], statuses: Collection[str]) -> QuerySet[Booking]:
    """Those of the bookings whose `effective_status` is one of these."""
    led = (move.sources for move in BOOKING.time_driven if move.target in statuses)
    moved = (When(due(move), then=Value(str(move.target))) for move in BOOKING.time_driven)
    read = Case(*moved, default=F("status"))
    return (
        rows.filter(status__in={*statuses, *chain(*led)}).alias(read=read).filter(read__in=statuses)
    )


def effective_payment_status(booking: Booking) -> str:
    """A hold that is over by the clock is not paid any more."""
    over = booking.status == HELD and effective_status(booking) == Status.EXPIRED
    return PaymentStatus.FAILED.value if over else booking.payment_status
