"""`python -m bench [--quick] [--bookings N] [--minutes N] [part …]`: runs the parts, prints one
table and, when all of them ran, writes it with its plots into docs/."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import report, system
from bench.sizes import PLAN, Figure

PARTS = ("booking", "dispatch", "serving", "growth", "clock", "memory", "panels", "analytics")
QUICK = ("booking", "growth")


def main() -> int:
    asked = _asked()
    PLAN.quick, PLAN.bookings, PLAN.minutes = asked.quick, asked.bookings, asked.minutes
    rows: list[tuple[str, Figure]] = []
    with system.servers():
        for part in asked.parts or (QUICK if asked.quick else PARTS):
            for row in importlib.import_module(f"bench.{part}").run():
                figure = row if isinstance(row, Figure) else Figure(*row)
                rows.append((part, figure))
                print(f"{figure.what}: {figure.figure}", flush=True)
    Console(width=140).print(_table(rows))
    if asked.write:
        report.write(rows, Path("docs"))
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


def _table(rows: list[tuple[str, Figure]]) -> Table:
    table = Table(title="Holdfast, measured")
    for column in ("what", "goal"):
        table.add_column(column)
    table.add_column("figure", justify="right")
    for _, row in rows:
        table.add_row(row.what, f"{row.goal}{report.verdict(row)}", row.figure)
    return table


if __name__ == "__main__":
    sys.exit(main())
