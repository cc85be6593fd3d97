"""Beat's scheduler: the code's schedule in the database, where an operator's changes survive.

A job that is sent twice or late does no harm.
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

from backend.pulse import Pulse

LONG_AGO = timedelta(days=3650)


class Entry(ModelEntry):
    last_run_at: datetime

    def __init__(self, model: PeriodicTask, app: Any = None) -> None:
        """What never ran, or was paused, is due at once; a last run in the future (another beat's
        clock was ahead) was now."""
        if model.interval is not None:
            now = datetime.now(UTC)
            model.last_run_at = min(model.last_run_at or now - LONG_AGO, now)
        super().__init__(model, app)

    def is_due(self) -> Any:
        """Also after the clock was set back, when the last run seems to lie ahead."""
        if self.last_run_at > datetime.now(UTC):
            self.last_run_at = datetime.now(UTC)
        return super().is_due()

    def save(self) -> None:
        """Only what beat knows better: an operator may be changing the row at this moment."""
        PeriodicTask.objects.filter(pk=self.model.pk, enabled=True).update(
            last_run_at=self.model.last_run_at, total_run_count=self.model.total_run_count
        )


class Scheduler(DatabaseScheduler):
    Entry = Entry
    pulse: Pulse | None = None
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
        """Not the last save that Celery makes here: it does so inside the handler of SIGTERM, and
        if that came during a statement of this very connection, it waits for itself for ever. What
        was not saved in the last minutes is at most sent once more."""

    def tick(self, *args: Any, **options: Any) -> float:
        if self.pulse is None:
            self.pulse = Pulse("beat", f"beat@{gethostname()}", self.app.conf.broker_url)
            self.pulse.start()
        self.pulse.tick()
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
