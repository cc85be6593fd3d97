"""How the clock runs: its jobs, what they are behind with, and the processes that do the work.

The rule: the same few statements whatever the number of bookings; every one is a probe of an index.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now
from django_celery_beat.models import PeriodicTask

from api.lifecycle import TABLES, Table, Transition
from api.models import Booking, Delivery, Job, JobFailure, Sign, StripeEvent
from api.models.outbox import Kind, State
from backend.schedule import SCHEDULE

LATE = timedelta(seconds=60)  # beyond two intervals without a run, and for what is past due
LIVES = timedelta(seconds=30)  # without a sign of life
SHOWN = timedelta(hours=1)  # how long a process that is gone, and what was sent, are still shown

# the jobs that sweep a table, by the move they make
SWEEPS: dict[str, tuple[str, str]] = {
    "expire_holds": ("api.Booking", "expire"),
    "lapse_requests": ("api.Booking", "lapse"),
    "release_no_shows": ("api.Booking", "release"),
    "complete_finished": ("api.Booking", "complete"),
    "lapse_trades": ("api.Trade", "lapse"),
}


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
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
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
    lags = lag_by_job()
    return [_state(name, kept.get(name), beats.get(name), lags.get(name), now) for name in SCHEDULE]


def _state(
    name: str, job: Job | None, task: PeriodicTask | None, lag: float | None, now: datetime
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
        lag=lag,
        next_due=None if paused else (job.started_at or job.known_at) + every,
        late=not paused and now - shown > 2 * every + LATE,
    )


# lag


def lag_by_job() -> dict[str, float]:
    """Seconds since the oldest deadline that has passed and whose row still waits, per job that
    has deadlines; 0 when nothing is due. One statement, one probe of an index per job."""
    parts, params = [], []
    for job, (rows, deadline) in _due().items():
        sql, values = rows.order_by(deadline).values(deadline)[:1].query.sql_with_params()
        parts.append(f"SELECT %s AS job, ({sql}) AS since")
        params += [job, *values]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT job, coalesce(extract(epoch FROM statement_timestamp() - since), 0)"  # noqa: S608
            f" FROM ({' UNION ALL '.join(parts)}) AS lags",
            params,
        )
        return {job: max(0.0, float(lag)) for job, lag in cursor.fetchall()}


def due(job: str) -> int:
    """How many rows the next run of that job will find; 0 for a job without deadlines."""
    rows = _due().get(job)
    return rows[0].count() if rows else 0


def _due() -> dict[str, tuple[QuerySet[Any], str]]:
    """The rows that are due, and the column that says since when, per job that has deadlines."""
    failed: dict[str, list[int]] = {}
    waiting = JobFailure.objects.filter(job__in=SWEEPS, retry_at__gt=Now())
    for job, row in waiting.values_list("job", "row"):
        failed.setdefault(job, []).append(int(row))
    found = {job: _swept(*where, failed.get(job, [])) for job, where in SWEEPS.items()}
    found["send_reminders"] = (
        Booking.objects.filter(status="confirmed", remind_at__lte=Now()),
        "remind_at",
    )
    open_ = Delivery.objects.filter(
        state__in=[State.WAITING.value, State.SENDING.value], due_at__lte=Now()
    )
    found["deliver_due"] = open_.filter(kind=Kind.EMAIL.value), "due_at"
    found["deliver_calls"] = open_.exclude(kind=Kind.EMAIL.value), "due_at"
    events = StripeEvent.objects.filter(state="waiting", due_at__lte=Now())
    found["work_stripe_events"] = events, "due_at"
    return found


def _swept(model: str, name: str, failed: list[int]) -> tuple[QuerySet[Any], str]:
    """Without the rows that wait for their next try: those are shown as failures."""
    table: Table = next(table for table in TABLES if table.model == model)
    move: Transition = getattr(table, name)
    rows = apps.get_model(model)._base_manager.filter(
        status__in=move.sources, **{f"{move.deadline}__lte": Now()}
    )
    if move.unless:
        rows = rows.filter(**{f"{move.unless}__isnull": True})
    return (rows.exclude(pk__in=failed) if failed else rows), move.deadline


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
