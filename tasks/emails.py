"""What leaves as e-mail."""

from celery import shared_task

from api.models.outbox import Kind
from api.services.messages import mailer, outbox
from api.services.operations import jobs

from .nudge import publisher


@shared_task
def deliver_due() -> int:
    """Emails sent in this run. One that finds many asks for another beside it."""

    def more() -> None:
        publisher.ask("tasks.emails.deliver_due")

    return jobs.run("deliver_due", lambda: outbox.deliver([Kind.EMAIL], mailer.send, more))
