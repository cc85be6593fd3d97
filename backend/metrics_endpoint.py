"""`/metrics`: what web processes counted, and the state of the clock, the outbox and the servers.

A scrape costs a few statements, and is answered also while the database is away.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from api.queries.operations import automation, saturation
from api.queries.operations.automation import JobState, Report
from api.queries.operations.saturation import Saturation
from api.queries.waitlist.figures import OfferFigures
from api.rest.authorization import read_credentials
from backend import broker
from backend.metrics import IN_PROGRESS, LATENCY, OWN, REQUESTS, THREADS


def metrics_middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., Any]:
    """Middleware that answers `/metrics` before the Host is checked: Prometheus knows a process by
    its address, which is none of the names that Holdfast serves."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return serve_metrics(request) if request.path_info == "/metrics" else get_response(request)

    return middleware


@require_safe
def serve_metrics(request: HttpRequest) -> HttpResponse:
    """The text format of Prometheus; behind a bearer token if METRICS_TOKEN is set."""
    scheme, token = read_credentials(request.headers.get("Authorization", ""))
    given, wanted = token.encode() * (scheme == "bearer"), settings.METRICS_TOKEN.encode()
    if wanted and not hmac.compare_digest(given, wanted):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    report: Report | None = None
    full: Saturation | None = None
    with suppress(DatabaseError):  # what is known is shown
        report, full = automation.get_report(), saturation.measure_saturation()
    text = render_metrics(report, full, broker.get_queue_lengths())
    # answered before Django's own middleware could add them
    headers = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
    }
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST, headers=headers)


def render_metrics(
    report: Report | None, saturation: Saturation | None, queues: Mapping[str, int] | None
) -> bytes:
    """Return all metrics as text. The first two are None while the database is away, the last
    while the broker is."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.MultiProcessCollector(registry)
    else:
        registry.register(OWN)
    registry.register(StateCollector(report, saturation, queues))
    return generate_latest(registry)


class StateCollector:
    """The metrics that no web process counts: read from the database and the broker."""

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
            yield from collect_jobs(self.report)
            yield from collect_outbox_and_processes(self.report)
            yield from collect_offers(self.report.offers)
        if self.saturation is not None:
            yield from collect_connections(self.saturation)
        up = 0 if self.queues is None else 1
        yield GaugeMetricFamily("holdfast_broker_up", "Whether the broker answers", value=up)
        if self.queues is not None:
            waiting = GaugeMetricFamily(
                "holdfast_queue_messages", "Tasks that no worker has begun", labels=["queue"]
            )
            for queue, length in self.queues.items():
                waiting.add_metric([queue], length)
            yield waiting


def collect_connections(saturation: Saturation) -> Iterator[Metric]:
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


def collect_offers(offers: OfferFigures) -> Iterator[Metric]:
    gauges = {
        "waitlist_waiting": ("Entries of the waitlist that wait", offers.waiting),
        "offers_running": ("Offers to who waited that nobody has answered yet", offers.running),
        "offers_accepted": ("Offers accepted in the last 24 hours", offers.accepted),
        "offers_declined": ("Offers declined in the last 24 hours", offers.declined),
        "offers_lapsed": ("Offers that nobody answered in the last 24 hours", offers.lapsed),
        "offers_empty_seconds": (
            "How long accepted time had stood empty, on average of 24 hours",
            offers.empty_seconds or 0,
        ),
    }
    for name, (meaning, value) in gauges.items():
        yield GaugeMetricFamily(f"holdfast_{name}", meaning, value=value)


Figures = dict[str, tuple[str, Callable[[JobState], float | None]]]


def collect_jobs(report: Report) -> Iterator[Metric]:
    """Labelled `name`, because Prometheus gives a `job` label of its own to all that it scrapes."""
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


def collect_outbox_and_processes(report: Report) -> Iterator[Metric]:
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


def list_metrics() -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """Every metric there is: its name, type, labels and meaning."""
    nothing = Report(datetime.now(UTC), jobs=[], outbox=[], processes=[])
    families = StateCollector(nothing, Saturation({}, 0, 0, 0.0), {}).collect()
    own: list[Any] = [REQUESTS, LATENCY, IN_PROGRESS, THREADS]
    for metric in own:
        [family] = metric.describe()
        yield _get_full_name(family), family.type, metric._labelnames, family.documentation
    for family in families:
        labels = getattr(family, "_labelnames", ())
        yield _get_full_name(family), family.type, labels, family.documentation


def _get_full_name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name
