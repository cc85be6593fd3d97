"""Stops calls to a provider that keeps its callers waiting, for some seconds at a time.

Timeouts alone are not enough: with many rows due, every worker process would spend its time waiting
for them. See `docs/decisions/0014-the-circuit-breaker.md` for why this is not a library.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

SLOW = 1.0  # seconds: a failure that came sooner cost nobody much
MAX_FAILURES = 3
PAUSE = 15.0  # seconds


class CircuitOpen(Exception):
    """The provider was not called."""


class CircuitBreaker:
    """Opens after MAX_FAILURES slow failures in a row; then one caller may try every PAUSE seconds.

    One per provider and process, safe for all its threads. `no_answer` is what a call raises that
    got no response; any other error is a response.
    """

    def __init__(self, no_answer: type[Exception]) -> None:
        self.no_answer = no_answer
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self.failures, self.retry_at = 0, 0.0

    def is_open(self) -> bool:
        return self.failures >= MAX_FAILURES and time.monotonic() < self.retry_at

    @contextmanager
    def call(self) -> Iterator[None]:
        """Wrap one call to the provider. Raises `CircuitOpen` while the circuit is open."""
        with self.lock:
            if self.is_open():
                raise CircuitOpen
            began = time.monotonic()
            self.retry_at = began + PAUSE  # if it is open, the others wait for this one's outcome
        try:
            yield
        except Exception as error:
            if isinstance(error, self.no_answer) and time.monotonic() - began >= SLOW:
                with self.lock:
                    self.failures += 1
                    self.retry_at = time.monotonic() + PAUSE
            else:
                self.reset()
            raise
        self.reset()
