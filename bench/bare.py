"""Celery alone, with our guarantees and nothing of ours: what its own speed is. And, for our
workers (`-A bench.bare:ours`), the tasks that the measurements need."""

import os
from zoneinfo import ZoneInfo

from celery import Celery
from django.core.mail import get_connection, send_mail
from django.template.loader import render_to_string

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

    booking = Booking.objects.select_related("venue", "resource", "owner").get(pk=number)
    zone = ZoneInfo(booking.venue.time_zone)
    start, end = booking.starts_at.astimezone(zone), booking.ends_at.astimezone(zone)
    context = {
        "booking": booking,
        "venue": booking.venue,
        "resource": booking.resource,
        "name": booking.owner.name,
        "what": booking.title or booking.resource.name,
        "when": f"{start:%A, %d %B %Y, %H:%M} to {end:%H:%M}",
        "zone": start.tzname(),
        "price": f"{booking.price_minor / 100:.2f} {booking.currency.upper()}",
    }
    send_mail(
        "Reservation Confirmed",
        render_to_string("confirmed.txt", context),
        None,
        [f"{number}@example.com"],
        html_message=render_to_string("confirmed.html", context),
        connection=get_connection(SMTP),
    )
