"""The heartbeat of a worker or of beat: shows that its main loop runs, and ends a process that
only seems to live, so that its supervisor starts it again (docs/decisions/0003)."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from celery import bootsteps
from celery.worker import state
from django.conf import settings

from backend import broker

log = structlog.get_logger("holdfast.heartbeat")

INTERVAL = 5.0  # seconds
EXIT_CODE = 75  # "temporary failure, try again"


class Heartbeat(threading.Thread):
    """Records a heartbeat for as long as the main loop calls `tick`. Ends the process when the loop
    stands still, or `is_deaf`, for HEARTBEAT_TIMEOUT although the broker responds."""

    def __init__(self, kind: str, process_name: str, is_deaf: Callable[[], bool] = bool) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self.kind, self.process_name, self.is_deaf = kind, process_name, is_deaf
        self.stopped = threading.Event()
        self.ticked_at = self.well_at = time.monotonic()

    def tick(self) -> None:
        self.ticked_at = time.monotonic()

    def stop(self) -> None:
        self.stopped.set()

    def run(self) -> None:
        recorded = False
        while not self.stopped.wait(INTERVAL if recorded else 1.0):
            now = time.monotonic()
            is_alive = now - self.ticked_at < 2 * INTERVAL
            if is_alive:
                recorded = record_heartbeat(self.kind, self.process_name) or recorded
            # Celery waits inside its loop for a broker that is away
            if (is_alive and not self.is_deaf()) or not broker.is_reachable():
                self.well_at = now
            elif now - self.well_at > settings.HEARTBEAT_TIMEOUT:
                log.critical("standing_still", process=self.process_name)
                os._exit(EXIT_CODE)


def record_heartbeat(kind: str, process_name: str) -> bool:
    """Show that a process lives: in the database, for `/health/automation/`, and in a file, for the
    health check of its container. Returns whether the database took it."""
    from django.db import Error, connection

    from api.services.operations import jobs

    if settings.HEARTBEAT_DIR:
        with contextlib.suppress(OSError):  # no room there for a file
            Path(settings.HEARTBEAT_DIR, kind).touch()
    try:
        with contextlib.closing(connection):
            jobs.record_heartbeat(kind, process_name)
    except Error as error:
        log.warning("heartbeat_not_recorded", process=process_name, error=repr(error))
        return False
    return True


class WorkerHeartbeat(bootsteps.StartStopStep):
    """Ticks from the event loop of a worker."""

    requires = ("celery.worker.components:Hub", "celery.worker.components:Pool")
    received = -1

    def start(self, worker: Any) -> None:
        queues = list(worker.app.amqp.queues.consume_from)
        self.heartbeat = Heartbeat("worker", worker.hostname, lambda: self.is_deaf(queues))
        if worker.hub is not None:
            worker.hub.call_repeatedly(1.0, self.heartbeat.tick)
        self.heartbeat.start()

    def is_deaf(self, queues: list[str]) -> bool:
        """Whether messages wait although it has nothing to do and nothing has arrived since."""
        before, self.received = self.received, sum(state.total_count.values())
        if state.reserved_requests or self.received != before:
            return False
        return any((broker.get_queue_lengths(queues) or {}).values())

    def close(self, worker: Any) -> None:
        """A worker that is told to stop may take its time over the last tasks."""
        self.heartbeat.stop()
