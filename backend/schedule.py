"""Every periodic job: its interval, and why. Intervals in UTC, no crontabs.

Beat copies these rows into its tables by name; an operator may pause a job or change its interval
there, and both survive a restart. A job that is no longer here leaves those tables.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from backend.environment import read_environment

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Job:
    task: str
    every: timedelta
    why: str
    queue: str = "clock"

    def entry(self) -> dict[str, Any]:
        """As beat wants it. A run that waited for some time is thrown away: the next one does its
        work, so nothing piles up while no worker is there. It is a minute at least, because beat
        and worker may read clocks that differ."""
        return {
            "task": self.task,
            "schedule": self.every,
            "options": {
                "queue": self.queue,
                "expire_seconds": round(max(2 * self.every, MINUTE).total_seconds()),
            },
        }


SCHEDULE: dict[str, Job] = {
    "expire_holds": Job(
        "tasks.clock.expire_holds", 5 * SECOND, "an unpaid hold gives its slot back"
    ),
    "lapse_requests": Job(
        "tasks.clock.lapse_requests", 5 * SECOND, "an unanswered request ends when its slot begins"
    ),
    "release_no_shows": Job(
        "tasks.clock.release_no_shows", 5 * SECOND, "a room nobody came to is free again"
    ),
    "complete_finished": Job(
        "tasks.clock.complete_finished", 5 * SECOND, "what is over is said to be over"
    ),
    "extend_series": Job(
        "tasks.clock.extend_series",
        15 * SECOND,
        "what a series has beyond the advance limit is booked when the limit lets it",
    ),
    "end_series": Job(
        "tasks.clock.end_series", 15 * SECOND, "too many no-shows end a series, as the venue says"
    ),
    "lapse_trades": Job(
        "tasks.clock.lapse_trades", 5 * SECOND, "an offer ends when a booking begins or moves"
    ),
    "review_bookings": Job(
        "tasks.clock.review_bookings",
        15 * SECOND,
        "a rule that changed in a way nobody thought of strands no booking",
    ),
    "renew_blocks": Job(
        "tasks.clock.renew_blocks",
        HOUR,
        "a block that comes again for ever is there as far ahead as people may book",
    ),
    "send_reminders": Job(
        "tasks.clock.send_reminders", 15 * SECOND, "a reminder is queued when its time has come"
    ),
    "push_panels": Job(
        "tasks.clock.push_panels", 5 * SECOND, "panels are told what time alone has changed"
    ),
    "deliver_due": Job(
        "tasks.emails.deliver_due", 5 * SECOND, "what was not sent at once is sent", queue="emails"
    ),
    "deliver_calls": Job(
        "tasks.payments.deliver_calls",
        5 * SECOND,
        "intents nobody shall pay are cancelled, refunds paid",
        queue="default",
    ),
    "work_stripe_events": Job(
        "tasks.payments.work_stripe_events",
        5 * SECOND,
        "a webhook that was not worked on at once is",
        queue="default",
    ),
    "reconcile_payments": Job(
        "tasks.payments.reconcile_payments",
        MINUTE,
        "what is in doubt is asked of Stripe, and differences are shown",
        queue="default",
    ),
    "prune_blacklist": Job(
        "tasks.upkeep.prune_blacklist",
        DAY,
        "expired refresh tokens need no memory",
        queue="default",
    ),
    "prune_history": Job(
        "tasks.upkeep.prune_history",
        HOUR,
        "history, finished deliveries, keys and exports that are not kept any more are deleted",
        queue="default",
    ),
    "forget_old_bookings": Job(
        "tasks.upkeep.forget_old_bookings",
        HOUR,
        "a venue forgets who booked when its retention has passed",
        queue="default",
    ),
    "roll_up_analytics": Job(
        "tasks.analytics.roll_up_analytics",
        HOUR,
        "days that are over are summed up once, and again when a booking of theirs changes",
        queue="default",
    ),
    "make_exports": Job(
        "tasks.analytics.make_exports",
        5 * SECOND,
        "a large export is made while nobody waits for it",
        queue="default",
    ),
    "seal_audit": Job(
        "tasks.upkeep.seal_audit",
        5 * SECOND,
        "what staff did takes its place in the chain that shows later changes",
        queue="default",
    ),
    "heartbeat": Job(
        "tasks.upkeep.heartbeat",
        10 * SECOND,
        "shows that beat and a worker are alive",
        queue="default",
    ),
}

_env = read_environment()
if _env.HOLDFAST_EMBEDDED and _env.DEMO:
    SCHEDULE["fill_demo"] = Job(
        "tasks.upkeep.fill_demo",
        10 * MINUTE,
        "the demo has something under way on the day after too",
        queue="default",
    )
