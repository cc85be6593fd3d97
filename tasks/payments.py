"""What is said to Stripe, and what Stripe says."""

from celery import shared_task

from api.models.outbox import Kind
from api.services import calls, jobs, outbox, reconciliation, webhooks


@shared_task
def deliver_calls() -> int:
    """Intents cancelled and refunds paid in this run."""
    kinds = [Kind.CANCEL_INTENT, Kind.REFUND]
    return jobs.run("deliver_calls", lambda: outbox.deliver(kinds, calls.make))


@shared_task
def work_stripe_events() -> int:
    """Webhooks worked on."""
    return jobs.run("work_stripe_events", webhooks.work)


@shared_task
def reconcile_payments() -> int:
    """Payments that Stripe was asked about."""
    return jobs.run("reconcile_payments", reconciliation.run)
