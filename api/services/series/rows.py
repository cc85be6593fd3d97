"""The row of a series: locked, cut short, and divided in two."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models.functions import Now

from api import errors
from api.models import Booking, Series, Venue
from api.models.series import EndedBecause, Outcome
from api.opening_hours import DAY, to_instant
from api.queries.series.occurrences import Occurrence, OccurrenceOutcome, expand_series
from api.recurrence import count_on, end_before, list_walls, read_wall

ONCE = "FREQ=DAILY;COUNT=1"


def lock_series(series_id: int) -> Series:
    """The series with its venue and owner, locked; refuses `NotFound`."""
    rows = Series.objects.select_for_update(no_key=True).filter(pk=series_id)
    list(rows.values_list("pk"))
    series = Series.objects.select_related("venue", "owner").filter(pk=series_id).first()
    if series is None:
        raise errors.NotFound("There is no such series.")
    return series


def write_series(series: Series) -> None:
    """Saves the row as another version of itself."""
    series.version += 1
    series.updated_at = Now()
    series.save()


def end_series(series: Series, because: EndedBecause, now: datetime) -> None:
    """Nothing of it is booked any more; not written yet."""
    series.ended_at, series.ended_because = now, because
    series.extends_at = None


def cut_before(series: Series, since: datetime) -> bool:
    """Ends the rule before the occurrence with that recurrence id; not written yet. False, and
    nothing is changed, for the first of them."""
    before = [wall for wall in _list_ruled(series) if read_wall(wall, series.zone) < since]
    if not before:
        return False
    series.rule = end_before(series.rule, before[-1])
    series.rdates = [at for at in series.rdates if at < since]
    series.exdates = [at for at in series.exdates if at < since]
    series.missed = {at: why for at, why in series.missed.items() if _read(at) < since}
    if series.later_from and series.later_from >= since:
        series.later_from = series.extends_at = None
    return True


def split(series: Series, since: datetime) -> Series:
    """A series of what follows from that recurrence id; neither is written yet, and this one is cut
    before it."""
    zone, new = series.zone, copy.copy(series)
    new._state = copy.copy(series._state)
    new.pk, new._state.adding, new.dry_run, new.version = None, True, None, 1
    new.rdates = [at for at in series.rdates if at >= since]
    new.exdates = [at for at in series.exdates if at >= since]
    new.missed = {at: why for at, why in series.missed.items() if _read(at) >= since}
    walls = [wall for wall in _list_ruled(series) if read_wall(wall, zone) >= since]
    if walls:
        new.rule = count_on(series.rule, len(walls))
    else:  # of what comes besides the rule
        new.rule, walls = ONCE, [new.rdates.pop(0).astimezone(zone).replace(tzinfo=None)]
    new.first_on, new.first_at = walls[0].date(), walls[0].time()
    if series.later_from:
        new.later_from = max(series.later_from, since)
    cut_before(series, since)
    return new


def _list_ruled(series: Series) -> list[datetime]:
    return list_walls(series.rule, series.first, series.zone, may_be_endless=True)


def _read(at: str) -> datetime:
    return datetime.fromisoformat(at)


def list_later(series: Series, since: datetime | None = None) -> list[Occurrence]:
    """What is still to be booked, from that recurrence id on."""
    if series.later_from is None or series.ended_at:
        return []
    first = max(series.later_from, since or series.later_from)
    return [each for each in expand_series(series) if each.recurrence_id >= first]


def set_extends_at(series: Series, venue: Venue) -> None:
    """When the first of the later ones can be booked; not written yet."""
    series.extends_at = None
    if later := list_later(series):
        series.extends_at = min(get_bookable_at(venue, each.starts_at) for each in later)


def get_bookable_at(venue: Venue, starts_at: datetime) -> datetime:
    """When the venue's advance limit first lets that be booked."""
    advance = venue.max_advance
    if advance is None:
        return starts_at - timedelta(days=366)
    if advance % DAY:
        return starts_at - advance
    on = starts_at.astimezone(venue.zone).date() - advance
    return to_instant(venue.zone, on, datetime.min.time())


def describe_later(series: Series) -> list[OccurrenceOutcome]:
    """What is still to be booked, as it would be then."""
    return [OccurrenceOutcome(each, Outcome.LATER, *each.interval) for each in list_later(series)]


def describe_unmoved(rows: Iterable[Booking]) -> list[OccurrenceOutcome]:
    """What a change of texts would write, by recurrence id."""
    found = [replace(each, outcome=Outcome.WOULD_BOOK) for each in describe_bookings(rows)]
    return sorted(found, key=lambda each: each.recurrence_id)


def describe_bookings(rows: Iterable[Booking]) -> list[OccurrenceOutcome]:
    """The bookings as a letter lists them, by start."""
    return [
        OccurrenceOutcome(
            Occurrence(row.recurrence_id or row.starts_at, row.starts_at, row.ends_at),
            Outcome.BOOKED,
            row.starts_at,
            row.ends_at,
            booking=row,
        )
        for row in sorted(rows, key=lambda row: row.starts_at)
    ]
