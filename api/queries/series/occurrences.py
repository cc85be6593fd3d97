"""The occurrences of a series: those that its rule has, and what has become of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db.models import F, Q

from api import errors
from api.models import Booking, Series
from api.models.series import Outcome
from api.models.users import FORMER
from api.opening_hours import Interval
from api.policy import Rules, is_plausible_year
from api.queries.clock import annotate_now
from api.recurrence import check_apart, check_length, get_first_wall, list_walls, read_wall


class Occurrence(NamedTuple):
    """`recurrence_id`: when the rule has it; the others: when it is, the whole series moved."""

    recurrence_id: datetime
    starts_at: datetime
    ends_at: datetime

    @property
    def interval(self) -> Interval:
        return self.starts_at, self.ends_at


@dataclass(frozen=True)
class OccurrenceOutcome:
    """What has become of an occurrence, or would. `conflicts` are what has its time, and `rules`
    those of the resources that it takes."""

    occurrence: Occurrence
    outcome: Outcome
    starts_at: datetime
    ends_at: datetime
    refusal: errors.Refusal | None = None
    code: str = ""
    booking: Booking | None = None
    conflicts: Sequence[Any] = ()
    alternatives: Sequence[Interval] = ()
    rules: Sequence[Rules] = field(default=(), repr=False)

    @property
    def recurrence_id(self) -> datetime:
        return self.occurrence.recurrence_id

    @property
    def interval(self) -> Interval:
        return self.starts_at, self.ends_at


def expand_series(series: Series) -> list[Occurrence]:
    """All that the rule has, with RDATE and without EXDATE, by recurrence id. Refuses `Unfit` for
    what cannot be."""
    zone, walls = series.zone, sorted(_list_walls(series).items())
    if walls:
        check_length([wall for _, wall in walls])
    found = []
    for recurrence_id, wall in walls:
        starts_at = read_wall(wall + series.shift, zone) if series.shift else recurrence_id
        found.append(Occurrence(recurrence_id, starts_at, starts_at + series.duration))
    check_apart([occurrence.interval for occurrence in found])
    return found


def _list_walls(series: Series) -> dict[datetime, datetime]:
    """The wall time of each recurrence id: the one that the rule says, also in a gap."""
    zone = series.zone
    ruled = list_walls(series.rule, series.first, zone, may_be_endless=True)
    found = {read_wall(wall, zone): wall for wall in ruled}
    found |= {at: at.astimezone(zone).replace(tzinfo=None, fold=0) for at in series.rdates}
    return {at: wall for at, wall in found.items() if at not in series.exdates}


def find_wall(series: Series, occurrence: Occurrence) -> datetime:
    """The wall time at which the rule has it, before the series was moved."""
    return _list_walls(series)[occurrence.recurrence_id]


def set_dates(
    series: Series, starts_at: datetime, exdates: Collection[Any], rdates: Collection[Any]
) -> None:
    """Begins the series then, without `exdates` and with `rdates`: instants, or local dates, of
    which RDATE has the wall time of the first. Refuses `Unfit`."""
    first = get_first_wall(starts_at, series.zone)
    series.first_on, series.first_at = first.date(), first.time()
    if not all(is_plausible_year(each.year) for each in rdates):
        raise errors.Unfit(errors={"rdates": ["That is not a time anyone can book."]})
    series.rdates = sorted({_read_date(series, each) for each in rdates})
    if any(each < starts_at for each in series.rdates):
        raise errors.Unfit(errors={"rdates": ["None is before the start."]})
    excluded = set(exdates)
    dates = {each for each in excluded if not isinstance(each, datetime)}
    if dates:
        every = [each.recurrence_id for each in expand_series(series)]
        excluded |= {at for at in every if at.astimezone(series.zone).date() in dates}
    series.exdates = sorted(excluded - dates)


def _read_date(series: Series, at: date | datetime) -> datetime:
    if isinstance(at, datetime):
        return at
    return read_wall(datetime.combine(at, series.first_at), series.zone)


def check_endless(series: Series) -> None:
    """Refuses `Unfit` for a rule without an end where bookings are taken at any time ahead."""
    endless = series.venue.max_advance is not None
    list_walls(series.rule, series.first, series.zone, may_be_endless=endless)


def find_occurrence(series: Series, recurrence_id: datetime | None) -> Occurrence:
    """The one with that recurrence id; refuses `Unfit`."""
    for each in expand_series(series):
        if each.recurrence_id == recurrence_id:
            return each
    raise errors.Unfit(errors={"from": ["Give the original start of an occurrence."]})


def check_recurrence_id(series: Series, recurrence_id: datetime) -> None:
    """Refuses `Unfit` unless an occurrence has it, one too that the rule was cut before."""
    if not Booking.objects.filter(series=series.pk, recurrence_id=recurrence_id).exists():
        find_occurrence(series, recurrence_id)


# what has become of them


def list_bookings(rows: Collection[Series]) -> dict[int, dict[datetime, Booking]]:
    """The bookings of each series by recurrence id, of several the last: one statement."""
    found: dict[int, dict[datetime, Booking]] = {row.pk: {} for row in rows}
    every = annotate_now(Booking.objects.filter(series__in=found)).order_by("pk")
    is_elses = ~Q(owner=F("series__owner")) & ~Q(owner__email=FORMER)
    bookings = every.annotate(is_traded=is_elses)
    for booking in bookings:
        if booking.series_id is not None and booking.recurrence_id is not None:
            found[booking.series_id][booking.recurrence_id] = booking
    return found


def list_outcomes(series: Series, bookings: dict[datetime, Booking]) -> list[OccurrenceOutcome]:
    """Every occurrence as it is now, by recurrence id; cancelled ones too. What a trade has given
    to somebody else, whose matter it is now, is taken."""
    planned = {each.recurrence_id: each for each in expand_series(series)}
    found = [
        _build_booked(series, planned.get(at), booking, at) for at, booking in bookings.items()
    ]
    for at, each in planned.items():
        if at in bookings:
            continue
        if missed := series.missed.get(at.isoformat()):
            outcome, code = missed
            found.append(OccurrenceOutcome(each, Outcome(outcome), *each.interval, code=code))
        elif series.later_from and at >= series.later_from and not series.ended_at:
            found.append(OccurrenceOutcome(each, Outcome.LATER, *each.interval))
    return sorted(found, key=lambda each: each.recurrence_id)


def _build_booked(
    series: Series, planned: Occurrence | None, booking: Booking, at: datetime
) -> OccurrenceOutcome:
    planned = planned or Occurrence(at, at, at + series.duration)
    if getattr(booking, "is_traded", False):
        return OccurrenceOutcome(planned, Outcome.TAKEN, *planned.interval)
    stays = booking.starts_at in (planned.starts_at, at)
    outcome = Outcome.BOOKED if stays else Outcome.MOVED
    interval = booking.starts_at, booking.ends_at
    return OccurrenceOutcome(planned, outcome, *interval, booking=booking)


def is_apart(series: Series, planned: Occurrence, booking: Booking) -> bool:
    """Whether a booking was moved by itself: it keeps its place when the series is changed."""
    is_elsewhere = series.resource_id not in (None, booking.resource_id)
    return (booking.starts_at, booking.ends_at) != planned.interval or is_elsewhere
