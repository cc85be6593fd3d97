"""`python -m bench [--quick] [--bookings N] [--minutes N] [--write] [part …]`: runs the parts and
prints one table; with `--write` what was found goes into docs/, beside what other parts found."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import report, system
from bench.sizes import CURVES, PLAN, Figure

PARTS = (
    *(
        "booking",
        "places",
        "doors",
        "dispatch",
        "serving",
        "growth",
        "clock",
        "series",
        "memory",
        "panels",
        "analytics",
    ),
    "audit",
)
QUICK = ("booking", "growth")


def main() -> int:
    asked = _asked()
    PLAN.quick, PLAN.bookings, PLAN.minutes = asked.quick, asked.bookings, asked.minutes
    rows: list[Figure] = []
    with system.servers():
        for part in asked.parts or (QUICK if asked.quick else PARTS):
            CURVES.clear()
            figures: list[Figure] = []
            for row in importlib.import_module(f"bench.{part}").run():
                figure = row if isinstance(row, Figure) else Figure(*row)
                print(f"{figure.what}: {figure.figure}", flush=True)
                figures.append(figure)
            rows += figures
            if asked.write:
                report.write(part, figures, CURVES, Path("docs"))
    Console(width=140).print(_table(rows))
    return 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="two minutes, to see a direction")
    parser.add_argument("--bookings", type=int, default=PLAN.bookings, help="in the largest table")
    parser.add_argument("--minutes", type=float, default=PLAN.minutes, help="of load for memory")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md and plots")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return asked


def _table(rows: list[Figure]) -> Table:
    table = Table(title="Holdfast, measured")
    for column in ("what", "goal"):
        table.add_column(column)
    table.add_column("figure", justify="right")
    for row in rows:
        table.add_row(row.what, f"{row.goal}{report.verdict(row)}", row.figure)
    return table


if __name__ == "__main__":
    sys.exit(main())
