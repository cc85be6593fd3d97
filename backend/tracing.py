"""Traces: with OTEL_EXPORTER_OTLP_ENDPOINT set, requests, tasks and statements are spans that are
sent there by OTLP over HTTP. OpenTelemetry's own variables configure the rest. Without it nothing
of OpenTelemetry is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from opentelemetry.trace import Span

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
MISSING = f"{ENDPOINT} is set, but OpenTelemetry is not installed: it is the extra `otel`."


def start(process: str) -> bool:
    """Start tracing this process, if it is configured, and return whether it is.

    Called once in each process, after its last fork and before Django loads its middleware: the
    sending thread does not survive a fork.
    """
    if not os.environ.get(ENDPOINT):
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
    instrument_prepared_cursors()
    CeleryInstrumentor().instrument()
    if process == "web":
        excluded = os.environ.get("OTEL_PYTHON_DJANGO_EXCLUDED_URLS", "health/,static/")
        DjangoInstrumentor().instrument(
            # behind the one that answers Prometheus, whose scrapes are not traced
            middleware_position=settings.MIDDLEWARE.index("backend.metrics.measure_requests") + 1,
            excluded_urls=excluded,
            response_hook=describe_request,
        )
    return True


def instrument_prepared_cursors() -> None:
    """Trace prepared statements too, by which bookings are made: their cursors are not made by the
    connection, so `PsycopgInstrumentor` does not see them."""
    from django.db.backends.postgresql.base import CursorMixin
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor

    from backend.postgresql.base import DatabaseWrapper

    pattern: Any = SimpleNamespace(cursor_factory=None)
    watched = PsycopgInstrumentor.instrument_connection(pattern).cursor_factory
    DatabaseWrapper.prepared_cursor = type("Prepared", (CursorMixin, watched), {})


def stop() -> None:
    """Send the last spans, for processes that end without Python's own clean-up."""
    if os.environ.get(ENDPOINT):
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider

        if isinstance(provider := trace.get_tracer_provider(), TracerProvider):
            provider.shutdown()


def describe_request(span: Span, request: HttpRequest, response: HttpResponse) -> None:
    """Put the request's id on its span, and hide the tokens in its path, as on every log line."""
    from backend.log_redaction import hide_patterns
    from backend.request_ids import HEADER

    if span.is_recording():
        span.set_attribute("holdfast.request_id", response.get(HEADER, ""))
        written: Mapping[str, Any] = getattr(span, "attributes", {})
        for name, value in list(written.items()):
            if isinstance(value, str) and (shown := hide_patterns(value)) != value:
                span.set_attribute(name, shown)
