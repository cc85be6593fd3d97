"""The charts of the dashboard: bars for unfold's chart component, a heat map as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from api.queries.bookings.staff_dashboard import Count, Recently

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
PAST, AHEAD, MISSED = "var(--color-primary-600)", "var(--color-primary-300)", "#ea580c"


@dataclass(frozen=True)
class BarChart:
    """`total` is the figure above the chart, `data` what Chart.js reads."""

    total: str
    data: str


@dataclass(frozen=True)
class HeatMapCell:
    """`level` is how full the hour is, 0 to 10; None where nothing is open."""

    level: int | None
    title: str


def build_bookings_chart(recent: Recently) -> BarChart:
    """Bookings by the day on which they start; those ahead in another colour."""
    total = sum(count.bookings for count in _get_past(recent))
    colors = [AHEAD if count.on > recent.today else PAST for count in recent.days]
    bars = _build_bars(recent.days, [count.bookings for count in recent.days], "bookings", colors)
    return BarChart(f"{total:,}", bars)


def build_no_show_chart(recent: Recently) -> BarChart:
    """The share of each day's bookings that were no-shows, in percent."""
    days = _get_past(recent)
    missed, booked = sum(c.no_shows for c in days), sum(c.bookings for c in days)
    shares = [round(100 * c.no_shows / c.bookings, 1) if c.bookings else 0 for c in days]
    bars = _build_bars(days, shares, "% no-shows", MISSED)
    return BarChart(f"{100 * missed / booked:.1f} %" if booked else "–", bars)


def _get_past(recent: Recently) -> list[Count]:
    return [count for count in recent.days if count.on <= recent.today]


def _build_bars(days: Sequence[Count], values: Sequence[float], label: str, color: Any) -> str:
    dataset = {"label": label, "data": values, "backgroundColor": color, "displayYAxis": True}
    return json.dumps({"labels": [_format_day(c.on) for c in days], "datasets": [dataset]})


def _format_day(on: date) -> str:
    return f"{on:%a} {on.day} {on:%b}"


def build_heat_map(recent: Recently) -> list[tuple[str, list[HeatMapCell]]]:
    """Used time as a share of open time: for each weekday its 24 hours in the venues' zones."""
    return [
        (name, [_build_cell(f"{name} {hour:02d}:00", share) for hour, share in enumerate(row)])
        for name, row in zip(WEEKDAYS, recent.heat, strict=True)
    ]


def _build_cell(when: str, share: float | None) -> HeatMapCell:
    if share is None:
        return HeatMapCell(None, f"{when}: closed")
    return HeatMapCell(round(10 * share), f"{when}: {100 * share:.0f} % used")
