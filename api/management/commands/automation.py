"""The clock in the terminal: what runs, what is late, and one job by hand."""

from __future__ import annotations

import time
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from api.queries.operations import automation, lag
from api.queries.operations.automation import JobState, Report
from api.services.operations import jobs
from backend.celery import app
from backend.schedule import SCHEDULE


class Command(BaseCommand):
    help = "Shows how the clock runs; --run JOB runs one job now, here, whether paused or not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--watch", action="store_true", help="until Ctrl-C")
        parser.add_argument("--run", metavar="JOB", help=", ".join(SCHEDULE))

    def handle(self, *args: Any, **options: Any) -> None:
        screen = self.stdout.isatty()
        console = Console(file=cast(IO[str], self.stdout), width=None if screen else 150)
        if options["run"]:
            run(options["run"], console)
        elif options["watch"]:
            watch(console)
        else:
            console.print(format_report(automation.get_report()))


def watch(console: Console) -> None:
    try:
        with Live(
            format_report(automation.get_report()), console=console, auto_refresh=False
        ) as live:
            while True:
                time.sleep(1)
                live.update(format_report(automation.get_report()), refresh=True)
    except KeyboardInterrupt:
        return


def run(name: str, console: Console) -> None:
    """Calls the job's task in this process, which does what a worker would do."""
    if name not in SCHEDULE:
        raise CommandError(f"There is no job “{name}”. There are: {', '.join(SCHEDULE)}.")
    app.loader.import_default_modules()
    work = app.tasks[SCHEDULE[name].task]
    bar = Progress(
        TextColumn(name), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
    line = bar.add_task(name, total=lag.count_due(name) or None)
    with bar, jobs.watch_progress(lambda done: bar.update(line, completed=done)):
        count = work()
    console.print(f"{name}: {count} done.")


def format_report(report: Report) -> Group:
    return Group(_format_headline(report), _format_jobs(report), _format_rest(report))


def _format_headline(report: Report) -> Text:
    if report.healthy:
        return Text(f"The clock runs. {report.now:%Y-%m-%d %H:%M:%S} UTC", style="green")
    return Text(f"Look here: {', '.join(report.problems)}.", style="bold red")


def _format_jobs(report: Report) -> Table:
    table = Table()
    table.add_column("job")
    table.add_column("state")
    for name in ("interval", "last run", "took", "rows", "lag", "next due", "runs", "failed"):
        table.add_column(name, justify="right")
    for job in report.jobs:
        table.add_row(*_format_job(job))
        if job.last_error:
            table.add_row("", Text(job.last_error, style="red"))
    return table


def _format_job(job: JobState) -> tuple[str | Text, ...]:
    state = "paused" if job.paused else "on time" if job.healthy else "late"
    style = {"paused": "yellow", "on time": "green", "late": "bold red"}[state]
    return (
        job.name,
        Text(state, style=style),
        str(job.interval),
        f"{job.last_run:%H:%M:%S}" if job.last_run else "never",
        f"{job.duration:.3f} s" if job.duration is not None else "",
        str(job.count),
        f"{job.lag:.1f} s" if job.lag is not None else "",
        f"{job.next_due:%H:%M:%S}" if job.next_due else "",
        str(job.runs),
        str(job.failed_runs),
    )


def _format_rest(report: Report) -> Table:
    table = Table(show_header=False)
    for process in report.processes:
        alive = Text("alive", style="green") if process.alive else Text("gone", style="bold red")
        table.add_row(process.name, alive, f"seen {process.last_seen:%H:%M:%S}")
    for row in report.outbox:
        table.add_row(f"{row.kind} {row.state}", str(row.count))
    for failure in report.failures:
        table.add_row(
            f"{failure.job} row {failure.row}", f"{failure.attempts} tries", failure.error
        )
    for delivery in report.parked:
        table.add_row(f"parked {delivery.key}", f"{delivery.attempts} tries", delivery.last_error)
    return table
