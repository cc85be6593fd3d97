"""A progress bar for commands that take long: at a terminal, never in a log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.services.operations import jobs


@contextmanager
def show_bar(out: Any, title: str, total: int | None = None) -> Iterator[None]:
    """Show a bar that every `jobs.report_progress` within the block moves."""
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    shown = Progress(
        *columns, console=Console(file=cast(IO[str], out)), disable=not out.isatty(), transient=True
    )
    line = shown.add_task(title, total=total)
    with shown, jobs.watch_progress(lambda done: shown.update(line, completed=done)):
        yield
