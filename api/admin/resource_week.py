"""The week of a resource as an HTML grid: a column a day, a row a quarter of an hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from api.errors import NotFound
from api.models import Booking
from api.policy import Interval
from api.queries.bookings import resource_week as week_query
from api.queries.bookings.blocked_times import Blocked
from api.rest.permissions import get_caller

QUARTERS = 96


@dataclass(frozen=True)
class Block:
    """Rows `first` to `last` of a column, row 1 being the first quarter shown."""

    first: int
    last: int
    kind: str
    booking: Booking | None = None
    blocked: Blocked | None = None
    units: int = 0
    starts: datetime | None = None
    ends: datetime | None = None


@dataclass(frozen=True)
class Column:
    day: week_query.Day
    blocks: list[Block]


def show_week(request: HttpRequest, object_id: str) -> HttpResponse:
    try:
        week = week_query.get_week(int(object_id), _get_date(request))
        if not get_caller(request).is_staff_of(week.resource.venue_id):
            raise NotFound
    except (NotFound, ValueError, OverflowError):
        raise Http404 from None
    context = admin.site.each_context(request) | _build_context(week)
    context |= {"line": week_query.list_week_line(week, get_caller(request))}
    context |= {"title": week.resource.name, "subtitle": week.resource.venue.name}
    return TemplateResponse(request, "staff/week.html", context)


def _get_date(request: HttpRequest) -> date | None:
    text = request.GET.get("on", "")
    on = date.fromisoformat(text) if text else None
    if on and not 1970 <= on.year <= 9000:
        raise ValueError(text)
    return on


def _build_context(week: week_query.Week) -> dict[str, Any]:
    zone = week.resource.venue.zone
    spans = [_get_quarters(zone, day, span) for day in week.days for span in _list_spans(day)]
    first = max(0, min((a for a, _ in spans), default=32) - 2) // 4 * 4
    last = min(QUARTERS, max((b for _, b in spans), default=72) + 3) // 4 * 4
    return {
        "week": week,
        "zone": week.resource.venue.time_zone,
        "columns": [_build_column(zone, day, first, last) for day in week.days],
        "hours": [(n * 4 - first + 1, f"{n:02d}:00") for n in range(first // 4, last // 4)],
        "rows": last - first + 1,
        "before": week.monday - timedelta(days=7),
        "after": week.monday + timedelta(days=7),
    }


def _list_spans(day: week_query.Day) -> list[Interval]:
    """What the grid has to be tall enough for: a block of days makes it no taller."""
    return [*day.open, *((b.starts_at, b.ends_at) for b in day.bookings)]


def _get_quarters(zone: ZoneInfo, day: week_query.Day, span: Interval) -> tuple[int, int]:
    """Return the first and last quarter of the span on that local date."""
    return _get_quarter(zone, day.on, span[0]), max(
        _get_quarter(zone, day.on, span[0]) + 1, _get_quarter(zone, day.on, span[1], up=14)
    )


def _get_quarter(zone: ZoneInfo, on: date, at: datetime, up: int = 0) -> int:
    local = at.astimezone(zone)
    if local.date() != on:
        return 0 if local.date() < on else QUARTERS
    return local.hour * 4 + (local.minute + up) // 15


def _build_column(zone: ZoneInfo, day: week_query.Day, first: int, last: int) -> Column:
    def block(kind: str, span: Interval, **more: Any) -> Block:
        a, b = _get_quarters(zone, day, span)
        starts, ends = (moment.astimezone(zone) for moment in span)
        rows = max(a, first) - first + 1, min(b, last) - first + 1
        return Block(*rows, kind, starts=starts, ends=ends, **more)

    blocks = [block("open", span) for span in day.open]
    blocks += [block("primetime", day.primetime)] if day.primetime and day.open else []
    blocks += [block("blocked", (b.starts_at, b.ends_at), blocked=b) for b in day.blocked]
    if day.taken:
        blocks += [block("count", (t.starts_at, t.ends_at), units=t.units) for t in day.taken]
    else:
        rows = day.bookings
        blocks += [block("taken", (row.starts_at, row.ends_at), booking=row) for row in rows]
    return Column(day, blocks)
