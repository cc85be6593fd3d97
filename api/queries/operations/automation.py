"""How the periodic jobs run, how far they are behind, and the processes that do the work.

The same few statements whatever the number of bookings; each is a look-up in an index.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.functions import Now
from django_celery_beat.models import PeriodicTask

from api.models import Caller, Delivery, Heartbeat, Job, JobFailure
from api.models.outbox import State
from api.queries.accounts.scope import limit_to_staff
from api.queries.clock import database_now
from api.queries.waitlist.figures import OfferFigures, get_figures
from backend.schedule import SCHEDULE

from . import lag

TOLERANCE = timedelta(seconds=60)  # before a job is late or behind
HEARTBEAT_TIMEOUT = timedelta(seconds=30)
SHOWN_FOR = timedelta(hours=1)  # what was sent, and processes that are gone


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
    count: int | None
    total: int | None
    runs: int
    failed_runs: int
    last_error: str
    worker: str
    lag: float | None
    next_due: datetime | None
    late: bool

    @property
    def healthy(self) -> bool:
        return self.paused or not (self.late or (self.lag or 0) > TOLERANCE.total_seconds())


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
    offers: OfferFigures = field(default_factory=OfferFigures)

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


def get_report(caller: Caller | None = None) -> Report:
    """Return all that an operator wants to see, by the database's clock. To staff only what is
    their venues' of the outbox, and of the jobs no more than that they run."""
    now = database_now()
    report = Report(
        now=now,
        jobs=_list_jobs(now),
        outbox=_list_backlog(caller),
        processes=_list_processes(now),
        failures=list(JobFailure.objects.all()[:50]),
        parked=list(_limit(list_parked(), caller)[:50]),
        offers=get_figures(caller),
    )
    return report if caller is None or caller.is_operator else _leave_out_details(report)


def _limit(rows: QuerySet[Delivery], caller: Caller | None) -> QuerySet[Delivery]:
    return limit_to_staff(rows, caller) if caller is not None else rows


def _leave_out_details(report: Report) -> Report:
    """Without what counts rows of every venue, or names machines."""
    hidden: dict[str, Any] = {"count": None, "total": None, "lag": None}
    hidden |= {"last_error": "", "worker": ""}
    return replace(
        report,
        jobs=[replace(job, **hidden) for job in report.jobs],
        processes=[replace(one, name=one.kind, pid=0) for one in report.processes],
        failures=[],
    )


def _list_jobs(now: datetime) -> list[JobState]:
    recorded = {job.name: job for job in Job.objects.all()}
    tasks = {
        task.name: task
        for task in PeriodicTask.objects.filter(name__in=SCHEDULE).select_related("interval")
    }
    lags = lag.get_lag_by_job()
    return [
        _build_state(name, recorded.get(name), tasks.get(name), lags.get(name), now)
        for name in SCHEDULE
    ]


def _build_state(
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
        late=not paused and now - shown > 2 * every + TOLERANCE,
    )


def list_parked() -> QuerySet[Delivery]:
    """Return the deliveries that were given up, newest first."""
    return Delivery.objects.filter(state=State.PARKED.value).order_by("-finished_at", "-id")


def _list_backlog(caller: Caller | None) -> list[Backlog]:
    """Count by kind and state, each set of states by the index that holds just those rows."""
    rows = (
        _limit(Delivery.objects.order_by(), caller)
        .values_list("kind", "state")
        .annotate(count=Count("pk"))
    )
    finished = rows.filter(state__in=["sent", "withheld"], finished_at__gt=Now() - SHOWN_FOR)
    found = rows.filter(state__in=["waiting", "sending"]).union(
        rows.filter(state="parked"), finished, all=True
    )
    return [Backlog(*row) for row in found.order_by("kind", "state")]


def _list_processes(now: datetime) -> list[Process]:
    return [
        Process(row.kind, row.name, row.pid, row.seen_at, now - row.seen_at < HEARTBEAT_TIMEOUT)
        for row in Heartbeat.objects.filter(seen_at__gt=now - SHOWN_FOR)
    ]
