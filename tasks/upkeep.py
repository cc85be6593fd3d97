"""Housekeeping."""

from celery import shared_task

from api.services.accounts import changes, tokens, user_sessions
from api.services.analytics import exports
from api.services.audit import sealing
from api.services.bookings import history, retention
from api.services.messages import outbox
from api.services.operations import demo, idempotency, jobs
from api.services.payments import stripe_events


@shared_task
def prune_blacklist() -> int:
    """Expired refresh tokens deleted."""
    return jobs.run("prune_blacklist", tokens.prune_blacklist)


@shared_task
def prune_history() -> int:
    """Delete what is not kept any more, a batch at a time."""
    return jobs.run("prune_history", _prune)


def _prune() -> int:
    services = (outbox, idempotency, stripe_events, exports, jobs, history, changes, user_sessions)
    return jobs.run_each("prune_history", ((each.__name__, each.prune) for each in services))


@shared_task
def forget_old_bookings() -> int:
    """Bookings whose people were forgotten."""
    return jobs.run("forget_old_bookings", retention.forget_old_bookings)


@shared_task
def seal_audit() -> int:
    """Entries of the audit log sealed in this run."""
    return jobs.run("seal_audit", sealing.seal)


@shared_task
def heartbeat() -> int:
    """Shows that beat sends and a worker receives."""
    return jobs.run("heartbeat", lambda: 0)


@shared_task
def fill_demo() -> int:
    """Bookings of the demo that were made or checked in in this run."""
    return jobs.run("fill_demo", demo.refresh_demo)
