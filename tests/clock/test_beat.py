"""A real beat and a real worker: what runs, and what an operator changes while it does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django_celery_beat.models import PeriodicTask

from api.models import Booking, Heartbeat, Job
from api.queries.operations import automation
from api.services.operations import jobs
from backend.schedule import SCHEDULE
from tests.clock.nodes import Beat
from tests.support.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unbroken")]

SECOND = timedelta(seconds=1)


@pytest.fixture
def beat(clock, programs):
    found = programs(Beat, "beat")
    eventually(lambda: Job.objects.filter(runs__gt=0).count() == len(SCHEDULE))
    return found


def runs(name: str) -> int:
    return Job.objects.filter(name=name).values_list("runs", flat=True).first() or 0


def job(name: str) -> automation.JobState:
    return next(job for job in automation.get_report().jobs if job.name == name)


def test_every_job_runs_at_once_and_the_clock_is_healthy(beat):
    eventually(lambda: automation.get_report().healthy)
    report = automation.get_report()
    assert {job.name for job in report.jobs if job.runs and not job.failed_runs} == set(SCHEDULE)
    assert {(sign.kind, sign.name.split("@")[0]) for sign in Heartbeat.objects.all()} == {
        ("beat", "beat"),
        ("worker", "worker"),
    }


def test_an_operator_pauses_and_paces_a_job_without_a_restart_and_over_one(beat):
    """Without our scheduler beat writes the code's interval back when it starts."""
    jobs.pause("expire_holds")
    jobs.set_interval("lapse_requests", SECOND)
    before = runs("lapse_requests")
    eventually(lambda: runs("lapse_requests") > before + 3, 12)
    still = runs("expire_holds")
    before = runs("complete_finished")
    eventually(lambda: runs("complete_finished") > before + 1, 20)
    assert runs("expire_holds") == still
    assert (job("expire_holds").paused, job("expire_holds").healthy) == (True, True)

    beat.restart()
    before = runs("complete_finished")
    eventually(lambda: runs("complete_finished") > before + 1, 30)
    assert runs("expire_holds") == still
    assert job("lapse_requests").interval == SECOND
    jobs.resume("expire_holds")
    eventually(lambda: runs("expire_holds") > still, 12)


def is_waited_for(cursor):
    cursor.execute(
        "SELECT EXISTS (SELECT FROM pg_locks"
        " WHERE NOT granted AND relation = 'django_celery_beat_periodictask'::regclass)"
    )
    return cursor.fetchone()[0]


def test_told_to_stop_while_it_reads_its_schedule_it_ends(environment, programs):
    """With Celery's own handler of the signal it waits for itself for ever."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE django_celery_beat_periodictask")
        beat = programs(Beat, "beat")
        eventually(lambda: is_waited_for(cursor))
        beat.kill("SIGTERM")
    assert beat.status == "exited"


def test_what_waited_too_long_is_not_run(clock, programs, servers):
    """Under the name `expires` django-celery-beat drops the expiry, and two hours without a worker
    leave ten thousand runs behind."""
    import json

    import redis

    clock.worker.container.teardown()
    programs(Beat, "beat")
    with redis.Redis.from_url(servers.valkey.url) as client:
        eventually(lambda: client.llen("clock") >= 5)
        message = json.loads(client.lrange("clock", 0, 0)[0])
    assert message["headers"]["expires"] is not None
    assert {t.expire_seconds for t in PeriodicTask.objects.filter(name__in=SCHEDULE)} == {
        round(max(2 * job.every, timedelta(minutes=1)).total_seconds()) for job in SCHEDULE.values()
    }


def test_after_hours_without_beat_or_worker_all_is_done_in_order_and_each_email_sent_once(
    clock, programs, booked, court, venue, ana, mail, fall_due
):
    """Without the sort by deadline the history follows the order in which rows came back."""
    venue.check_in_required = True
    venue.save()
    rows = [booked(ana, hours=2 * n) for n in range(12)]
    Booking.objects.update(check_in_closes_at=Now())
    for row, hours in zip(rows, (7, 2, 9, 4, 1, 8, 3, 6, 5, 12, 11, 10), strict=True):
        fall_due("no_show_at", row, ago=timedelta(hours=hours))
    programs(Beat, "beat")
    eventually(lambda: Booking.objects.filter(status="no_show").count() == 12)
    eventually(lambda: len(mail.ids) == 24)  # each confirmed once, each released once
    from api.models import BookingEvent

    oldest_first = Booking.objects.order_by("no_show_at").values_list("pk", flat=True)
    released = BookingEvent.objects.filter(verb="release").order_by("id")
    assert list(released.values_list("booking_id", flat=True)) == list(oldest_first)
    assert set(released.values_list("by", "actor_name")) == {("clock", "release_no_shows")}
    assert len(set(mail.ids)) == 24
    sent = [m["Message-ID"] for m in mail.messages if "Released" in m["Subject"]]
    from api.models import Delivery
    from api.services.messages.mailer import build_message_id

    queued = Delivery.objects.filter(name="released").order_by("booking__no_show_at")
    assert sent == [build_message_id(row.key) for row in queued]
