"""Shows that a process lives, and ends it when it only seems to: a supervisor starts it again.

The rule: waiting for a broker that is away is not a fault; standing still while it answers is.
"""

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

log = structlog.get_logger("holdfast.pulse")

EVERY = 5.0  # seconds between two signs of life
EXIT_CODE = 75  # "temporary failure, try again"


class Pulse(threading.Thread):
    """Signs for its process as long as the main loop ticks; ends the process when the loop stands
    still, or is `deaf`, for `patience` seconds although the broker answers."""

    def __init__(
        self, kind: str, name: str, url: str, deaf: Callable[[broker.Broker], bool] | None = None
    ) -> None:
        super().__init__(name="pulse", daemon=True)
        self.kind, self.process_name, self.deaf = kind, name, deaf
        self.broker = broker.of(url)
        self.patience = settings.PULSE_PATIENCE
        self.over = threading.Event()
        self.signed = False
        self.ticked_at = self.heard_at = self.excused_at = time.monotonic()

    def tick(self) -> None:
        """Called by the main loop, often."""
        self.ticked_at = time.monotonic()

    def stop(self) -> None:
        self.over.set()

    def run(self) -> None:
        while not self.over.wait(EVERY if self.signed else 1.0):
            self._look()
            alive_at = max(min(self.ticked_at, self.heard_at), self.excused_at)
            silent = time.monotonic() - alive_at
            if silent > self.patience:
                log.critical("standing_still", process=self.process_name, seconds=round(silent))
                os._exit(EXIT_CODE)
            if time.monotonic() - self.ticked_at < 2 * EVERY:
                self._sign()

    def _look(self) -> None:
        """A broker that is away excuses everything; so does having nothing to hear."""
        now = time.monotonic()
        try:
            self.broker.ping()
            if self.deaf is None or not self.deaf(self.broker):
                self.heard_at = now
        except broker.Away:
            self.excused_at = now

    def _sign(self) -> None:
        """In the database, for people; in a file, for the health check of this very container."""
        from django.db import Error, connection

        from api.services.operations import jobs

        if settings.HEARTBEAT_DIR:
            (Path(settings.HEARTBEAT_DIR) / self.kind).touch()
        try:
            with contextlib.closing(connection):
                jobs.sign(self.kind, self.process_name)
            self.signed = True
        except Error as error:
            log.warning("no_sign_of_life", process=self.process_name, error=repr(error))


class WorkerPulse(bootsteps.StartStopStep):
    """The pulse of a worker: its event loop ticks it, and it is deaf when its queues hold messages
    while it has nothing to do and nothing arrives."""

    requires = ("celery.worker.components:Hub", "celery.worker.components:Pool")

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self.pulse: Pulse | None = None
        self.received = -1

    def start(self, worker: Any) -> None:
        url = worker.app.conf.broker_url
        queues = list(worker.app.amqp.queues.consume_from)
        self.pulse = Pulse("worker", worker.hostname, url, lambda asked: self.deaf(asked, queues))
        if worker.hub is not None:
            worker.hub.call_repeatedly(1.0, self.pulse.tick)
        self.pulse.start()

    def deaf(self, asked: broker.Broker, queues: list[str]) -> bool:
        before, self.received = self.received, sum(state.total_count.values())
        if state.reserved_requests or self.received != before:
            return False
        return asked.holds(queues)

    def close(self, worker: Any) -> None:
        """A worker that is told to stop may take its time over the last tasks."""
        if self.pulse is not None:
            self.pulse.stop()
