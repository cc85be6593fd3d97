"""A bar for commands that take long: at a terminal alone, never in a log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.services.operations import jobs


@contextmanager
def bar(out: Any, what: str, total: int | None = None) -> Iterator[None]:
    """Within, whatever calls `jobs.progress` moves it; without a total it only shows that it goes
    on."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    shown = Progress(
        *columns, console=Console(file=cast(IO[str], out)), disable=not out.isatty(), transient=True
    )
    line = shown.add_task(what, total=total)
    with shown, jobs.watched_by(lambda done: shown.update(line, completed=done)):
        yield
