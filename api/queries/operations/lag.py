"""How far each job is behind: what is past its deadline and still waits.

One look-up in an index for each deadline, so that it costs the same at a million bookings.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from api.lifecycle import TABLES, Table, Transition
from api.models import Booking, Delivery, JobFailure, Series, StripeEvent
from api.models.outbox import Kind, State

# the jobs that sweep a table, by the move they make
SWEEPS: dict[str, tuple[str, str]] = {
    "expire_holds": ("api.Booking", "expire"),
    "lapse_requests": ("api.Booking", "lapse"),
    "lapse_offers": ("api.Booking", "lapse_offer"),
    "lapse_waitlist": ("api.WaitlistEntry", "lapse"),
    "release_no_shows": ("api.Booking", "release"),
    "complete_finished": ("api.Booking", "complete"),
    "lapse_trades": ("api.Trade", "lapse"),
}


def get_lag_by_job() -> dict[str, float]:
    """Return the seconds since the oldest passed deadline of a waiting row, per job that has
    deadlines; 0 when nothing is due. One statement."""
    parts, params = [], []
    for job, (rows, deadline) in _list_due().items():
        sql, values = rows.order_by(deadline).values(deadline)[:1].query.sql_with_params()
        parts.append(f"SELECT %s AS job, ({sql}) AS since")
        params += [job, *values]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT job, coalesce(extract(epoch FROM statement_timestamp() - since), 0)"
            f" FROM ({' UNION ALL '.join(parts)}) AS lags",
            params,
        )
        return {job: max(0.0, float(lag)) for job, lag in cursor.fetchall()}


def count_due(job: str) -> int:
    """Count the rows that the next run of the job will find; 0 for a job without deadlines."""
    rows = _list_due().get(job)
    return rows[0].count() if rows else 0


def _list_due() -> dict[str, tuple[QuerySet[Any], str]]:
    """Return the rows that are due, and the column that says since when, per job."""
    failed: dict[str, list[int]] = {}
    jobs = [*SWEEPS, "send_reminders", "extend_series"]
    waiting = JobFailure.objects.filter(job__in=jobs, retry_at__gt=Now())
    for job, row in waiting.values_list("job", "row"):
        failed.setdefault(job, []).append(int(row))
    found = {job: _list_swept(*where, failed.get(job, [])) for job, where in SWEEPS.items()}
    found["send_reminders"] = (
        Booking.objects.filter(status="confirmed", remind_at__lte=Now()).exclude(
            pk__in=failed.get("send_reminders", [])
        ),
        "remind_at",
    )
    found["extend_series"] = (
        Series.objects.filter(ended_at=None, extends_at__lte=Now()).exclude(
            pk__in=failed.get("extend_series", [])
        ),
        "extends_at",
    )
    open_ = Delivery.objects.filter(
        state__in=[State.WAITING.value, State.SENDING.value], due_at__lte=Now()
    )
    found["deliver_due"] = open_.filter(kind=Kind.EMAIL.value), "due_at"
    found["deliver_calls"] = open_.exclude(kind=Kind.EMAIL.value), "due_at"
    events = StripeEvent.objects.filter(state__in=["waiting", "working"], due_at__lte=Now())
    found["work_stripe_events"] = events, "due_at"
    return found


def _list_swept(model: str, name: str, failed: list[int]) -> tuple[QuerySet[Any], str]:
    """Return the due rows of a sweep, without those that wait for a retry as failures."""
    table: Table = next(table for table in TABLES if table.model == model)
    move: Transition = getattr(table, name)
    rows = apps.get_model(model)._base_manager.filter(
        status__in=move.sources, **{f"{move.deadline}__lte": Now()}
    )
    if move.unless:
        rows = rows.filter(**{f"{move.unless}__isnull": True})
    return (rows.exclude(pk__in=failed) if failed else rows), move.deadline
