"""What each web process counts of its requests, for Prometheus; `metrics_endpoint.py` shows it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

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


def measure_requests(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., Any]:
    """Middleware that counts requests by route: the pattern, so that ids make no new series."""

    def middleware(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        IN_PROGRESS.inc()
        try:
            response = get_response(request)
        finally:
            IN_PROGRESS.dec()
        method = request.method if request.method in METHODS else "OTHER"
        route = request.resolver_match.route if request.resolver_match else "none"
        requests, latency = _get_series(method, route, response.status_code)
        requests.inc()
        latency.observe(time.perf_counter() - began)
        return response

    return middleware


@cache
def _get_series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Return the labelled metrics, cached because looking them up costs more than counting."""
    kind = f"{status // 100}xx"
    return REQUESTS.labels(method, route, status), LATENCY.labels(method, route, kind)
