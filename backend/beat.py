"""Beat's scheduler: django-celery-beat's, with operators' changes preserved and clocks that jump.

What each override is for is in docs/decisions/0004-beat-keeps-what-operators-chose.md.
"""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime, timedelta
from socket import gethostname
from typing import Any

from django.db import close_old_connections
from django.db.utils import DatabaseError, InterfaceError
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from backend.heartbeat import Heartbeat

LONG_AGO = timedelta(days=3650)


class Entry(ModelEntry):
    last_run_at: datetime

    def __init__(self, model: PeriodicTask, app: Any = None) -> None:
        """Make a job that never ran, or was paused, due at once; take a last run in the future
        (another beat's clock was ahead) for one of now."""
        if model.interval is not None:
            now = datetime.now(UTC)
            model.last_run_at = min(model.last_run_at or now - LONG_AGO, now)
        super().__init__(model, app)

    def is_due(self) -> Any:
        """Whether it is due, also if the clock was set back and the last run seems to lie ahead."""
        if self.last_run_at > datetime.now(UTC):
            self.last_run_at = datetime.now(UTC)
        return super().is_due()

    def save(self) -> None:
        """Write the two columns that beat owns: an operator may be changing the others."""
        PeriodicTask.objects.filter(pk=self.model.pk, enabled=True).update(
            last_run_at=self.model.last_run_at, total_run_count=self.model.total_run_count
        )


class Scheduler(DatabaseScheduler):
    Entry = Entry
    heartbeat: Heartbeat | None = None
    last_tick_at = 0.0

    def setup_schedule(self) -> None:
        from api.services.operations import jobs
        from backend.schedule import SCHEDULE

        chosen = jobs.sync_schedule({name: job.every for name, job in SCHEDULE.items()})
        schedule = self.app.conf.beat_schedule
        self.update_from_dict(
            {name: {**entry, "schedule": chosen[name]} for name, entry in schedule.items()}
        )

    def close(self) -> None:
        """Do nothing. Celery would save the schedule here, as it ends, on a connection whose
        statement a signal may have interrupted. What was not saved is sent once more at most."""

    def tick(self, *args: Any, **options: Any) -> float:
        if self.heartbeat is None:
            self.heartbeat = Heartbeat("beat", f"beat@{gethostname()}")
            self.heartbeat.start()
        self.heartbeat.tick()
        now = time.time()
        if now < self.last_tick_at:
            self._heap = None  # it is ordered by instants that a clock set back makes far away
        self.last_tick_at = now
        try:
            return float(super().tick(*args, **options))
        except (DatabaseError, InterfaceError):
            with contextlib.suppress(DatabaseError, InterfaceError):
                close_old_connections()
            return 1.0
