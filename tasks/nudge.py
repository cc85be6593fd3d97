"""Asks for a task after the commit, without making anybody wait for the broker.

One thread per process publishes, at most every WINDOW seconds per task, in the context of who asked
first, so that the task knows which request it comes from. While the broker is away nudges are lost,
which costs time and nothing else: the sweep finds the rows.
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

log = structlog.get_logger("holdfast.nudge")

WINDOW = 0.1  # seconds; a nudge within it rides along with the next
# a machine that is slow to publish has other things to do: it is asked less often, within reason
SHARE, LONGEST = 20, 0.5


class Publisher:
    """A thread that publishes what it was asked to, each name once a window."""

    window = WINDOW

    def __init__(self) -> None:
        self._begin()
        os.register_at_fork(after_in_child=self._begin)  # a lock may have been held meanwhile

    def _begin(self) -> None:
        self.wanted: dict[Any, Context] = {}
        self.awake = threading.Event()
        self.pid = 0
        self.lock = threading.Lock()

    def ask(self, name: Any) -> None:
        with self.lock:
            if name not in self.wanted:
                self.wanted[name] = copy_context()
        if self.pid != os.getpid():
            self._start()
        self.awake.set()

    def _start(self) -> None:
        """Threads do not survive a fork, so every process starts its own."""
        with self.lock:
            if self.pid == os.getpid():
                return
            self.awake = threading.Event()
            self.pid = os.getpid()
            threading.Thread(target=self._run, name="nudge", daemon=True).start()

    def _run(self) -> None:
        while True:
            self.awake.wait()
            self.awake.clear()
            with self.lock:
                names, self.wanted = self.wanted, {}
            began = time.monotonic()
            self.send(names)
            took = time.monotonic() - began
            time.sleep(max(self.window, min(SHARE * took, LONGEST)))

    def send(self, names: Mapping[Any, Context]) -> None:
        for name, context in names.items():
            context.run(publish_task, name)


def publish_task(name: str) -> bool:
    """Whether the broker took it; never raises, never waits long."""
    from backend.celery import app

    try:
        app.send_task(name, retry=False, queue=get_queue(name), expires=60)
    except Exception as error:  # the broker's library may raise nearly anything
        log.warning("nudge_lost", task=name, error=repr(error))
        return False
    return True


def get_queue(name: str) -> str:
    theme = name.split(".")[1]
    return theme if theme in ("clock", "emails") else "default"


publisher = Publisher()


def enqueue_after_commit(name: str) -> None:
    """Publishes the task once the current transaction has committed."""

    def ask() -> None:
        publisher.ask(name)

    transaction.on_commit(ask, robust=True)
