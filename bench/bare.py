"""Celery alone, with our guarantees and nothing of ours: what its own speed is. And, for our
workers (`-A bench.bare:ours`), the tasks that the measurements need."""

import os

from celery import Celery
from django.core.mail import get_connection, send_mail

from backend.celery import app as ours

SMTP = "django.core.mail.backends.smtp.EmailBackend"

bare = Celery("bare", broker=os.environ.get("BARE_BROKER", ""))
bare.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=False,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    task_publish_retry=False,
    task_default_queue="default",
    broker_connection_retry_on_startup=True,
    task_soft_time_limit=240,
    task_time_limit=300,
)


@bare.task(name="nothing")
def nothing_bare() -> None: ...


@ours.task(name="bench.nothing")
def nothing() -> None: ...


@ours.task(name="bench.mail_text")
def mail_text(number: int) -> None:
    """What most projects do, a task an e-mail and a connection an e-mail, with a text that is
    always the same."""
    send_mail(
        "Reservation Confirmed",
        "Hello,\n\nyour reservation is confirmed.\n",
        "bench@example.com",
        [f"{number}@example.com"],
        html_message="<p>Hello,</p><p>your reservation is confirmed.</p>",
        connection=get_connection(SMTP),
    )


@ours.task(name="bench.mail_booking")
def mail_booking(number: int) -> None:
    """The same with the e-mail that we send: of a booking, in both forms."""
    from api.models import Booking
    from api.services.messages import email_context, email_templates

    booking = Booking.objects.select_related("venue", "resource", "owner").get(pk=number)
    context = email_context.build_booking_context(booking)
    text, html = email_templates.render("confirmed", "", context)
    send_mail(
        "Reservation Confirmed",
        text,
        None,
        [f"{number}@example.com"],
        html_message=html,
        connection=get_connection(SMTP),
    )
