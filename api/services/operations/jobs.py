"""Runs a job and writes down that it ran; lets an operator pause, pace and retry.

The rule: what is written here tells how the clock runs, and nothing depends on it to run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from socket import gethostname
from typing import Any

import structlog
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models.functions import Now
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from api.errors import Invalid, NotFound
from api.models import Job, JobFailure, Sign

log = structlog.get_logger("holdfast.jobs")

PROGRESS_EVERY = 5.0  # seconds
SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=31)
KEEP_SIGNS = timedelta(days=1)
KEEP_FAILURES = timedelta(days=1)  # past their retry, which nothing is due for any more

Watcher = Callable[[int], None]
_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)
_running: ContextVar[tuple[str, list[float]] | None] = ContextVar("running", default=None)


def run(name: str, work: Callable[[], int]) -> int:
    """What `work` returns, recorded under the job's name. An error is recorded and raised."""
    began = time.monotonic()
    mark = _running.set((name, [began]))
    try:
        count = work()
    except Exception as error:
        log.error("job_failed", job=name, error=repr(error))
        _record_run(name, began, 0, f"{type(error).__name__}: {error}")
        raise
    finally:
        _running.reset(mark)
    _record_run(name, began, count, "")
    duration = round(time.monotonic() - began, 4)
    (log.info if count else log.debug)("job_ran", job=name, count=count, seconds=duration)
    return count


def report_progress(done: int) -> None:
    """Says that the run under way gets on: a long one is not taken for a dead one."""
    if watcher := _watcher.get():
        watcher(done)
    running = _running.get()
    if running is None:
        return
    name, wrote = running
    if time.monotonic() - wrote[0] >= PROGRESS_EVERY:
        wrote[0] = time.monotonic()
        Job.objects.filter(name=name).update(progressed_at=Now())


@contextmanager
def watch_progress(watcher: Watcher) -> Iterator[None]:
    """Within, `watcher` is told how many rows are done."""
    mark = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(mark)


_RECORD = (
    f"INSERT INTO {Job._meta.db_table} AS j (name, started_at, finished_at, succeeded_at,"  # noqa: S608
    " duration, count, total, runs, failed_runs, last_error, worker)"
    " VALUES (%(name)s, statement_timestamp() - %(took)s, statement_timestamp(),"
    " CASE WHEN %(failed)s = 0 THEN statement_timestamp() END,"
    " %(took)s, %(count)s, %(count)s, 1, %(failed)s, %(error)s, %(worker)s)"
    " ON CONFLICT (name) DO UPDATE SET"
    " started_at = excluded.started_at, finished_at = excluded.finished_at,"
    " succeeded_at = coalesce(excluded.succeeded_at, j.succeeded_at),"
    " duration = excluded.duration, count = excluded.count,"
    " total = j.total + excluded.count, runs = j.runs + 1,"
    " failed_runs = j.failed_runs + excluded.failed_runs,"
    " last_error = excluded.last_error, worker = excluded.worker"
)


def _record_run(name: str, began: float, count: int, error: str) -> None:
    """A run that cannot be written down has still run."""
    values: dict[str, Any] = {
        "name": name,
        "took": timedelta(seconds=time.monotonic() - began),
        "count": count,
        "failed": int(bool(error)),
        "error": error.replace("\0", "")[:2000],
        "worker": gethostname()[:120],
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(_RECORD, values)
    except DatabaseError as lost:
        log.warning("run_not_recorded", job=name, error=repr(lost))


# processes


def sign(kind: str, name: str) -> None:
    """A process of this kind lives, now."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Sign._meta.db_table} (kind, name, pid, seen_at)"  # noqa: S608
            " VALUES (%s, %s, %s, statement_timestamp()) ON CONFLICT (kind, name)"
            " DO UPDATE SET pid = excluded.pid, seen_at = excluded.seen_at",
            [kind, name[:120], os.getpid()],
        )


# the schedule, and operators


def sync_schedule(schedule: Mapping[str, timedelta]) -> dict[str, timedelta]:
    """The interval for each job of the code's schedule: an operator's where there is one, else
    the code's. Jobs that the code no longer has leave beat's table."""
    known = dict(Job.objects.exclude(every=None).values_list("name", "every"))
    gone = [name for name in known if name not in schedule]
    for task in PeriodicTask.objects.filter(name__in=gone):
        task.delete()
    Job.objects.filter(name__in=gone).delete()
    rows = PeriodicTask.objects.filter(name__in=schedule).select_related("interval")
    paced = {row.name: row.interval.schedule.run_every for row in rows if row.interval}
    chosen = {}
    for name, every in schedule.items():
        operators = name in known and paced.get(name, known[name]) != known[name]
        chosen[name] = paced[name] if operators else every
        Job.objects.update_or_create(name=name, defaults={"every": every})
    return chosen


def _get_task(name: str) -> PeriodicTask:
    task = PeriodicTask.objects.filter(name=name).first()
    if task is None:
        raise NotFound(f"There is no job “{name}”.")
    return task


def pause(name: str) -> None:
    task = _get_task(name)
    task.enabled = False
    task.save()


def resume(name: str) -> None:
    task = _get_task(name)
    task.enabled = True
    task.save()


def set_interval(name: str, every: timedelta) -> None:
    """Changes how often a job runs; from the next look of beat on, and over restarts."""
    if not SHORTEST <= every <= LONGEST:
        raise Invalid(errors={"every": [f"Between {SHORTEST} and {LONGEST}."]})
    task = _get_task(name)
    task.interval, _ = IntervalSchedule.objects.get_or_create(
        every=round(every.total_seconds()), period=IntervalSchedule.SECONDS
    )
    task.save()


def retry(failure: int) -> int:
    """How many rows are due again at once: one, or none if that failure is gone."""
    return JobFailure.objects.filter(pk=failure).update(retry_at=Now())


def forget_failures(job: str, ids: Iterable[int]) -> None:
    """Forgets the failures of rows that have been worked on after all."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {JobFailure._meta.db_table} WHERE job = %s AND row = ANY(%s)",  # noqa: S608
            [job, [str(pk) for pk in ids]],
        )


def prune() -> int:
    """Forgets processes that are long gone, and failures that nothing is due for any more."""
    signs, _ = Sign.objects.filter(seen_at__lt=Now() - KEEP_SIGNS).delete()
    failures, _ = JobFailure.objects.filter(retry_at__lt=Now() - KEEP_FAILURES).delete()
    return signs + failures
