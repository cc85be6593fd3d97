"""Traces, for who wants them: with OTEL_EXPORTER_OTLP_ENDPOINT set, requests, tasks and statements
are spans that go there by OTLP over HTTP. OpenTelemetry's own variables say the rest.

The rule: without that variable nothing here imports anything of it, and nothing is watched.
"""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from opentelemetry.trace import Span

WHERE = "OTEL_EXPORTER_OTLP_ENDPOINT"
MISSING = f"{WHERE} is set, but OpenTelemetry is not installed: it is the extra `otel`."


def start(process: str) -> bool:
    """Whether this process is traced from now on. Called once in each process, after its last fork
    and before Django loads its middleware: the sending thread does not survive a fork."""
    if not os.environ.get(WHERE):
        return False
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.celery import CeleryInstrumentor
        from opentelemetry.instrumentation.django import DjangoInstrumentor
        from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ImproperlyConfigured(MISSING) from error
    name = os.environ.get("OTEL_SERVICE_NAME") or f"holdfast-{process}"
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    PsycopgInstrumentor().instrument()
    watch_prepared()
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]
    if process == "web":
        unseen = os.environ.get("OTEL_PYTHON_DJANGO_EXCLUDED_URLS", "health/,static/")
        DjangoInstrumentor().instrument(
            # behind the one that answers Prometheus, by whatever Host
            middleware_position=settings.MIDDLEWARE.index("backend.metrics.measure") + 1,
            excluded_urls=unseen,
            response_hook=name_it,
        )
    return True


def watch_prepared() -> None:
    """A connection that is watched makes cursors that are; those for prepared statements, by which
    bookings are made, are made beside it."""
    from django.db.backends.postgresql.base import CursorMixin
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor

    from backend.postgresql.base import DatabaseWrapper

    pattern: Any = SimpleNamespace(cursor_factory=None)
    watched = PsycopgInstrumentor.instrument_connection(pattern).cursor_factory
    DatabaseWrapper.prepared_cursor = type("Prepared", (CursorMixin, watched), {})


def stop() -> None:
    """Sends what has not been sent; for processes that end without saying so to Python."""
    if os.environ.get(WHERE):
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider

        if isinstance(provider := trace.get_tracer_provider(), TracerProvider):
            provider.shutdown()


def name_it(span: Span, request: HttpRequest, response: HttpResponse) -> None:
    """The span of a request bears the request's id, which is on every line of the log."""
    from backend.request_ids import HEADER

    if span.is_recording():
        span.set_attribute("holdfast.request_id", response.get(HEADER, ""))
