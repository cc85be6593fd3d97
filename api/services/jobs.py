"""Runs a job and writes down that it ran: start, duration, rows, error."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from django.db import connection

from api.models import Job

log = structlog.get_logger("holdfast.jobs")


def run(name: str, work: Callable[[], int]) -> int:
    """What `work` returns, recorded under the job's name. An error is recorded and raised."""
    began = time.monotonic()
    try:
        count = work()
    except Exception as error:
        _write(name, began, 0, f"{type(error).__name__}: {error}")
        log.error("job_failed", job=name, error=repr(error))
        raise
    _write(name, began, count, "")
    duration = round(time.monotonic() - began, 4)
    (log.info if count else log.debug)("job_ran", job=name, count=count, seconds=duration)
    return count


def _write(name: str, began: float, count: int, error: str) -> None:
    took = timedelta(seconds=time.monotonic() - began)
    values: dict[str, Any] = {
        "name": name,
        "took": took,
        "count": count,
        "failed": int(bool(error)),
        "error": error[:2000],
        "worker": socket.gethostname()[:120],
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Job._meta.db_table} AS j"  # noqa: S608
            " (name, started_at, finished_at, duration, count,"
            " total, runs, failed_runs, last_error, worker)"
            " VALUES (%(name)s, statement_timestamp() - %(took)s, statement_timestamp(),"
            " %(took)s, %(count)s, %(count)s, 1, %(failed)s, %(error)s, %(worker)s)"
            " ON CONFLICT (name) DO UPDATE SET"
            " started_at = excluded.started_at, finished_at = excluded.finished_at,"
            " duration = excluded.duration, count = excluded.count,"
            " total = j.total + excluded.count, runs = j.runs + 1,"
            " failed_runs = j.failed_runs + excluded.failed_runs,"
            " last_error = excluded.last_error, worker = excluded.worker",
            values,
        )
