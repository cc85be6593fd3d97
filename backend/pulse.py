"""Signs of life that need no network: a file per process, touched from inside its own loop.

The rule: only the loop that does the work touches the file, so a loop that hangs shows as an old
file. Nothing is written unless HEARTBEAT_DIR says where; `deploy/healthy.py` reads it.
"""

from pathlib import Path
from typing import Any

from celery import bootsteps
from django.conf import settings
from django_celery_beat.schedulers import DatabaseScheduler

SECONDS = 5.0


def show(name: str) -> None:
    if settings.HEARTBEAT_DIR:
        (Path(settings.HEARTBEAT_DIR) / name).touch()


class Pulse(bootsteps.StartStopStep):  # type: ignore[misc]
    """In the worker's event loop, which stands still while it has lost the broker."""

    requires = ("celery.worker.components:Timer",)

    def start(self, parent: Any) -> None:
        parent.timer.call_repeatedly(SECONDS, show, ("worker",))


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """Beat's, which shows after every look at the schedule that it looked."""

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        seconds = super().tick(*args, **kwargs)
        show("beat")
        return seconds
