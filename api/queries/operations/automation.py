"""How the clock runs: its jobs, what they are behind with, and the processes that do the work.

The rule: the same few statements whatever the number of bookings; every one is a probe of an index.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import QuerySet
from django_celery_beat.models import PeriodicTask

from api.models import Delivery, Job, JobFailure, Sign
from api.models.outbox import State
from api.queries.clock import database_now
from backend.schedule import SCHEDULE

from . import lag

LATE = timedelta(seconds=60)  # beyond two intervals without a run, and for what is past due
LIVES = timedelta(seconds=30)  # without a sign of life
SHOWN = timedelta(hours=1)  # how long a process that is gone, and what was sent, are still shown


@dataclass(frozen=True)
class JobState:
    """One job: `lag` is the age in seconds of the oldest row past its deadline, None for a job
    that has no deadlines; `duration` is in seconds."""

    name: str
    why: str
    interval: timedelta
    paused: bool
    last_run: datetime | None
    finished_at: datetime | None
    succeeded_at: datetime | None
    duration: float | None
    count: int
    total: int
    runs: int
    failed_runs: int
    last_error: str
    worker: str
    lag: float | None
    next_due: datetime | None
    late: bool

    @property
    def healthy(self) -> bool:
        return self.paused or not (self.late or (self.lag or 0) > LATE.total_seconds())


@dataclass(frozen=True)
class Process:
    kind: str
    name: str
    pid: int
    last_seen: datetime
    alive: bool


@dataclass(frozen=True)
class Backlog:
    """Rows of the outbox; of what is finished (sent, withheld) only the last hour's."""

    kind: str
    state: str
    count: int


@dataclass(frozen=True)
class Report:
    now: datetime
    jobs: list[JobState]
    outbox: list[Backlog]
    processes: list[Process]
    failures: list[JobFailure] = field(default_factory=list)
    parked: list[Delivery] = field(default_factory=list)

    @property
    def workers(self) -> list[Process]:
        return [process for process in self.processes if process.kind == "worker"]

    @property
    def beat(self) -> list[Process]:
        return [process for process in self.processes if process.kind == "beat"]

    def alive(self, kind: str) -> bool:
        return any(process.alive for process in self.processes if process.kind == kind)

    @property
    def healthy(self) -> bool:
        """Something has run, nothing is late, and there is a beat and a worker."""
        return (
            any(job.succeeded_at for job in self.jobs)
            and all(job.healthy for job in self.jobs)
            and self.alive("beat")
            and self.alive("worker")
        )

    @property
    def problems(self) -> list[str]:
        found = [f"no {kind} is alive" for kind in ("beat", "worker") if not self.alive(kind)]
        if not any(job.succeeded_at for job in self.jobs):
            return [*found, "nothing has run yet"]
        return [*found, *(f"{job.name} is late" for job in self.jobs if not job.healthy)]


def report() -> Report:
    """Everything that an operator wants to see, by the database's clock."""
    now = database_now()
    return Report(
        now=now,
        jobs=_jobs(now),
        outbox=_outbox(),
        processes=_processes(now),
        failures=list(JobFailure.objects.all()[:50]),
        parked=list(parked()[:50]),
    )


def _jobs(now: datetime) -> list[JobState]:
    kept = {job.name: job for job in Job.objects.all()}
    beats = {
        task.name: task
        for task in PeriodicTask.objects.filter(name__in=SCHEDULE).select_related("interval")
    }
    lags = lag.by_job()
    return [_state(name, kept.get(name), beats.get(name), lags.get(name), now) for name in SCHEDULE]


def _state(
    name: str, job: Job | None, task: PeriodicTask | None, behind: float | None, now: datetime
) -> JobState:
    every = task.interval.schedule.run_every if task and task.interval else SCHEDULE[name].every
    paused = task is not None and not task.enabled
    job = job or Job(name=name, known_at=now)
    last = [job.succeeded_at, job.progressed_at, job.known_at]
    shown = max(instant for instant in last if instant)
    return JobState(
        name=name,
        why=SCHEDULE[name].why,
        interval=every,
        paused=paused,
        last_run=job.started_at,
        finished_at=job.finished_at,
        succeeded_at=job.succeeded_at,
        duration=job.duration.total_seconds() if job.duration is not None else None,
        count=job.count,
        total=job.total,
        runs=job.runs,
        failed_runs=job.failed_runs,
        last_error=job.last_error,
        worker=job.worker,
        lag=behind,
        next_due=None if paused else (job.started_at or job.known_at) + every,
        late=not paused and now - shown > 2 * every + LATE,
    )


# the outbox and the processes


def parked() -> QuerySet[Delivery]:
    """Deliveries that were given up, newest first."""
    return Delivery.objects.filter(state=State.PARKED.value).order_by("-finished_at", "-id")


def _outbox() -> list[Backlog]:
    table = Delivery._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT kind, state, count(*) FROM {table}"  # noqa: S608
            " WHERE state IN ('waiting', 'sending') GROUP BY kind, state"
            f" UNION ALL SELECT kind, state, count(*) FROM {table}"
            " WHERE state = 'parked' GROUP BY kind, state"
            f" UNION ALL SELECT kind, state, count(*) FROM {table}"
            " WHERE finished_at > statement_timestamp() - %s AND state IN ('sent', 'withheld')"
            " GROUP BY kind, state ORDER BY 1, 2",
            [SHOWN],  # type: ignore[list-item]
        )
        return [Backlog(*row) for row in cursor.fetchall()]


def _processes(now: datetime) -> list[Process]:
    signs = Sign.objects.filter(seen_at__gt=now - SHOWN)
    return [
        Process(sign.kind, sign.name, sign.pid, sign.seen_at, now - sign.seen_at < LIVES)
        for sign in signs
    ]
