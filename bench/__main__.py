"""`python -m bench [part …]`: runs the parts and prints one table."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import system

NOT_PARTS = {
    "__init__",
    "__main__",
    "settings",
    "urls",
    "floor",
    "load",
    "system",
    "soak",
    "sink",
    "bare",
}


def parts() -> list[str]:
    found = (path.stem for path in Path(__file__).parent.glob("*.py"))
    return sorted(name for name in found if name not in NOT_PARTS)


def main() -> int:
    wanted = sys.argv[1:] or parts()
    if unknown := set(wanted) - set(parts()):
        print(f"No such part: {', '.join(sorted(unknown))}. There are: {', '.join(parts())}.")
        return 2
    table = Table(title="Holdfast, measured")
    table.add_column("what")
    table.add_column("figure", justify="right")
    with system.servers():
        for name in wanted:
            for what, figure in importlib.import_module(f"bench.{name}").run():
                table.add_row(what, figure)
                print(f"{what}: {figure}", flush=True)
    Console(width=130).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
