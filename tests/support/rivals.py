"""Somebody who does something at the same moment, on a connection of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connection

from api import errors


class Rival(threading.Thread):
    """Does something on a connection of its own, and keeps what came of it."""

    def __init__(self, act: Callable[[], Any]) -> None:
        super().__init__()
        self.act, self.result = act, None
        self.pid = 0
        self.ready = threading.Event()

    def run(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self.pid = cursor.fetchone()[0]
            self.ready.set()
            self.result = outcome(self.act)
        finally:
            connection.close()

    def wait(self) -> None:
        """Until it waits for a lock of ours, or is through."""
        self.ready.wait(10)
        while self.is_alive() and not self.is_waiting():
            time.sleep(0.002)

    def is_waiting(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [self.pid])
            return bool(cursor.fetchone()[0])


def outcome(act: Callable[[], Any]) -> Any:
    """What came back, or the kind of the refusal."""
    try:
        return act()
    except errors.Refusal as refusal:
        return type(refusal)
