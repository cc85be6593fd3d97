"""Calls to Stripe, and its webhooks."""

from celery import shared_task

from api.models.outbox import Kind
from api.services.messages import outbox
from api.services.operations import jobs
from api.services.payments import reconciliation, stripe_calls, stripe_events


@shared_task
def deliver_calls() -> int:
    """Intents cancelled and refunds paid in this run."""
    kinds = [Kind.CANCEL_INTENT, Kind.REFUND]
    return jobs.run("deliver_calls", lambda: outbox.deliver(kinds, stripe_calls.make_calls))


@shared_task
def work_stripe_events() -> int:
    """Webhooks processed."""
    return jobs.run("work_stripe_events", stripe_events.process_events)


@shared_task
def reconcile_payments() -> int:
    """Payments compared with Stripe."""
    return jobs.run("reconcile_payments", reconciliation.reconcile_due)
