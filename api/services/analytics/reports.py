"""A figure with its headings, as it goes into a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from api.models import Caller, Resource, Venue
from api.models.analytics import Figure
from api.queries.accounts.scope import check_staff_of, limit_to_venues
from api.queries.analytics import analytics
from api.queries.clock import database_now
from api.queries.venues.opening_hours import Venues
from api.queries.venues.venues import get_venue

Progress: TypeAlias = Callable[[int], None]

BATCH_SIZE: Final = 100
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# key -> heading, in the order of the file; what a key means is in docs/analytics.md
HEADINGS: Final[Mapping[Figure, Mapping[str, str]]] = {
    Figure.KPI: {
        "total_rooms": "Rooms",
        "avg_utilization": "Utilization %",
        "utilization_change": "Change, points",
        "ghosting_rate": "Ghosting %",
        "ghosting_change": "Change, points",
        "total_bookings": "Bookings",
        "bookings_change": "Change %",
    },
    Figure.UTILIZATION: {
        "resource_id": "Id",
        "name": "Room",
        "utilization_rate": "Utilization %",
        "total_bookings": "Bookings",
        "total_hours": "Hours",
        "peak_hours": "Peak hours",
    },
    Figure.GHOSTING: {
        "resource_id": "Id",
        "name": "Room",
        "ghosting_rate": "Ghosting %",
        "no_shows": "No-shows",
        "total_bookings": "Bookings",
        "average_wasted_minutes": "Minutes wasted",
    },
    Figure.CAPACITY: {
        "resource_id": "Id",
        "name": "Room",
        "capacity": "Places",
        "average_attendees": "People",
        "capacity_utilization": "Used %",
        "oversized": "Oversized",
        "undersized": "Undersized",
    },
    Figure.HEAT_MAP: {"weekday": "Weekday", **{f"{hour:02d}": f"{hour:02d}" for hour in range(24)}},
}
FIGURES_BY_ROOM: Final[Mapping[Figure, Callable[..., analytics.Figures]]] = {
    Figure.UTILIZATION: analytics.compute_utilization,
    Figure.GHOSTING: analytics.compute_ghosting,
    Figure.CAPACITY: analytics.compute_capacity,
}


@dataclass(frozen=True)
class Question:
    """A figure of a venue over local dates, first to last inclusive; without one, of the `venues`
    with these ids, or of all."""

    figure: Figure
    venue: Venue | None
    first_on: date
    last_on: date
    venues: frozenset[int] | None = None

    @property
    def scope(self) -> Venues:
        return self.venue or self.venues

    @property
    def file_name(self) -> str:
        """Without its ending."""
        return f"{self.figure.value.replace('_', '-')}-{self.first_on}-{self.last_on}"


@dataclass(frozen=True)
class Report:
    question: Question
    made_at: datetime
    rows: Sequence[Mapping[str, Any]]
    heat: Sequence[Sequence[float]] = field(default=())

    @property
    def headings(self) -> Mapping[str, str]:
        return HEADINGS[self.question.figure]

    @property
    def place(self) -> str:
        if self.question.venue:
            return self.question.venue.name
        return "All venues" if self.question.venues is None else "Your venues"


def get_own_venue(slug: str, caller: Caller) -> Venue | None:
    """The venue; None for the empty slug, which means all of the caller's. Refuses `NotFound`, and
    `Forbidden` for a venue where the caller is not staff."""
    if not slug:
        return None
    venue = get_venue(slug)
    check_staff_of(caller, venue.pk)
    return venue


def count_room_days(question: Question) -> int:
    """How much there is to look at."""
    days = (question.last_on - question.first_on).days + 1
    return len(_list_rooms(question)) * days


def _list_rooms(question: Question) -> list[int]:
    rows = Resource.objects.filter(retired_at=None).order_by("id")
    venues = [question.venue.pk] if question.venue else question.venues
    return list(limit_to_venues(rows, venues).values_list("id", flat=True))


def build_report(
    question: Question,
    *,
    drawn: bool = False,
    progress: Progress = lambda percent: None,
) -> Report:
    """The report; `drawn` ones carry what their charts need. Rooms are read in batches, and
    `progress` is called with the percentage after each."""
    made_at = database_now()
    figure, scope = question.figure, (question.scope, question.first_on, question.last_on)
    heat: Sequence[Sequence[float]] = ()
    if figure == Figure.HEAT_MAP or (drawn and figure in (Figure.KPI, Figure.UTILIZATION)):
        heat = analytics.compute_heat_map(*scope)
    if figure == Figure.KPI:
        return Report(question, made_at, [analytics.compute_kpi(*scope)], heat)
    if figure == Figure.HEAT_MAP:
        return Report(question, made_at, _list_weekdays(heat), heat)
    rows, ids = [], _list_rooms(question)
    for n in range(0, len(ids), BATCH_SIZE):
        rows += FIGURES_BY_ROOM[figure](*scope, ids=ids[n : n + BATCH_SIZE])
        progress(100 * min(n + BATCH_SIZE, len(ids)) // len(ids))
    return Report(question, made_at, rows, heat)


def _list_weekdays(heat: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
    return [
        {"weekday": day, **{f"{hour:02d}": value for hour, value in enumerate(row)}}
        for day, row in zip(WEEKDAYS, heat, strict=True)
    ]
