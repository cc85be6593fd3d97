"""When a place is open: weeks, exceptions and public holidays, turned into intervals of instants.

Nothing here reads a clock or the database. Wall times are the venue's. A span that closes at 00:00
closes at midnight, one that closes before it opens does so on the next day, and 00:00 to 00:00 is
the whole day. What decides about a date: the resource's exception, the venue's, a public holiday,
the resource's week, the venue's week.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias
from zoneinfo import ZoneInfo

from holidays import country_holidays

from api.models import Hours, HoursException, Resource, Venue

Interval: TypeAlias = tuple[datetime, datetime]
Span: TypeAlias = tuple[time, time]  # wall times of one date: opens, closes
Week: TypeAlias = tuple[tuple[Span, ...], ...]  # Monday first
Row: TypeAlias = tuple[int, time, time]  # weekday, opens, closes

DAY = timedelta(days=1)
MIDNIGHT = time.min
WHOLE_DAY: Span = (MIDNIGHT, MIDNIGHT)
NEVER_OPEN: Week = ((),) * 7


# wall times and instants


def to_instant(zone: ZoneInfo, on: date, at: time) -> datetime:
    """The instant of a wall time, in UTC. In a gap it moves on by the gap, in a fold it is the
    first of the two (PEP 495)."""
    return datetime.combine(on, at, zone).astimezone(UTC)


def to_interval(zone: ZoneInfo, on: date, starts: time, ends: time) -> Interval:
    """The instants of two wall times of one date; an end at 00:00 is the midnight that ends it."""
    return to_instant(zone, on, starts), to_instant(zone, on + DAY * (ends == time.min), ends)


def ends_before_start(starts: time, ends: time) -> bool:
    """Of two wall times of one date: whether the end is not after the start. 00:00 is midnight."""
    return ends <= starts and ends != time.min


def wall_time_exists(zone: ZoneInfo, on: date, at: time) -> bool:
    """Whether that wall time is shown by any clock there: not in a gap."""
    return to_instant(zone, on, at).astimezone(zone).replace(tzinfo=None) == datetime.combine(
        on, at
    )


def iter_local_dates(zone: ZoneInfo, starts_at: datetime, ends_at: datetime) -> Iterator[date]:
    """Every local date that the interval touches."""
    day, last = starts_at.astimezone(zone).date(), (ends_at - timedelta.resolution).astimezone(zone)
    while day <= last.date():
        yield day
        day += DAY


# weeks


def build_week(rows: Iterable[Row]) -> Week:
    days: list[list[Span]] = [[] for _ in range(7)]
    for weekday, opens, closes in rows:
        days[weekday].append((opens, closes))
    return tuple(join_spans(day) for day in days)


def join_spans(spans: Iterable[Span]) -> tuple[Span, ...]:
    """By opening; those of one date that meet are one."""
    joined: list[Span] = []
    for opens, closes in sorted(spans):
        if joined and joined[-1][1] == opens:
            joined[-1] = joined[-1][0], closes
        else:
            joined.append((opens, closes))
    return tuple(joined)


def build_uniform_week(opens: time, closes: time, closed_weekdays: Iterable[int] = ()) -> Week:
    """The same span every day but on the closed weekdays."""
    closed = set(closed_weekdays)
    return tuple(() if weekday in closed else ((opens, closes),) for weekday in range(7))


def list_rows(week: Week) -> list[Row]:
    return [(weekday, *span) for weekday, spans in enumerate(week) for span in spans]


def get_uniform_span(week: Week) -> Span | None:
    """The one span that all days have which have any; None if they differ, or none has."""
    spans = {spans for spans in week if spans}
    only = spans.pop() if len(spans) == 1 else ()
    return only[0] if len(only) == 1 else None


def list_closed_weekdays(week: Week) -> list[int]:
    return [weekday for weekday, spans in enumerate(week) if not spans]


def get_outer_span(week: Week) -> Span | None:
    """From the earliest opening of any day to the latest closing; None if it is never open."""
    spans = [span for spans in week for span in spans]
    if not spans:
        return None
    return min(opens for opens, _ in spans), max(spans, key=_get_closing)[1]


def _get_closing(span: Span) -> tuple[bool, time]:
    """What sorts closing times: those of the next day come last."""
    return span[1] <= span[0], span[1]


def find_bad_row(rows: Sequence[Row], days: int = 7) -> tuple[int, str] | None:
    """The index of the first row that cannot be, and why: it opens and closes at the same time, or
    overlaps another. After the last of the `days` comes the first again."""
    seconds = int(DAY.total_seconds())
    spans = []
    for index, (weekday, opens, closes) in enumerate(rows):
        if opens == closes != MIDNIGHT:
            return index, "Opens and closes at the same time; the whole day is 00:00 to 00:00."
        start, end = (at.hour * 3600 + at.minute * 60 + at.second for at in (opens, closes))
        spans.append((weekday * seconds + start, (weekday + (end <= start)) * seconds + end, index))
    spans.sort()
    for this, following in pairwise(spans):
        if this[1] > following[0]:
            return following[2], "Overlaps another."
    if spans and max(end for _, end, _ in spans) - days * seconds > spans[0][0]:
        return spans[0][2], "Overlaps another, of the night before."
    return None


# the schedule


@dataclass(frozen=True)
class DatedWeek:
    """A week and the date from which it is valid; None is always."""

    valid_from: date | None
    week: Week


@dataclass(frozen=True)
class ExceptionDays:
    """Dates, first to last inclusive, with spans of their own; closed if there are none."""

    first_on: date
    last_on: date
    spans: tuple[Span, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Schedule:
    """All that says when one resource is open. `own` is the resource's, by the date from which it
    is valid; `own_span` are its hours on days on which the venue is open."""

    zone: ZoneInfo
    weeks: tuple[DatedWeek, ...]
    own: tuple[DatedWeek, ...] = ()
    own_span: Span | None = None
    exceptions: tuple[ExceptionDays, ...] = ()  # the resource's before the venue's
    holidays: str | None = None
    closes: bool = True  # off: closed dates are as any other

    def get_week(self, on: date) -> Week:
        """The week that is valid on that date, exceptions aside."""
        whole = find_week(self.weeks, on)
        week = whole.week if whole else NEVER_OPEN
        own = find_week(self.own, on)
        if own is None and self.own_span is not None:
            return tuple((self.own_span,) if spans else () for spans in week)
        return own.week if own and any(own.week) else week

    def find_exception(self, on: date) -> ExceptionDays | None:
        """What holds on that date instead of the week."""
        found = next((e for e in self.exceptions if e.first_on <= on <= e.last_on), None)
        if found is None and self.holidays and (name := find_holiday(self.holidays, on)):
            found = ExceptionDays(on, on, (), name)
        return found if found is None or found.spans or self.closes else None

    def find_closed(self, on: date) -> ExceptionDays | None:
        """The exception or holiday that closes that date."""
        found = self.find_exception(on)
        return found if found is not None and not found.spans else None

    def list_spans(self, on: date, *, enforced: bool = True) -> tuple[Span, ...]:
        """The spans that begin on that date, by opening. `enforced` off: open all day where no
        exception says otherwise."""
        if found := self.find_exception(on):
            return found.spans
        return self.get_week(on)[on.weekday()] if enforced else (WHOLE_DAY,)

    def get_interval(self, on: date, span: Span) -> Interval:
        """The instants of a span of that date; empty where a gap swallows it. A closed date ends
        the night before at midnight."""
        opens, closes = span
        end = to_instant(self.zone, on if closes > opens else on + DAY, closes)
        if MIDNIGHT < closes <= opens and self.find_closed(on + DAY):
            end = to_instant(self.zone, on + DAY, MIDNIGHT)
        return to_instant(self.zone, on, opens), end

    def list_intervals(self, on: date, *, enforced: bool = True) -> list[Interval]:
        """The intervals that begin on that date, by start."""
        spans = self.list_spans(on, enforced=enforced)
        found = (self.get_interval(on, span) for span in spans)
        return [(start, end) for start, end in found if start < end]

    def list_open(
        self, starts_at: datetime, ends_at: datetime, *, enforced: bool = True
    ) -> list[Interval]:
        """The open intervals that touch that one, by start; those that meet are one."""
        return join_intervals(
            (start, end)
            for on in iter_local_dates(self.zone, starts_at - DAY, ends_at)
            for start, end in self.list_intervals(on, enforced=enforced)
            if start < ends_at and end > starts_at
        )

    def without_exceptions(self) -> Schedule:
        return replace(self, exceptions=(), holidays=None)


def find_week(weeks: Sequence[DatedWeek], on: date) -> DatedWeek | None:
    """The one that is valid on that date: the last that has begun."""
    begun = (week for week in reversed(weeks) if week.valid_from is None or week.valid_from <= on)
    return next(begun, None)


def join_intervals(intervals: Iterable[Interval]) -> list[Interval]:
    """By start; those that meet or overlap are one."""
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if joined and joined[-1][1] >= start:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


# from the rows


def build_schedule(
    resource: Resource, hours: Iterable[Hours], exceptions: Iterable[HoursException]
) -> Schedule:
    """The schedule of a resource. Rows of other resources of its venue may be among those given."""
    venue, hours, own_span = resource.venue, list(hours), None
    if resource.opens_at is not None and resource.closes_at is not None:
        own_span = resource.opens_at, resource.closes_at
    theirs = [e for e in exceptions if e.resource_id in (None, resource.pk)]
    theirs.sort(key=lambda e: e.resource_id is None)
    return Schedule(
        zone=venue.zone,
        weeks=list_venue_weeks(venue, hours),
        own=list_dated_weeks(row for row in hours if resource.pk == row.resource_id is not None),
        own_span=own_span,
        exceptions=tuple(
            ExceptionDays(e.first_on, e.last_on, join_spans(e.spans), e.reason) for e in theirs
        ),
        holidays=venue.holidays,
    )


def list_venue_weeks(venue: Venue, hours: Iterable[Hours]) -> tuple[DatedWeek, ...]:
    """The weeks of a venue, the first of which is its columns where that is a uniform one."""
    weeks = list_dated_weeks(row for row in hours if row.resource_id is None)
    if venue.opens_at is None or venue.closes_at is None:
        return weeks
    uniform = build_uniform_week(venue.opens_at, venue.closes_at, venue.closed_weekdays)
    return (DatedWeek(None, uniform), *weeks)


def list_dated_weeks(hours: Iterable[Hours]) -> tuple[DatedWeek, ...]:
    """The weeks of one owner, by the date from which they are valid."""
    found: dict[date | None, list[Row]] = {}
    for row in hours:
        rows = found.setdefault(row.valid_from, [])
        if row.weekday is not None and row.opens_at is not None and row.closes_at is not None:
            rows.append((row.weekday, row.opens_at, row.closes_at))
    dates = sorted(found, key=lambda on: on or date.min)
    return tuple(DatedWeek(on, build_week(found[on])) for on in dates)


# public holidays


def find_holiday(region: str, on: date) -> str | None:
    """The name of the public holiday on that date in a country ("DE") or a part of it ("DE-BY")."""
    return (_list_holidays(region, on.year) or {}).get(on)


def is_region(region: str) -> bool:
    """Whether the public holidays of that country, or part of it, are known."""
    return _list_holidays(region, 2026) is not None


@lru_cache(maxsize=1024)  # a year is worked out in some milliseconds
def _list_holidays(region: str, year: int) -> Mapping[date, str] | None:
    country, _, part = region.partition("-")
    try:
        return dict(country_holidays(country, subdiv=part or None, years=year, expand=False))
    except NotImplementedError:
        return None
