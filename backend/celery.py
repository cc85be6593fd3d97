"""The Celery application: workers and beat start from here (`celery -A backend …`)."""

import os
import sys
from collections.abc import Callable
from functools import cached_property
from typing import Any

from celery import Celery
from celery.signals import (
    beat_init,
    import_modules,
    setup_logging,
    task_prerun,
    worker_process_init,
    worker_process_shutdown,
)
from django_structlog.celery.steps import DjangoStructLogInitStep

from backend import tracing
from backend.heartbeat import WorkerHeartbeat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")


class Application(Celery):
    @cached_property
    def Beat(self) -> Any:  # noqa: N802 - Celery's name
        return self.subclass_with_self("backend.beat_process:Beat")  # type: ignore[arg-type]  # a name does, too


app = Application("holdfast")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add(DjangoStructLogInitStep)
app.steps["worker"].add(WorkerHeartbeat)


@task_prerun.connect
def close_stale_connections(**_: Any) -> None:
    """Close connections to a database that went away, as Django does before a request."""
    from django.db import close_old_connections

    close_old_connections()


@worker_process_init.connect
def trace_tasks(**_: Any) -> None:
    tracing.start("worker")


@worker_process_shutdown.connect
def send_last_traces(**_: Any) -> None:
    tracing.stop()


@beat_init.connect
def trace_beat(**_: Any) -> None:
    tracing.start("beat")


@import_modules.connect
def refuse_unsafe_settings(**_: Any) -> None:
    """Exit before workers, beat and Flower do anything."""
    from django.core.exceptions import ImproperlyConfigured

    from backend import checks

    try:
        checks.refuse_unsafe_settings()
        if "flower" in sys.argv:
            checks.refuse_open_flower()
            close_flower()
    except ImproperlyConfigured as error:
        sys.exit(f"Holdfast does not start: {error}")  # any other exception Celery would only log


def close_flower() -> None:
    """Flower's password also for its figures and its health, which it leaves open; and no name of
    its server."""
    from flower.views import BaseHandler, monitor  # type: ignore[import-untyped]
    from tornado.web import RequestHandler, authenticated

    for handler in (monitor.Metrics, monitor.Healthcheck):
        handler.get = authenticated(handler.get)
    kinds: tuple[Any, ...] = (RequestHandler, BaseHandler)
    for kind in kinds:
        kind.set_default_headers = _without_server(kind.set_default_headers)


def _without_server(set_default_headers: Callable[[Any], None]) -> Callable[[Any], None]:
    def set_others(handler: Any) -> None:
        set_default_headers(handler)
        handler.clear_header("Server")

    return set_others


@setup_logging.connect
def configure_logging(**_: Any) -> None:
    """Log as the web processes do, instead of in Celery's own format."""
    import logging.config

    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
