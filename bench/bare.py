"""Celery alone, with our guarantees and nothing of ours: what its own speed is. And, for our
workers (`-A bench.bare:ours`), the tasks that the measurements need."""

import os

from celery import Celery
from django.core.mail import send_mail

from backend.celery import app as ours

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


@ours.task(name="bench.mail_one")
def mail_one(number: int) -> None:
    """What most projects do: a task an e-mail, a connection an e-mail."""
    send_mail(
        "Reservation Confirmed",
        "Hello,\n\nyour reservation is confirmed.\n",
        "bench@example.com",
        [f"{number}@example.com"],
        html_message="<p>Hello,</p><p>your reservation is confirmed.</p>",
    )
