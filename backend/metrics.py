"""What Prometheus reads: requests as every web process counts them, the clock as the database says.

The rule: a scrape costs a few statements, and is answered also while the database is away.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from backend import broker

if TYPE_CHECKING:
    from api.queries.operations.automation import JobState, Report
    from api.queries.operations.saturation import Saturation

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
    "Time to answer by method, route and class of status (2xx, 4xx, …)",
    ["method", "route", "status_class"],
    buckets=BUCKETS,
    registry=OWN,
)
IN_PROGRESS = Gauge(
    "holdfast_http_requests_in_progress",
    "Threads of the web processes that are busy with a request",
    registry=OWN,
    multiprocess_mode="livesum",
)
THREADS = Gauge(
    "holdfast_web_threads",
    "Threads that the web processes answer requests with",
    registry=OWN,
    multiprocess_mode="livesum",
)


def measure(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """The middleware that counts. The route is the pattern, so ids make no new series. Whoever
    scrapes is answered here: a process is known to Prometheus by its address, and that is none of
    the names that Holdfast serves."""

    def measured(request: HttpRequest) -> HttpResponse:
        if request.path_info == "/metrics":
            return render_metrics(request)
        began = time.perf_counter()
        IN_PROGRESS.inc()
        try:
            response = get_response(request)
        finally:
            IN_PROGRESS.dec()
        method = request.method if request.method in METHODS else "OTHER"
        route = request.resolver_match.route if request.resolver_match else "none"
        requests, latency = _series(method, route, response.status_code)
        requests.inc()
        latency.observe(time.perf_counter() - began)
        return response

    return measured


@cache
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Looked up once: that costs more than counting. There are as many as series."""
    kind = f"{status // 100}xx"
    return REQUESTS.labels(method, route, status), LATENCY.labels(method, route, kind)


@require_safe
def render_metrics(request: HttpRequest) -> HttpResponse:
    """The text format of Prometheus; behind a bearer token if METRICS_TOKEN is set."""
    from api.queries.operations import automation, saturation  # models, once Django is set up

    given = request.headers.get("Authorization", "").encode()
    wanted = f"Bearer {settings.METRICS_TOKEN}".encode()
    if settings.METRICS_TOKEN and not hmac.compare_digest(given, wanted):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    report: Report | None = None
    full: Saturation | None = None
    with suppress(DatabaseError):  # what the database does not say is left out
        report, full = automation.report(), saturation.now()
    text = exposition(report, full, broker.queue_lengths())
    # it is answered before Django's own middleware could add these
    headers = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
    }
    return HttpResponse(text, content_type=CONTENT_TYPE, headers=headers)


def exposition(
    report: Report | None, saturation: Saturation | None, queues: Mapping[str, int] | None
) -> bytes:
    """All of it as text; the first two are None while the database is away, the last while the
    broker is."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(OWN)
    registry.register(Outside(report, saturation, queues))
    return generate_latest(registry)


class Outside:
    """The figures of no process of the web: what database and broker tell."""

    def __init__(
        self,
        report: Report | None,
        saturation: Saturation | None,
        queues: Mapping[str, int] | None,
    ) -> None:
        self.report, self.saturation, self.queues = report, saturation, queues

    def collect(self) -> Iterator[Metric]:
        up = 0 if self.report is None else 1
        yield GaugeMetricFamily("holdfast_database_up", "Whether the database answers", value=up)
        if self.report is not None:
            yield from jobs(self.report)
            yield from rest(self.report)
        if self.saturation is not None:
            yield from connections(self.saturation)
        up = 0 if self.queues is None else 1
        yield GaugeMetricFamily("holdfast_broker_up", "Whether the broker answers", value=up)
        if self.queues is not None:
            waiting = GaugeMetricFamily(
                "holdfast_queue_messages", "Tasks that no worker has begun", labels=["queue"]
            )
            for queue, length in self.queues.items():
                waiting.add_metric([queue], length)
            yield waiting


def connections(saturation: Saturation) -> Iterator[Metric]:
    gauge = GaugeMetricFamily(
        "holdfast_database_connections",
        "Connections to this database by what they do: active, idle, idle in transaction",
        labels=["state"],
    )
    for state, count in saturation.connections.items():
        gauge.add_metric([state], count)
    yield gauge
    yield GaugeMetricFamily(
        "holdfast_database_connections_max",
        "Connections that the database server takes in all",
        value=saturation.most,
    )
    yield GaugeMetricFamily(
        "holdfast_database_lock_waits",
        "Connections that wait for a lock",
        value=saturation.waiting_for_locks,
    )
    yield GaugeMetricFamily(
        "holdfast_database_oldest_transaction_seconds",
        "Age of the oldest transaction under way",
        value=saturation.oldest_transaction,
    )


Figures = dict[str, tuple[str, Callable[["JobState"], float | None]]]


def jobs(report: Report) -> Iterator[Metric]:
    """By `name`: Prometheus gives a label `job` to all that it scrapes, and keeps its own."""
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
        gauge = GaugeMetricFamily(f"holdfast_job_{name}", text, labels=["name"])
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
        counter = CounterMetricFamily(f"holdfast_job_{name}", text, labels=["name"])
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


def catalogue() -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """Every figure there is: its name, type, labels and meaning."""
    from api.queries.operations.automation import Report
    from api.queries.operations.saturation import Saturation

    nothing = Report(datetime.now(UTC), jobs=[], outbox=[], processes=[])
    families = Outside(nothing, Saturation({}, 0, 0, 0.0), {}).collect()
    own: list[Any] = [REQUESTS, LATENCY, IN_PROGRESS, THREADS]
    for metric in own:
        [family] = metric.describe()
        yield _named(family), family.type, metric._labelnames, family.documentation
    for family in families:
        labels = getattr(family, "_labelnames", ())
        yield _named(family), family.type, labels, family.documentation


def _named(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name
