"""Emails."""

from celery import shared_task

from api.models.outbox import Kind
from api.services.messages import mail_connections, mailer, outbox
from api.services.operations import jobs

from .enqueue import publisher


@shared_task
def deliver_due() -> int:
    """Emails sent in this run. A run that finds many enqueues another beside it."""

    def more() -> None:
        publisher.enqueue("tasks.emails.deliver_due")

    mail_connections.close_idle()
    return jobs.run("deliver_due", lambda: outbox.deliver([Kind.EMAIL], mailer.send, more))
