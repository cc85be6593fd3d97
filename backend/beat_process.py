"""The process of beat: Celery's, but for how it ends."""

from __future__ import annotations

import signal
from typing import Any

from celery.apps import beat


class Beat(beat.Beat):
    def install_sync_handler(self, service: Any) -> None:
        """End at a signal, and save nothing: what was not saved is sent once more at most.

        Celery's handler asks for the scheduler to save its schedule. While the scheduler is just
        being made it would make another one inside the handler, on the connection of the statement
        that the signal interrupted, and wait for itself for ever.
        """

        def stop(*_: object) -> None:
            service._is_shutdown.set()  # where a failing statement swallows the exit
            raise SystemExit

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
