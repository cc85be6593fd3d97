"""The last run as a page of the docs: a table, the plots, and why a goal was missed.

The reasons are written by hand, below the mark, and stay when the page is written anew.
"""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from bench.sizes import CURVES, PLAN, Curve, Figure

MARK = "<!-- what is below is written by hand -->"
TITLES = {
    "booking": "Booking",
    "serving": "Serving",
    "growth": "As the table grows",
    "clock": "The clock, emails and tasks",
    "memory": "Memory",
    "panels": "Panels",
    "analytics": "Analytics",
}


def verdict(row: Figure) -> str:
    return {None: "", True: " ✓", False: " missed"}[row.met]


def write(rows: list[tuple[str, Figure]], docs: Path) -> None:
    page, plots = docs / "benchmarks.md", docs / "benchmarks"
    plots.mkdir(exist_ok=True)
    drawn = [_draw(curve, plots, n) for n, curve in enumerate(CURVES, 1)]
    below = page.read_text().partition(MARK)[2] if page.exists() else "\n"
    parts = dict.fromkeys(part for part, _ in rows)
    text = [_head(), *(_section(part, rows) for part in parts), *drawn, MARK]
    page.write_text("\n".join(text) + below)


def _head() -> str:
    cores, machine = os.cpu_count(), platform.machine()
    on = datetime.now(UTC).date()
    size = "a quick run" if PLAN.quick else f"up to {PLAN.bookings:,} bookings"
    return f"""# How fast it is

Written by `make bench` on {on}: {cores} cores ({machine}), Python
{platform.python_version()}, {size}.
Every figure is a ratio to something done in turn with it on the same machine, so that it can be
compared with another day's; in brackets the middle half of the rounds, or the figures themselves.
`make bench-quick` takes two minutes; `make bench ARGS="--bookings 10000000"` goes as far as the
goals do.
"""


def _section(part: str, rows: list[tuple[str, Figure]]) -> str:
    lines = [f"## {TITLES[part]}", "", "| what | goal | figure |", "|---|---|---|"]
    for name, row in rows:
        if name == part:
            lines.append(f"| {row.what} | {row.goal}{verdict(row)} | {row.figure} |")
    return "\n".join([*lines, ""])


def _draw(curve: Curve, plots: Path, number: int) -> str:
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for name, values in curve.lines.items():
        axes.plot(list(values), list(values.values()), marker="o", label=name)
    axes.set(title=curve.title, xlabel=curve.along, ylabel=curve.unit)
    if "bookings" in curve.along:
        axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    file = plots / f"{number}.svg"
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
    return f"![{curve.title}](benchmarks/{file.name})\n"
