"""What leaves as e-mail."""

from celery import shared_task

from api.models.outbox import Kind
from api.services import jobs, mailer, outbox


@shared_task
def deliver_due() -> int:
    """Emails sent in this run."""
    return jobs.run("deliver_due", lambda: outbox.deliver([Kind.EMAIL], mailer.send))
