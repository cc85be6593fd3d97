"""Housekeeping."""

from celery import shared_task

from api.services.accounts import tokens
from api.services.analytics import exports
from api.services.messages import outbox
from api.services.operations import history_months, idempotency, jobs
from api.services.payments import stripe_events


@shared_task
def prune_blacklist() -> int:
    """Expired refresh tokens deleted."""
    return jobs.run("prune_blacklist", tokens.prune_blacklist)


@shared_task
def prune_history() -> int:
    """Finished deliveries, old keys, webhooks, exports and heartbeats deleted."""
    return jobs.run("prune_history", _prune)


def _prune() -> int:
    return (
        outbox.prune()
        + idempotency.prune()
        + stripe_events.prune()
        + exports.prune()
        + jobs.prune()
    )


@shared_task
def partition_history() -> int:
    """Months of history made ahead of time, or dropped."""
    return jobs.run("partition_history", history_months.keep)


@shared_task
def heartbeat() -> int:
    """Shows that beat sends and a worker receives."""
    return jobs.run("heartbeat", lambda: 0)
