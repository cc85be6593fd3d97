"""A circuit breaker: somebody outside who keeps everyone waiting is left alone for a while.

The rule: one answer that was lost says nothing, and a quick refusal is an answer. What was waited
for several times running in vain would else take every thread and every worker with it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

SLOW = 1.0  # seconds after which a failure was a wait
IN_VAIN = 3  # such failures running
PAUSE = 15.0  # seconds


class Circuit:
    """Of this process, for all its threads. Open, nobody calls, but one each PAUSE who tries.
    `silence`: the error of a call that was not answered."""

    def __init__(self, silence: type[Exception]) -> None:
        self.silence = silence
        self.lock = threading.Lock()
        self.close()

    def close(self) -> None:
        self.in_vain, self.until = 0, 0.0

    def is_open(self) -> bool:
        return self.in_vain >= IN_VAIN and time.monotonic() < self.until

    def lets_through(self) -> bool:
        """Whether to call now. Who tries after a pause keeps the others away meanwhile."""
        with self.lock:
            if self.is_open():
                return False
            self.until = time.monotonic() + PAUSE
            return True

    @contextmanager
    def call(self) -> Iterator[None]:
        """Around the call itself."""
        began = time.monotonic()
        try:
            yield
        except Exception as error:
            if isinstance(error, self.silence) and time.monotonic() - began >= SLOW:
                with self.lock:
                    self.in_vain += 1
                    self.until = time.monotonic() + PAUSE
            else:
                self.close()
            raise
        self.close()
