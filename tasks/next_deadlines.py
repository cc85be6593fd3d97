"""Runs a sweep when the next of its deadlines comes, where somebody waits for the time.

The deadline is a column, and the sweep finds it whether this comes or not; it only need not wait
for beat. Nothing is put off for longer than beat would, so that no broker delivers it twice.
"""

from __future__ import annotations

import structlog
from django.core.cache import cache
from django_celery_beat.models import PeriodicTask

from api.lifecycle import Transition
from api.services.bookings.sweeps import find_next_waited_for
from backend.schedule import SCHEDULE

from .enqueue import get_queue

log = structlog.get_logger("holdfast.enqueue")
LEAST = 0.2  # seconds: of what is due within them one run makes one


def enqueue_for_next(move: Transition, job: str) -> None:
    """Never raises. Of several that look at the same deadline one enqueues the run."""
    from backend.celery import app

    scheduled = SCHEDULE[job]
    try:
        found = find_next_waited_for(move, scheduled.every)
        if found is None:
            return
        deadline, seconds = found
        paused = PeriodicTask.objects.filter(name=job, enabled=False)
        if not paused.exists() and cache.add(f"next:{job}:{deadline.isoformat()}", True, 60):
            app.send_task(
                scheduled.task,
                countdown=max(seconds, LEAST),
                retry=False,
                queue=get_queue(scheduled.task),
                expires=max(seconds, LEAST) + 60,
            )
    except Exception as error:  # the broker's library may raise nearly anything
        log.warning("task_lost", task=scheduled.task, error=repr(error))
