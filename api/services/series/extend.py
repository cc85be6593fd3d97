"""Books what a series has beyond the advance limit, once that lets it."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from django.db import connection, transaction

from api import errors
from api.lifecycle import CONFIRMED, NOW
from api.models import Series
from api.models.series import OnConflict, Outcome
from api.queries.clock import database_now
from api.queries.series.occurrences import Occurrence, OccurrenceOutcome, expand_series
from api.services.accounts.joining import check_may_book, list_people_of
from api.services.actors import Actor
from api.services.bookings import sweeps
from api.services.messages import outbox
from api.services.messages.outbox import Effect

from .book import (
    LostError,
    Written,
    book,
    build_bookings,
    end_what_is_overdue,
    limit_holds,
)
from .create import MAX_TRIES, note_outcomes, number
from .letters import build_letters
from .limits import limit_quotas
from .plan import plan, read_wanted
from .rows import lock_series, write_series

JOB = "extend_series"
DUE = f"ended_at IS NULL AND extends_at <= {NOW}"
AGAIN = timedelta(minutes=1)
_NEXT = (
    f"SELECT id, extends_at::text FROM {Series._meta.db_table} t WHERE {DUE} AND extends_at >= %s"
    f" AND {sweeps.NOT_SET_ASIDE} ORDER BY extends_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED"
)


class Extended(NamedTuple):
    pk: int
    fell_due: str


def extend_due_series() -> int:
    """Series of which a later occurrence could be booked by now: it is, or its owner is told why
    not. Each in a transaction of its own; safe to run twice or at once with itself."""
    return sweeps.run_in_batches(
        JOB,
        work=lambda since, _: _extend_next(since),
        blame=lambda error: sweeps.set_aside(Series, DUE, "extends_at", job=JOB, error=error),
        batch=1,
    )


def _extend_next(since: str) -> list[Extended]:
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [since, JOB])
        rows = list(map(Extended._make, cursor.fetchall()))
    for row in rows:
        extend_series(lock_series(row.pk))
    return rows


def extend_series(series: Series) -> list[OccurrenceOutcome]:
    """Books what can be booked by now of its later occurrences; what cannot is left out, as a
    series that is made now would do. In a transaction that holds its lock."""
    later = [
        each
        for each in expand_series(series)
        if series.later_from and each.recurrence_id >= series.later_from
    ]
    for n in range(MAX_TRIES):
        try:
            with transaction.atomic():
                return _extend(series, later, make_way=n > 0)
        except LostError:
            end_what_is_overdue(_plan(series, later))
    raise errors.Busy


def _extend(series: Series, later: list[Occurrence], *, make_way: bool) -> list[OccurrenceOutcome]:
    now = database_now()
    outcomes = limit_holds(limit_quotas(_plan(series, later), Actor.clock(JOB)))
    note_outcomes(series, outcomes, series.venue)
    if series.extends_at and series.extends_at <= now:  # no run may come back to it at once
        series.extends_at = now + AGAIN
    number(series, outcomes)
    done = [each for each in outcomes if each.outcome != Outcome.LATER]
    if any(each.booking for each in done):
        people = [person.pk for person in list_people_of(series.venue_id, series.attendees)]
        written = Written(attendees=people, details={"series": series.pk})
        done = book(series, done, Actor.clock(JOB), written, is_new=False, make_way=make_way)
    write_series(series)
    outbox.put(_build_letters(series, done))
    return done


def _plan(series: Series, later: list[Occurrence]) -> list[OccurrenceOutcome]:
    """As of a new series; all of it is refused where its owner may not book there any more, or what
    it books is gone."""
    mode = series.on_conflict
    try:
        check_may_book(series.owner, series.venue)
        wanted = read_wanted(
            series, on_conflict=OnConflict.SKIP if mode == OnConflict.REFUSE else mode
        )
    except errors.Refusal as refusal:
        return [
            OccurrenceOutcome(
                each, Outcome.REFUSED, *each.interval, refusal=refusal, code=refusal.code
            )
            for each in later
        ]
    return build_bookings(series, plan(wanted, later), wanted.now)


def _build_letters(series: Series, done: list[OccurrenceOutcome]) -> list[Effect]:
    """What is not booked is told, and what asks something of somebody; the rest was told when the
    series was made."""
    missed = [each for each in done if each.booking is None]
    asking = [
        each
        for each in done
        if each.booking and (each.outcome == Outcome.MOVED or each.booking.status != CONFIRMED)
    ]
    letters = build_letters(series, "missed", missed) if missed else []
    return letters + (build_letters(series, "booked", asking) if asking else [])
