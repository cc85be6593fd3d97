"""So many no-shows end a series, where the venue says so; staff may resume it."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import connection, transaction
from django.db.models.functions import Now

from api import errors
from api.effective_status import build_effective_status_sql
from api.lifecycle import BOOKING, CONFIRMED, PENDING, Status
from api.models import Booking, BookingEvent, Series, Venue
from api.models.series import EndedBecause, Outcome
from api.queries.clock import database_now
from api.queries.series.occurrences import Occurrence, OccurrenceOutcome, check_recurrence_id
from api.services.actors import Actor
from api.services.bookings.actions import approve_booking, reinstate_booking
from api.services.bookings.transitions import apply_transition
from api.services.conflicts import retry_on_conflict
from api.services.messages import outbox
from api.services.operations import jobs

from .actions import list_ahead
from .letters import build_letters
from .rows import (
    describe_bookings,
    end_series,
    lock_series,
    set_extends_at,
    write_series,
)

JOB = "end_series"
# of those that still have something ahead
_MISSED = (
    f"SELECT s.id FROM {Series._meta.db_table} s JOIN {Venue._meta.db_table} v ON v.id = s.venue_id"
    " WHERE v.series_no_show_limit IS NOT NULL AND s.ended_at IS NULL"
    " AND v.series_no_show_limit <= (SELECT count(*)"
    f" FROM {Booking._meta.db_table} b WHERE b.series_id = s.id AND b.owner_id = s.owner_id"
    f" AND {build_effective_status_sql(BOOKING, 'b.')} = '{Status.NO_SHOW.value}')"
    " - s.no_shows_forgiven AND (s.later_from IS NOT NULL OR EXISTS (SELECT"
    f" FROM {Booking._meta.db_table} b WHERE b.series_id = s.id"
    " AND b.starts_at > statement_timestamp() AND b.status IN ('held', 'pending', 'confirmed')))"
    " AND (%s::bigint IS NULL OR s.id = %s) ORDER BY s.id"
)


def end_missed_series() -> int:
    """Series ended because nobody came too often. Safe to run twice or at once with itself: each is
    locked and looked at again."""
    return jobs.run_each(JOB, ((f"series {pk}", partial(end_missed, pk)) for pk in _list_missed()))


def _list_missed(pk: int | None = None) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_MISSED, [pk, pk])
        return [row[0] for row in cursor.fetchall()]


@transaction.atomic
def end_missed(pk: int) -> bool:
    """Ends a series that too many did not come to: all that is ahead is cancelled, with one letter.
    False where somebody came first."""
    series = lock_series(pk)
    if not _list_missed(pk):
        return False
    times = count_no_shows(series) - series.no_shows_forgiven
    ids = list(list_ahead(series, None).values_list("pk", flat=True))
    rows = apply_transition(
        BOOKING.end_series, ids, Actor.clock(JOB), details={"series": pk, "no_shows": times}
    )
    series.ended_bookings = [row.pk for row in rows]
    end_series(series, EndedBecause.NO_SHOWS, database_now())
    write_series(series)
    outbox.put(build_letters(series, "ended", describe_bookings(rows), times=times))
    return True


def count_no_shows(series: Series) -> int:
    """To how many of its bookings nobody came, written down already or not."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM {Booking._meta.db_table} b WHERE b.series_id = %s"
            f" AND b.owner_id = %s AND {build_effective_status_sql(BOOKING, 'b.')} = %s",
            [series.pk, series.owner_id, Status.NO_SHOW.value],
        )
        return int(cursor.fetchone()[0])


@retry_on_conflict
@transaction.atomic
def resume_series(series_id: int, actor: Actor, since: datetime | None = None) -> Series:
    """Takes back that no-shows have ended a series: what that cancelled and is still ahead and free
    is as it was, and only later no-shows count. By staff; one letter is written."""
    if actor.by not in BOOKING.reinstate.by:
        raise errors.Forbidden
    series = lock_series(series_id)
    if since is not None:
        check_recurrence_id(series, since)
    if series.ended_because != EndedBecause.NO_SHOWS:
        current = series.ended_because or "running"
        raise errors.NotAllowedNow("No-shows have not ended it.", current=current)
    rows = Booking.objects.filter(
        pk__in=series.ended_bookings, starts_at__gt=Now(), status=Status.CANCELLED
    )
    if since is not None:
        rows = rows.filter(recurrence_id__gte=since)
    outcomes = [_reinstate(row, actor) for row in rows.order_by("starts_at", "pk")]
    series.no_shows_forgiven = count_no_shows(series)
    series.ended_at, series.ended_because, series.ended_bookings = None, "", []
    set_extends_at(series, series.venue)
    write_series(series)
    outbox.put(build_letters(series, "resumed", outcomes))
    return series


def _reinstate(row: Booking, actor: Actor) -> OccurrenceOutcome:
    """The booking as it was before its series ended, unless somebody else has the time by now."""
    occurrence = Occurrence(row.recurrence_id or row.starts_at, row.starts_at, row.ends_at)
    events = BookingEvent.objects.filter(booking=row, verb=BOOKING.end_series.name)
    was = events.values_list("from_status", flat=True).first()
    try:
        with transaction.atomic():  # one letter is written for all of them
            booking = reinstate_booking(row.pk, actor, next_status=was or CONFIRMED)
            if was != PENDING:
                booking = approve_booking(row.pk, actor, next_status=CONFIRMED)
    except errors.Refusal as refusal:
        taken = isinstance(refusal, errors.SlotTaken)
        outcome = Outcome.TAKEN if taken else Outcome.REFUSED
        return OccurrenceOutcome(occurrence, outcome, *occurrence.interval, code=refusal.code)
    return OccurrenceOutcome(occurrence, Outcome.BOOKED, *occurrence.interval, booking=booking)
