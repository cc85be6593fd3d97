"""A report as PDF: its charts on the first page, then every row, in every script.

Typst shapes what is written and orders what runs from right to left; what no font has is a box.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from api.models.analytics import Figure

from .reports import WEEKDAYS, Report

TYPESET: Final = Path(__file__).with_name("typeset.py")
TIMEOUT_SECONDS: Final = 120  # three thousand rooms take five
MAX_BARS: Final = 15
# figure -> the key and the caption of its bar chart
BAR_CHARTS: Final[dict[Figure, tuple[str, str]]] = {
    Figure.UTILIZATION: ("utilization_rate", "Booked share of open time, in percent"),
    Figure.GHOSTING: ("ghosting_rate", "Bookings that nobody came to, in percent"),
    Figure.CAPACITY: ("capacity_utilization", "Places used by an average booking, in percent"),
}
# name, key, unit, key of the change, unit of the change
TILES: Final = (
    ("Rooms", "total_rooms", "", "", ""),
    ("Utilization", "avg_utilization", " %", "utilization_change", "points"),
    ("Ghosting", "ghosting_rate", " %", "ghosting_change", "points"),
    ("Bookings", "total_bookings", "", "bookings_change", "%"),
)


def render_pdf(report: Report) -> bytes:
    """Return the file. Raises `subprocess.SubprocessError` when it could not be made."""
    done = subprocess.run(  # our own program
        [sys.executable, "-I", str(TYPESET)],
        input=json.dumps(_build_data(report)).encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=TIMEOUT_SECONDS,
        env={},
    )
    return done.stdout


def _build_data(report: Report) -> dict[str, Any]:
    """What the template shows; what a figure does not have is empty."""
    question, figure = report.question, report.question.figure
    key, bars_caption = BAR_CHARTS.get(figure, ("", ""))
    most = sorted(report.rows, key=lambda row: -row[key])[:MAX_BARS] if key else []
    keys = [name for name in report.headings if name != "resource_id"]
    return {
        "title": figure.label,
        "place": report.place,
        "dates": f"{question.first_on:%-d %B %Y} to {question.last_on:%-d %B %Y}",
        "made_at": f"Holdfast · made {report.made_at:%Y-%m-%d %H:%M} UTC",
        "tiles": list(_build_tiles(report.rows[0])) if figure == Figure.KPI else [],
        "bars_caption": bars_caption,
        "bars": [{"name": r["name"], "value": r[key], "label": f"{r[key]:.1f}"} for r in most],
        "heat": [
            {"name": day, "hours": hours}
            for day, hours in zip(WEEKDAYS, report.heat, strict=bool(report.heat))
        ],
        "headings": [report.headings[name] for name in keys],
        "rows": [[_format_value(row[name]) for name in keys] for row in report.rows] if key else [],
    }


def _build_tiles(figures: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for name, key, unit, change_key, change_unit in TILES:
        change = ""
        if change_key:
            value = figures[change_key]
            change = (
                "nothing to compare with"
                if value is None
                else f"{value:+.1f} {change_unit} against the time before"
            )
        yield {"name": name, "value": f"{figures[key]}{unit}", "change": change}


def _format_value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    return " ".join(value) if isinstance(value, list) else str(value)
