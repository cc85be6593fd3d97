"""Runs periodic jobs and records that they ran; lets operators pause, reschedule and retry them.

No job depends on what is recorded here.
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
from django.db import InterfaceError, OperationalError, connection
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from api.errors import Invalid, NotFound
from api.models import Heartbeat, Job, JobFailure
from backend import disk_space

log = structlog.get_logger("holdfast.jobs")

PROGRESS_INTERVAL = 5.0  # seconds
MIN_INTERVAL, MAX_INTERVAL = timedelta(seconds=1), timedelta(days=31)
KEEP_HEARTBEATS = timedelta(days=1)
KEEP_FAILURES = timedelta(days=1)  # past their retry, which nothing is due for any more

Watcher = Callable[[int], None]
_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)
_running: ContextVar[tuple[str, list[float]] | None] = ContextVar("running", default=None)


def run(name: str, work: Callable[[], int]) -> int:
    """Run `work` and record it under the job's name; an error is recorded and raised. While a disk
    is nearly full nothing is run: it would write, and answers are right without."""
    if disk_space.is_nearly_full():
        log.debug("job_waits_for_room", job=name)
        return 0
    began = time.monotonic()
    token = _running.set((name, [began]))
    try:
        count = work()
    except Exception as error:
        log.error("job_failed", job=name, error=repr(error))
        _record_run(name, began, 0, f"{type(error).__name__}: {error}")
        raise
    finally:
        _running.reset(token)
    _record_run(name, began, count, "")
    duration = round(time.monotonic() - began, 4)
    (log.info if count else log.debug)("job_ran", job=name, count=count, seconds=duration)
    return count


def report_progress(done: int) -> None:
    """Record that the current run goes on, so that a long one is not taken for a dead one."""
    if watcher := _watcher.get():
        watcher(done)
    running = _running.get()
    if running is None:
        return
    name, wrote = running
    if time.monotonic() - wrote[0] >= PROGRESS_INTERVAL:
        wrote[0] = time.monotonic()
        Job.objects.filter(name=name).update(progressed_at=Now())


@contextmanager
def watch_progress(watcher: Watcher) -> Iterator[None]:
    """Call `watcher` with the number of finished rows at every report within the block."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def run_each(job: str, rows: Iterable[tuple[str, Callable[[], int]]]) -> int:
    """What the work of each row comes to, by its name. A row that it fails on is set aside, and the
    others go on."""
    done, chosen = 0, list(rows)
    failed = JobFailure.objects.filter(job=job, row__in=[name for name, _ in chosen])
    waits = ExpressionWrapper(Q(retry_at__gt=Now()), BooleanField())
    failures = dict(failed.values_list("row", waits)) if chosen else {}
    for name, work in chosen:
        if failures.get(name):
            continue
        try:
            done += work()
        except (OperationalError, InterfaceError):
            raise  # the database is away or gave way, no row is to blame
        except Exception as error:
            set_aside(job, name, error)
        else:
            if name in failures:
                forget_failures(job, [name])
        report_progress(done)
    return done


def set_aside(job: str, row: str, error: Exception) -> None:
    """Remembers a row that a job failed on, with growing time until its next try."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {JobFailure._meta.db_table} AS f"
            " (job, row, error, attempts, first_at, last_at, retry_at)"
            " VALUES (%s, %s, %s, 1, statement_timestamp(), statement_timestamp(),"
            " statement_timestamp() + interval '1 minute')"
            " ON CONFLICT (job, row) DO UPDATE SET error = excluded.error,"
            " attempts = f.attempts + 1, last_at = statement_timestamp(),"
            " retry_at = statement_timestamp()"
            " + least(interval '1 hour', f.attempts * interval '5 minutes')",
            [job, row, f"{type(error).__name__}: {error}".replace("\0", "")[:2000]],
        )
    log.error("row_failed", job=job, row=row, error=repr(error))


_RECORD = (
    f"INSERT INTO {Job._meta.db_table} AS j (name, started_at, finished_at, succeeded_at,"
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
    """Record the run; if that fails, the run still counts."""
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


def record_heartbeat(kind: str, name: str) -> None:
    """Write down that this process, of that kind, lives now."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Heartbeat._meta.db_table} (kind, name, pid, seen_at)"
            " VALUES (%s, %s, %s, statement_timestamp()) ON CONFLICT (kind, name)"
            " DO UPDATE SET pid = excluded.pid, seen_at = excluded.seen_at",
            [kind, name[:120], os.getpid()],
        )


def sync_schedule(schedule: Mapping[str, timedelta]) -> dict[str, timedelta]:
    """Return the interval of each job: the operator's where there is one, else the code's.

    Jobs that the code no longer has are removed from beat's table.
    """
    known = dict(Job.objects.exclude(every=None).values_list("name", "every"))
    gone = [name for name in known if name not in schedule]
    for task in PeriodicTask.objects.filter(name__in=gone):
        task.delete()
    Job.objects.filter(name__in=gone).delete()
    rows = PeriodicTask.objects.filter(name__in=schedule).select_related("interval")
    current = {row.name: row.interval.schedule.run_every for row in rows if row.interval}
    chosen = {}
    for name, every in schedule.items():
        changed = name in known and current.get(name, known[name]) != known[name]
        chosen[name] = current[name] if changed else every
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
    """Change how often a job runs, from beat's next look at the table on, and over restarts."""
    if not MIN_INTERVAL <= every <= MAX_INTERVAL:
        raise Invalid(errors={"every": [f"Between {MIN_INTERVAL} and {MAX_INTERVAL}."]})
    task = _get_task(name)
    task.interval, _ = IntervalSchedule.objects.get_or_create(
        every=round(every.total_seconds()), period=IntervalSchedule.SECONDS
    )
    task.save()


def retry(failure: int) -> int:
    """Make the failed row due now; return 1, or 0 if that failure is gone."""
    return JobFailure.objects.filter(pk=failure).update(retry_at=Now())


def forget_failures(job: str, rows: Iterable[int | str]) -> None:
    """Delete the failures of rows that the job has worked on after all."""
    JobFailure.objects.filter(job=job, row__in=list(map(str, rows))).delete()


def prune() -> int:
    """Delete processes that are long gone, and failures whose retry is long past."""
    signs, _ = Heartbeat.objects.filter(seen_at__lt=Now() - KEEP_HEARTBEATS).delete()
    failures, _ = JobFailure.objects.filter(retry_at__lt=Now() - KEEP_FAILURES).delete()
    return signs + failures
