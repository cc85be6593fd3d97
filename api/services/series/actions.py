"""What owners and staff do with a series, or with what follows from one of its occurrences.

Occurrences that are past, or checked in, stay as they are. One letter is written for all that is
changed. Each refuses `NotFound`, `Forbidden`, and `NotAllowedNow` where nothing is left to do.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from api import errors
from api.effective_status import build_current_q, build_not_due_sql
from api.lifecycle import BOOKING, CONFIRMED, HELD, PENDING, Status, Transition
from api.models import Booking, Series
from api.models.bookings import PAID_STATUSES, PaymentStatus
from api.models.series import EndedBecause
from api.queries.clock import database_now
from api.queries.reviews.reviews import list_kept_keys
from api.queries.series.occurrences import check_recurrence_id
from api.services.actors import Actor
from api.services.bookings.broken import find_broken
from api.services.bookings.transitions import apply_transition
from api.services.conflicts import retry_on_conflict
from api.services.messages import outbox

from .letters import build_letters
from .rows import (
    cut_before,
    describe_bookings,
    end_series,
    list_later,
    lock_series,
    write_series,
)

_AHEAD = f"starts_at > statement_timestamp() AND {build_not_due_sql(BOOKING)}"
CHANGEABLE = (HELD, PENDING, CONFIRMED)


def list_ahead(
    series: Series, since: datetime | None, statuses: Collection[str] = CHANGEABLE
) -> QuerySet[Booking]:
    """Its bookings that have not begun, from that recurrence id on; not those that a trade has
    given to somebody else."""
    current = build_current_q(BOOKING, *statuses)
    rows = Booking.objects.filter(current, series=series.pk, owner=series.owner_id)
    rows = rows.filter(starts_at__gt=database_now()).order_by("pk")
    return rows.filter(recurrence_id__gte=since) if since else rows


@retry_on_conflict
@transaction.atomic
def cancel_series(
    series_id: int, actor: Actor, since: datetime | None = None, reason: str = ""
) -> Series:
    """Cancels all that is ahead, or what follows from that recurrence id. By its owner or staff."""
    if actor.by not in BOOKING.cancel.by:
        raise errors.Forbidden
    series = lock_series(series_id)
    if since is not None:
        check_recurrence_id(series, since)
    later, ended_at = list_later(series, since), series.ended_at
    rows = _move(BOOKING.cancel, series, list_ahead(series, since), actor, reason=reason)
    if series.ended_at is None and (since is None or not cut_before(series, since)):
        end_series(series, EndedBecause.CANCELLED, database_now())
        series.later_from = None
    if not (rows or later) and ended_at == series.ended_at:
        raise errors.AlreadyDone("Nothing is left to cancel.", current=Status.CANCELLED)
    write_series(series)
    if rows:
        details = {"reason": reason} if reason else {}
        outbox.put(build_letters(series, "cancelled", describe_bookings(rows), **details))
    return series


@retry_on_conflict
@transaction.atomic
def approve_series(series_id: int, actor: Actor, since: datetime | None = None) -> Series:
    """Confirms the requests, or holds them for payment until one deadline where they have a price.
    Those that break a rule by now stay requests. By staff."""
    if actor.by not in BOOKING.approve.by:
        raise errors.Forbidden
    series = lock_series(series_id)
    if since is not None:
        check_recurrence_id(series, since)
    requests = list(list_ahead(series, since, (PENDING,)).select_related("venue", "resource"))
    broken = {row.pk: find_broken(row, list_kept_keys(row.pk)) for row in requests}
    fit = [row for row in requests if broken[row.pk] is None]
    to_pay = [row.pk for row in fit if row.price_minor and row.payment_status not in PAID_STATUSES]
    sets: dict[str, Any] = {"approved_by_id": actor.user.pk if actor.user else None}
    hold = {
        "hold_expires_at": database_now() + series.venue.hold_length,
        "payment_status": PaymentStatus.PENDING,
    }
    rows = [
        *_move(BOOKING.approve_to_pay, series, to_pay, actor, sets=sets | hold),
        *_move(
            BOOKING.approve, series, [r.pk for r in fit if r.pk not in to_pay], actor, sets=sets
        ),
    ]
    if not rows:
        refusal = next((refusal for refusal in broken.values() if refusal), None)
        raise refusal or errors.NotAllowedNow("No request of it waits.", current="")
    write_series(series)
    outbox.put(build_letters(series, "approved", describe_bookings(rows)))
    return series


def _move(
    move: Transition,
    series: Series,
    rows: Any,
    actor: Actor,
    *,
    sets: dict[str, Any] | None = None,
    reason: str = "",
) -> list[Booking]:
    """The bookings (rows, or their ids) that moved."""
    ids = list(rows.values_list("pk", flat=True)) if isinstance(rows, QuerySet) else list(rows)
    details = {"series": series.pk} | ({"reason": reason} if reason else {})
    if not ids:
        return []
    return apply_transition(move, ids, actor, where=_AHEAD, sets=sets, details=details)
