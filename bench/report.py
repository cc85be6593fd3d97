"""What was found, as a page of the docs: tables, plots, and why a goal was missed.

Each part keeps its last run beside the plots, so that one can be measured again without the hours
that the others take. The reasons are written by hand, below the mark, and stay when the page is
written anew.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.sizes import PLAN, Curve, Figure

MARK = "<!-- what is below is written by hand -->"
TITLES = {
    "booking": "Booking",
    "places": "Sets and services",
    "doors": "Doors open",
    "dispatch": "At the root of the server",
    "serving": "Serving",
    "growth": "As the table grows",
    "clock": "The clock, emails and tasks",
    "series": "Series and the waitlist",
    "memory": "Memory",
    "panels": "Panels",
    "analytics": "Analytics",
}
SIZED = ("growth", "clock", "analytics")  # measured in tables of several sizes
HEAD = """# How fast it is

Written by `make bench`. Every figure is a ratio to something done in turn with it on the same
machine, so that it can be compared with another day's; in brackets the middle half of the rounds,
or the figures themselves. `make bench-quick` takes two minutes;
`make bench ARGS="--bookings 10000000 --minutes 60"` goes as far as the goals do, and
`make bench ARGS=clock` measures one part again.
"""


def verdict(row: Figure) -> str:
    return {None: "", True: " ✓", False: " missed"}[row.met]


def write(part: str, figures: Sequence[Figure], curves: Sequence[Curve], docs: Path) -> None:
    page, kept = docs / "benchmarks.md", docs / "benchmarks"
    kept.mkdir(exist_ok=True)
    run = {
        "where": _where(part),
        "figures": [asdict(each) for each in figures],
        "curves": [asdict(each) for each in curves],
    }
    text = json.dumps(run, ensure_ascii=False, indent=1)
    (kept / f"{part}.json").write_text(f"{text}\n")
    below = page.read_text().partition(MARK)[2] if page.exists() else "\n"
    sections = [_section(name, kept) for name in TITLES if (kept / f"{name}.json").exists()]
    page.write_text("\n".join([HEAD, *sections, MARK]) + below)


def _where(part: str) -> str:
    words = [
        f"{datetime.now(UTC).date()}, {os.cpu_count()} cores ({platform.machine()})",
        f"Python {platform.python_version()}",
    ]
    if part in SIZED:
        words.append(f"up to {PLAN.bookings:,} bookings")
    return ", ".join([*words, *["a quick run"] * PLAN.quick])


def _section(part: str, kept: Path) -> str:
    run: dict[str, Any] = json.loads((kept / f"{part}.json").read_text())
    lines = [f"## {TITLES[part]}", "", f"{run['where']}.", ""]
    lines += ["| what | goal | figure |", "|---|---|---|"]
    for row in (Figure(**each) for each in run["figures"]):
        lines.append(f"| {row.what} | {row.goal}{verdict(row)} | {row.figure} |")
    curves = [Curve(**each) for each in run["curves"]]
    drawn = [_draw(each, kept / f"{part}-{n}.svg") for n, each in enumerate(curves, 1)]
    return "\n".join([*lines, "", *drawn])


def _draw(curve: Curve, file: Path) -> str:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = file.stem  # the same drawing, the same file
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for name, values in curve.lines.items():
        along = [float(at) for at in values]  # JSON made text of them
        axes.plot(along, list(values.values()), marker="o", label=name)
    axes.set(title=curve.title, xlabel=curve.along, ylabel=curve.unit)
    if "bookings" in curve.along:
        axes.set_xscale("log")
    axes.set_ylim(0, 1.1 * max(max(values.values()) for values in curve.lines.values()))
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
    return f"![{curve.title}](benchmarks/{file.name})\n"
