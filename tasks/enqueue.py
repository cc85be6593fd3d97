"""Enqueues a task after the commit, without making anybody wait for the broker.

One thread per process publishes. While the broker is away tasks are lost, which costs time and
nothing else: the sweep finds the rows.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from contextvars import Context, copy_context
from typing import Any

import structlog
from django.db import transaction

log = structlog.get_logger("holdfast.enqueue")


class Publisher:
    """Publishes what it is given from a thread, each name at most once per `interval`.

    It publishes in the context of who gave the name first, so that a task knows which request it
    comes from.
    """

    interval = 0.1  # seconds

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)  # a lock may have been held meanwhile

    def _reset(self) -> None:
        self.pending: dict[Any, Context] = {}
        self.wake = threading.Event()
        self.pid = 0
        self.lock = threading.Lock()

    def enqueue(self, name: Any) -> None:
        with self.lock:
            if name not in self.pending:
                self.pending[name] = copy_context()
        if self.pid != os.getpid():
            self._start()
        self.wake.set()

    def _start(self) -> None:
        """Threads do not survive a fork, so every process starts its own."""
        with self.lock:
            if self.pid == os.getpid():
                return
            self.wake = threading.Event()
            self.pid = os.getpid()
            threading.Thread(target=self._run, name="enqueue", daemon=True).start()

    def _run(self) -> None:
        while True:
            self.wake.wait()
            self.wake.clear()
            with self.lock:
                names, self.pending = self.pending, {}
            self.publish(names)
            time.sleep(self.interval)

    def publish(self, names: Mapping[Any, Context]) -> None:
        for name, context in names.items():
            context.run(publish_task, name)


def publish_task(name: str) -> bool:
    """Whether the broker took it; never raises, never waits long."""
    from backend.celery import app

    try:
        app.send_task(name, retry=False, queue=get_queue(name), expires=60)
    except Exception as error:  # the broker's library may raise nearly anything
        log.warning("task_lost", task=name, error=repr(error))
        return False
    return True


def get_queue(name: str) -> str:
    theme = name.split(".")[1]
    return theme if theme in ("clock", "emails") else "default"


publisher = Publisher()


def enqueue_after_commit(name: str) -> None:
    def enqueue() -> None:
        publisher.enqueue(name)

    transaction.on_commit(enqueue, robust=True)
