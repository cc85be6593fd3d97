"""Process and broker death. Each test is one fault; nothing that has been booked is lost, nothing
happens twice that may happen once, and afterwards the invariants hold.

More of the thirteenth, a broker that restarts, hangs up or falls silent: `clock/test_worker.py`.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from datetime import timedelta

import psycopg
import pytest
import redis
from django.db import connection
from django.db.models.functions import Now
from django_celery_beat.models import PeriodicTask

from api.models import Booking, BookingEvent, Delivery, Job, JobFailure
from api.models.outbox import State
from api.queries.operations import automation
from api.services.messages import outbox
from api.services.messages.outbox import QUEUE
from backend.devserver import CHECKOUT
from tests.clock.nodes import Beat, Worker
from tests.support.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unbroken")]

DELIVER = "tasks.emails.deliver_due"
EXPIRE = "tasks.clock.expire_holds"


@pytest.fixture
def holds(booked, court, ana):
    """Unpaid holds whose time has run out: `holds(3)`."""

    def make(many: int) -> list[Booking]:
        court.price_minor = 500
        court.save()
        found = [booked(ana, hours=n, length=1) for n in range(many)]
        Booking.objects.update(hold_expires_at=Now())
        return found

    return make


def statuses() -> list[str]:
    return list(Booking.objects.order_by("pk").values_list("status", flat=True))


def lease_runs_out() -> None:
    """The tests move the deadline, not the clock."""
    Delivery.objects.filter(state=State.SENDING).update(due_at=Now())


def all_sent() -> bool:
    return not Delivery.objects.exclude(state=State.SENT).exists()


DIES_BEFORE_IT_PUBLISHES = """
import os, signal, sys, django
django.setup()
from datetime import datetime
from api.models import User
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from tasks import enqueue
enqueue.publisher.enqueue = lambda name: os.kill(os.getpid(), signal.SIGKILL)
owner = User.objects.get(email="ana@example.com")
start, end = (datetime.fromisoformat(text) for text in sys.argv[2:])
request = BookingRequest(owner=owner, resource=int(sys.argv[1]), starts_at=start, ends_at=end)
create_booking(request, actor=Actor.for_new_booking(owner))
"""


def test_09_a_crash_between_commit_and_publishing_loses_no_email(
    clock, environment, court, ana, soon, mail
):
    """If the commit's hook sent the e-mail instead of a row, it would be gone."""
    import os

    times = [soon.isoformat(), (soon + timedelta(hours=1)).isoformat()]
    died = subprocess.run(
        [sys.executable, "-c", DIES_BEFORE_IT_PUBLISHES, str(court.pk), *times],
        env=os.environ | environment,
        cwd=CHECKOUT,
        check=False,
    )
    assert died.returncode == -9
    assert (statuses(), mail.messages) == (["confirmed"], [])
    clock.app.send_task(DELIVER, queue="emails")  # as beat does
    eventually(lambda: mail.subjects == ["Reservation Confirmed"])
    eventually(all_sent)


@contextlib.contextmanager
def locked(servers, sql: str):
    """Holds a row's lock on a connection of its own."""
    url = servers.postgres.url(connection.settings_dict["NAME"])
    with psycopg.connect(url) as rival:
        rival.execute(sql)
        yield


@pytest.mark.parametrize("step", ["claimed", "sent", "before_ack"])
def test_10_a_worker_killed_at_any_step_sends_at_most_one_copy_more(
    clock, step, booked, ana, mail, servers
):
    """Without the lease a row whose sender died is never sent; without the claim's commit before
    sending, `sent` delivers a copy with every death."""
    booked(ana)
    mail.delay = 60
    clock.app.send_task(DELIVER, queue="emails")
    eventually(lambda: mail.began == 1)
    lock = {
        "claimed": "SELECT 1",
        "sent": "SELECT 1 FROM api_delivery FOR UPDATE",
        "before_ack": "LOCK TABLE api_job",
    }[step]
    with locked(servers, lock):
        if step == "claimed":
            mail.answer = "451 not now"
        else:
            mail.delay = 0
            eventually(lambda: len(mail.messages) == 1)
        if step == "before_ack":
            eventually(all_sent)
        clock.worker.kill()
        with connection.cursor() as cursor:  # what it asked of the database dies with it
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
    eventually(lambda: mail.busy == 0)  # else the dead worker's message is taken after all
    mail.answer, mail.delay = "250 OK", 0
    lease_runs_out()
    clock.worker.container.start()
    clock.app.send_task(DELIVER, queue="emails")
    eventually(all_sent)
    assert len(mail.messages) == {"claimed": 1, "sent": 2, "before_ack": 1}[step]
    assert len(set(mail.ids)) == 1


def test_10_a_worker_killed_in_a_flood_sends_no_more_copies_than_it_had_lanes(
    clock, court, booked, ana, mail
):
    """If a lane wrote its outcomes down batch by batch, all of a batch would go out again."""
    Delivery.objects.bulk_create(
        Delivery(key=f"flood:{n}", name="confirmed", booking=booking, to="ana@example.com")
        for booking in [booked(ana)]
        for n in range(4 * QUEUE.batch)
    )
    many = Delivery.objects.count()
    mail.delay = 0.01
    clock.app.send_task(DELIVER, queue="emails")
    eventually(lambda: len(mail.messages) >= 2 * QUEUE.batch)
    clock.worker.kill()
    assert len(mail.messages) < many
    mail.delay = 0
    lease_runs_out()  # once: those that the next worker takes are not taken from it
    clock.worker.container.start()

    def drained() -> bool:
        clock.app.send_task(DELIVER, queue="emails")
        return all_sent()

    eventually(drained, every=1)
    assert len(set(mail.ids)) == many
    assert len(mail.ids) <= many + outbox.THREADS


class Test11:
    @pytest.fixture
    def worker_environment(self):
        return {"EMAIL_BACKEND": "tests.clock.deadly.Backend", "APP": "tests.clock.deadly"}

    def test_11_what_kills_its_worker_is_parked_and_takes_nothing_with_it(
        self, clock, booked, ana, ben, mail, tmp_path
    ):
        """With CELERY_TASK_REJECT_ON_WORKER_LOST a task that kills its worker comes back for ever;
        without `orphan` in the claim the other emails are parked with the deadly one."""
        count = tmp_path / "deaths"
        clock.app.send_task("tests.die", [str(count)], queue="default")
        for person in (ana, ben, ana):
            booked(person, hours=2 * Booking.objects.count())
        deadly = Delivery.objects.order_by("pk")[1]
        Delivery.objects.filter(pk=deadly.pk).update(to="killer@example.com")

        def dies_on() -> bool:
            lease_runs_out()
            clock.app.send_task(DELIVER, queue="emails")
            return Delivery.objects.filter(pk=deadly.pk, state=State.PARKED).exists()

        eventually(dies_on, 60, every=1)
        deadly.refresh_from_db()
        assert deadly.attempts == QUEUE.max_deaths + 1
        eventually(lambda: len(set(mail.ids)) == 2)
        eventually(lambda: Delivery.objects.filter(state=State.SENT).count() == 2)
        assert [row.pk for row in automation.get_report().parked] == [deadly.pk]
        assert count.read_text() == "x"


def test_12_while_redis_is_away_all_is_booked_and_afterwards_all_is_caught_up(
    clock, client_of, court, ana, soon, mail, booked
):
    """Were tasks published in the request and not by the thread, each of these would raise."""
    clock.broker.container.stop()
    http = client_of(ana)
    ids = []
    for hours in (0, 2):
        start = soon + timedelta(hours=hours)
        body = {
            "resource": court.pk,
            "starts_at": start.isoformat(),
            "ends_at": (start + timedelta(hours=1)).isoformat(),
        }
        answer = http.post("/api/v1/bookings/", body)
        assert answer.status_code == 201, answer.content
        ids.append(answer.json()["id"])
    assert http.post(f"/api/v1/bookings/{ids[0]}/cancel/").status_code == 200
    health = http.get("/health/")
    assert (health.status_code, health.json()["broker"]) == (200, "down")
    assert mail.messages == []
    clock.broker.container.start()
    clock.app.send_task(DELIVER, queue="emails")
    eventually(lambda: len(mail.messages) == 3, 60)
    assert sorted(mail.subjects) == [
        "Reservation Cancelled",
        "Reservation Confirmed",
        "Reservation Confirmed",
    ]
    eventually(all_sent)


def test_13_a_broker_that_restarts_in_the_middle_of_an_email_neither_loses_nor_doubles_it(
    clock, booked, ana, mail
):
    """If the loss of the connection ended running tasks, the sender would die with the e-mail in
    its hands, and a copy of it be sent when the lease runs out."""
    booked(ana)
    mail.delay = 60
    clock.app.send_task(DELIVER, queue="emails")
    eventually(lambda: mail.began == 1)
    clock.broker.restart()
    clock.worker.wait_for_log("Trying to re-establish")
    mail.delay = 0
    eventually(all_sent)
    assert (len(mail.messages), Delivery.objects.get().attempts) == (1, 1)
    clock.app.send_task(EXPIRE, queue="clock")
    eventually(lambda: Job.objects.filter(name="expire_holds", runs=1).exists(), 60)


def test_14_a_flushed_broker_costs_nothing_but_time(clock, programs, holds, mail, servers):
    programs(Beat, "beat")
    eventually(lambda: Job.objects.filter(name="expire_holds", runs__gt=0).exists())
    with redis.Redis.from_url(servers.valkey.url) as client:
        client.flushall()
    holds(3)
    eventually(lambda: statuses() == ["expired"] * 3)
    eventually(lambda: len(mail.messages) == 6)
    eventually(all_sent)
    assert len(set(mail.ids)) == 6


class Test15:
    @pytest.fixture
    def worker_environment(self):
        return {"VISIBILITY_TIMEOUT": "5"}

    def test_15_a_task_that_is_delivered_again_while_it_runs_has_one_effect(
        self, clock, programs, booked, ana, mail, worker_environment
    ):
        """Without the claim both deliveries send the e-mail."""
        other = programs(Worker, "other", **worker_environment)
        eventually(lambda: Worker.ready_prompt in other.logs())  # before SMTP is given up
        booked(ana)
        mail.delay = 60
        clock.app.send_task(DELIVER, queue="emails", countdown=6)
        eventually(lambda: mail.began == 1)
        eventually(lambda: Job.objects.filter(name="deliver_due", runs=1).exists(), 60)
        mail.delay = 0
        eventually(lambda: Job.objects.filter(name="deliver_due", runs__gte=2).exists())
        assert (len(mail.messages), mail.began) == (1, 1)
        assert Delivery.objects.get().attempts == 1


def test_16_two_beats_and_one_whose_clock_is_ahead_do_nothing_twice(
    clock, programs, environment, holds, mail
):
    """Without our entry's look at the last run, a beat that follows one whose clock was five
    minutes ahead sends nothing for five minutes."""
    assert not automation.get_report().healthy  # nobody beats: seen at once
    first = programs(Beat, "beat")
    second = programs(Beat, "ahead", shift="300")
    holds(4)
    eventually(lambda: statuses() == ["expired"] * 4)
    eventually(lambda: len(mail.messages) == 8)
    assert BookingEvent.objects.filter(verb="expire").count() == 4
    assert len(set(mail.ids)) == 8
    for beat in (first, second):
        beat.kill("SIGTERM")
    PeriodicTask.objects.update(last_run_at=Now() + timedelta(minutes=5))
    before = Job.objects.get(name="expire_holds").runs
    programs(Beat, "third")
    eventually(lambda: Job.objects.get(name="expire_holds").runs > before, 20)


def test_17_a_deploy_in_the_middle_of_the_mail_loses_and_doubles_nothing(
    clock, booked, ana, mail, programs
):
    """SIGTERM lets the worker finish its task; KILL leaves leases, and one copy more at most."""
    for n in range(8):
        booked(ana, hours=n)
    mail.delay = 0.2
    clock.app.send_task(DELIVER, queue="emails")
    eventually(lambda: len(mail.messages) >= 2)
    clock.worker.kill("SIGTERM")
    clock.worker.container.start()
    clock.app.send_task(DELIVER, queue="emails")
    eventually(all_sent)
    assert len(mail.ids) == len(set(mail.ids)) == 8
    mail.messages.clear()
    for n in range(8, 16):
        booked(ana, hours=n)
    clock.app.send_task(DELIVER, queue="emails")
    eventually(lambda: len(mail.messages) >= 2)
    clock.worker.kill("SIGKILL")
    clock.worker.container.start()

    def drained() -> bool:
        lease_runs_out()
        clock.app.send_task(DELIVER, queue="emails")
        return all_sent()

    eventually(drained, every=1)
    assert len(set(mail.ids)) == 8
    assert len(mail.ids) <= 9


def test_18_what_an_older_worker_does_not_know_is_put_aside(clock, booked, ana, mail):
    booked(ana)
    Delivery.objects.update(name="an_email_of_tomorrow")
    booked(ana, hours=2)
    clock.app.send_task("tasks.clock.a_job_of_tomorrow", queue="clock")
    clock.app.send_task(EXPIRE, ["an argument of tomorrow"], queue="clock")
    clock.app.send_task(DELIVER, queue="emails")
    eventually(lambda: Delivery.objects.filter(state=State.SENT).count() == 1)
    unknown = Delivery.objects.get(name="an_email_of_tomorrow")
    assert (unknown.state, unknown.attempts) == (State.WAITING, 1)
    assert unknown.last_error == "KeyError: 'an_email_of_tomorrow'"
    clock.app.send_task(EXPIRE, queue="clock")
    eventually(lambda: Job.objects.filter(name="expire_holds", runs=1).exists())
    assert clock.worker.container.status == "running"


def test_19_beat_and_worker_outlive_the_database(
    clock, programs, holds, client_of, ana, servers, mail
):
    """Without health checks of kept connections the worker fails once for each it has kept."""
    beat = programs(Beat, "beat")
    eventually(lambda: Job.objects.filter(name="expire_holds", runs__gt=0).exists())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    holds(2)
    eventually(lambda: statuses() == ["expired"] * 2)
    http = client_of(ana)
    servers.postgres.stop()
    try:
        connection.close()
        answer = http.get("/api/v1/bookings/")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer["Retry-After"]) > 0
        assert http.get("/health/").status_code == 503
    finally:
        servers.postgres.start()
        connection.close()
    eventually(lambda: http.get("/api/v1/bookings/").status_code == 200)
    Booking.objects.filter(status="expired").update(status="held", hold_expires_at=Now())
    BookingEvent.objects.filter(verb="expire").delete()
    eventually(lambda: statuses() == ["expired"] * 2, 60)
    assert clock.worker.container.status == beat.status == "running"


POISON = """
CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.booking_id = {pk} THEN RAISE 'this row is poison'; END IF; RETURN NEW;
END $$;
CREATE TRIGGER poison BEFORE INSERT ON api_bookingevent FOR EACH ROW EXECUTE FUNCTION poison();
"""


def test_20_a_row_that_cannot_be_worked_on_does_not_hold_up_the_others(clock, holds):
    """Without the search for the bad row no hold expires as long as it is among them."""
    rows = holds(6)
    with connection.cursor() as cursor:
        cursor.execute(POISON.format(pk=rows[2].pk))
    try:
        clock.app.send_task(EXPIRE, queue="clock")
        eventually(lambda: statuses().count("expired") == 5)
        failure = eventually(JobFailure.objects.first)
        assert (failure.job, failure.row) == ("expire_holds", str(rows[2].pk))
        assert "this row is poison" in failure.error
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION poison() CASCADE")
    failure.delete()
    clock.app.send_task(EXPIRE, queue="clock")
    eventually(lambda: statuses() == ["expired"] * 6)
