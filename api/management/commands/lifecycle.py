"""Prints the tables of `api.lifecycle` as Markdown, with a diagram each."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from api.lifecycle import BOOKING, TRADE, WAITLIST, Table


def build_page() -> str:
    """The whole of docs/lifecycle.md."""
    lines = [
        "# Lifecycle",
        "",
        "Printed from `api/lifecycle.py` by `manage.py lifecycle`; a test keeps the two equal.",
    ]
    for title, table in (
        ("Bookings", BOOKING),
        ("Trades", TRADE),
        ("Entries of the waitlist", WAITLIST),
    ):
        lines += ["", f"## {title}", "", *_draw_diagram(table), "", *_format_table(table)]
    return "\n".join(lines) + "\n"


def _draw_diagram(table: Table) -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    for status in table.initial:
        yield f"    [*] --> {status}"
    for move in table:
        for source in move.sources:
            yield f"    {source} --> {move.target}: {move.name}"
    yield "```"


def _format_table(table: Table) -> Iterator[str]:
    blocking = ", ".join(f"`{status}`" for status in table.blocking)
    yield f"Begins as: {', '.join(f'`{s}`' for s in table.initial)}. Open, blocking: {blocking}."
    yield ""
    yield "| verb | from | to | by | by the clock, once past | because |"
    yield "|---|---|---|---|---|---|"
    for move in table:
        sources = ", ".join(f"`{source}`" for source in move.sources)
        by = ", ".join(sorted(role.label.lower() for role in move.by))
        clock = f"`{move.deadline}`" if move.deadline else ""
        if move.unless:
            clock += f" (not while `{move.unless}` is set)"
        yield f"| `{move.name}` | {sources} | `{move.target}` | {by} | {clock} | {move.why} |"


class Command(BaseCommand):
    help = "Prints docs/lifecycle.md: every status and every move between them."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(build_page(), ending="")
