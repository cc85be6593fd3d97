"""What Prometheus reads: requests as every web process counts them, the clock as the database says.

The rule: a scrape costs a few statements, and is answered also while the database is away.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

if TYPE_CHECKING:
    from api.queries.automation import JobState, Report

CONTENT_TYPE = CONTENT_TYPE_LATEST
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

OWN = CollectorRegistry()
REQUESTS = Counter(
    "holdfast_http_requests_total",
    "Answers by method, route and status",
    ["method", "route", "status"],
    registry=OWN,
)
LATENCY = Histogram(
    "holdfast_http_request_duration_seconds",
    "Time to answer by method and route",
    ["method", "route"],
    buckets=BUCKETS,
    registry=OWN,
)


def measure(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """The middleware that counts. The route is the pattern, so ids make no new series."""

    def measured(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = get_response(request)
        method = request.method if request.method in METHODS else "OTHER"
        route = request.resolver_match.route if request.resolver_match else "none"
        REQUESTS.labels(method, route, response.status_code).inc()
        LATENCY.labels(method, route).observe(time.perf_counter() - began)
        return response

    return measured


def exposition(report: Report | None) -> bytes:
    """All of it as text; `report` is None while the database is away."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(OWN)
    registry.register(Clock(report))
    return generate_latest(registry)


class Clock:
    """The figures of one report."""

    def __init__(self, report: Report | None) -> None:
        self.report = report

    def collect(self) -> Iterator[Metric]:
        up = 0 if self.report is None else 1
        yield GaugeMetricFamily("holdfast_database_up", "Whether the database answers", value=up)
        if self.report is not None:
            yield from jobs(self.report)
            yield from rest(self.report)


Figures = dict[str, tuple[str, Callable[["JobState"], float | None]]]


def jobs(report: Report) -> Iterator[Metric]:
    figures: Figures = {
        "interval_seconds": ("How often the job runs", lambda j: j.interval.total_seconds()),
        "lag_seconds": ("Age of the oldest row past its deadline", lambda j: j.lag),
        "last_success_timestamp_seconds": (
            "When it last ended well",
            lambda j: j.succeeded_at.timestamp() if j.succeeded_at else None,
        ),
        "last_duration_seconds": ("How long the last run took", lambda j: j.duration),
        "last_rows": ("Rows of the last run", lambda j: j.count),
        "paused": ("Whether an operator has paused it", lambda j: int(j.paused)),
        "healthy": ("Whether it is paused or not late", lambda j: int(j.healthy)),
    }
    for name, (text, value) in figures.items():
        gauge = GaugeMetricFamily(f"holdfast_job_{name}", text, labels=["job"])
        for job in report.jobs:
            if (found := value(job)) is not None:
                gauge.add_metric([job.name], found)
        yield gauge
    totals: Figures = {
        "runs": ("Runs", lambda j: j.runs),
        "failed_runs": ("Runs that ended in an error", lambda j: j.failed_runs),
        "rows": ("Rows of all runs", lambda j: j.total),
    }
    for name, (text, value) in totals.items():
        counter = CounterMetricFamily(f"holdfast_job_{name}", text, labels=["job"])
        for job in report.jobs:
            counter.add_metric([job.name], value(job) or 0)
        yield counter


def rest(report: Report) -> Iterator[Metric]:
    outbox = GaugeMetricFamily(
        "holdfast_outbox_deliveries",
        "Rows of the outbox; of sent and withheld the last hour's",
        labels=["kind", "state"],
    )
    for row in report.outbox:
        outbox.add_metric([row.kind, row.state], row.count)
    yield outbox
    seen = GaugeMetricFamily(
        "holdfast_process_last_seen_timestamp_seconds",
        "The last sign of life of each worker and beat",
        labels=["kind", "name"],
    )
    for process in report.processes:
        seen.add_metric([process.kind, process.name], process.last_seen.timestamp())
    yield seen
    yield GaugeMetricFamily(
        "holdfast_job_failures", "Rows that a job could not work on", value=len(report.failures)
    )
    yield GaugeMetricFamily(
        "holdfast_automation_healthy", "Whether the clock runs", value=int(report.healthy)
    )
