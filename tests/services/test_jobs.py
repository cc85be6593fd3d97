"""What is written down about the clock, and what an operator may change."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from api import errors
from api.lifecycle import BOOKING
from api.models import Booking, BookingEvent, Delivery, Heartbeat, Job, JobFailure, StripeEvent
from api.models.outbox import State
from api.queries.operations import automation, lag
from api.services.bookings.sweeps import sweep
from api.services.messages import outbox, reminders
from api.services.messages.outbox import QUEUE
from api.services.operations import jobs
from api.services.payments import stripe_events
from api.signals import transitioned
from backend.schedule import SCHEDULE

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
AN_HOUR = timedelta(hours=1)


def scheduled(name: str, every: int = 5, enabled: bool = True) -> PeriodicTask:
    interval, _ = IntervalSchedule.objects.get_or_create(
        every=every, period=IntervalSchedule.SECONDS
    )
    return PeriodicTask.objects.create(
        name=name, task=SCHEDULE[name].task, interval=interval, enabled=enabled
    )


def state(name: str) -> automation.JobState:
    return next(job for job in automation.get_report().jobs if job.name == name)


# a run


def test_a_run_is_written_down_with_its_rows():
    assert jobs.run("expire_holds", lambda: 3) == 3
    assert jobs.run("expire_holds", lambda: 4) == 4
    job = Job.objects.get()
    assert (job.name, job.count, job.total, job.runs) == ("expire_holds", 4, 7, 2)
    assert (job.failed_runs, job.last_error) == (0, "")
    assert job.started_at <= job.finished_at == job.succeeded_at


def test_a_run_that_fails_says_why_and_keeps_the_last_success():
    jobs.run("expire_holds", lambda: 3)
    before = Job.objects.get().succeeded_at
    with pytest.raises(ZeroDivisionError):
        jobs.run("expire_holds", lambda: 1 // 0)
    job = Job.objects.get()
    assert job.last_error == "ZeroDivisionError: integer division or modulo by zero"
    assert (job.count, job.total, job.runs, job.failed_runs) == (0, 3, 2, 1)
    assert job.succeeded_at == before < job.finished_at


def test_a_long_run_shows_that_it_gets_on(monkeypatch):
    monkeypatch.setattr(jobs, "PROGRESS_INTERVAL", 0)
    Job.objects.create(name="expire_holds")
    seen: list[int] = []

    def work() -> int:
        jobs.report_progress(500)
        assert Job.objects.get().progressed_at is not None
        return 500

    with jobs.watch_progress(seen.append):
        jobs.run("expire_holds", work)
    assert seen == [500]


# lag and health


def test_the_lag_of_a_job_is_the_age_of_its_oldest_row_past_due(booked, court, ana):
    court.price_minor = 500
    court.save()
    first, second = booked(ana), booked(ana, hours=2)
    assert lag.get_lag_by_job()["expire_holds"] == 0
    Booking.objects.filter(pk=first.pk).update(hold_expires_at=Now() - 90 * SECOND)
    Booking.objects.filter(pk=second.pk).update(hold_expires_at=Now() - 30 * SECOND)
    assert 90 <= lag.get_lag_by_job()["expire_holds"] < 100
    assert lag.count_due("expire_holds") == 2
    sweep(BOOKING.expire, "expire_holds")
    assert lag.get_lag_by_job()["expire_holds"] == 0


def test_every_deadline_of_the_tables_has_a_lag():
    swept = {f"{model}.{move}" for model, move in lag.SWEEPS.values()}
    from api.lifecycle import TABLES

    assert swept == {f"{table.model}.{move.name}" for table in TABLES for move in table.time_driven}
    assert set(lag.get_lag_by_job()) == {
        *lag.SWEEPS,
        "send_reminders",
        "extend_series",
        "deliver_due",
        "deliver_calls",
        "work_stripe_events",
    }


def test_a_row_that_cannot_be_worked_on_is_a_failure_and_no_lag(booked, court, ana):
    court.price_minor = 500
    court.save()
    hold = booked(ana)
    Booking.objects.update(hold_expires_at=Now() - AN_HOUR)

    def poison(**_):
        raise ValueError("cannot be worked on")

    transitioned.connect(poison)
    try:
        assert sweep(BOOKING.expire, "expire_holds") == 0
    finally:
        transitioned.disconnect(poison)
    failure = JobFailure.objects.get()
    assert (failure.row, failure.error) == (str(hold.pk), "ValueError: cannot be worked on")
    assert lag.get_lag_by_job()["expire_holds"] == 0
    assert sweep(BOOKING.expire, "expire_holds") == 0
    assert jobs.retry(failure.pk) == 1
    assert sweep(BOOKING.expire, "expire_holds") == 1
    assert not JobFailure.objects.exists()


def test_among_many_the_bad_row_is_found_in_few_steps(booked, court, ana):
    """With one row at a time from the first error on, it takes as many transactions as rows."""
    court.price_minor = 500
    court.save()
    rows = [booked(ana, hours=n, length=0.5) for n in range(40)]
    Booking.objects.update(hold_expires_at=Now())
    bad, batches = rows[25].pk, []

    def poison(rows, **_):
        batches.append(len(rows))
        if any(row.pk == bad for row in rows):
            raise ValueError("bad")

    transitioned.connect(poison)
    try:
        assert sweep(BOOKING.expire, "expire_holds") == 39
    finally:
        transitioned.disconnect(poison)
    assert len(batches) < 20


def test_a_sweep_goes_in_the_order_of_the_deadlines_and_tells_what_is_looked_at(booked, court, ana):
    """In batches smaller than what fell due at one instant, and whatever the order of the ids."""
    court.price_minor = 500
    court.save()
    ids = [booked(ana, hours=n).pk for n in range(6)]
    for minutes, chosen in ((3, ids[4:]), (2, ids[:3]), (1, ids[3:4])):
        due = Now() - timedelta(minutes=minutes)
        Booking.objects.filter(pk__in=chosen).update(hold_expires_at=due)
    told = []

    def note(rows, **_):
        told.extend(rows)

    transitioned.connect(note)
    try:
        assert sweep(BOOKING.expire, "expire_holds", batch=2) == 6
    finally:
        transitioned.disconnect(note)
    order = [*ids[4:], *ids[:3], ids[3]]
    assert [row.pk for row in told] == order
    assert {tuple(row)[2:] for row in told} == {(court.pk, False, "expired", 2, 500, "failed")}
    events = BookingEvent.objects.filter(verb="expire").order_by("id")
    assert list(events.values_list("booking", flat=True)) == order
    letters = Delivery.objects.filter(name="expired").order_by("due_at", "id")
    assert list(letters.values_list("booking", flat=True)) == order


@pytest.mark.parametrize("job", sorted(SCHEDULE))
def test_a_job_is_late_a_minute_after_two_intervals_without_a_run(job):
    every = SCHEDULE[job].every
    allowed = 2 * every + automation.TOLERANCE
    Job.objects.create(name=job, known_at=Now() - 9 * allowed, succeeded_at=Now() - allowed)
    assert state(job).late
    Job.objects.update(succeeded_at=F("succeeded_at") + 10 * SECOND)
    assert not state(job).late
    Job.objects.update(succeeded_at=Now() - allowed, progressed_at=Now())
    assert not state(job).late


def test_a_job_that_fails_every_time_is_late():
    Job.objects.create(name="expire_holds", known_at=Now() - AN_HOUR)
    with pytest.raises(ZeroDivisionError):
        jobs.run("expire_holds", lambda: 1 // 0)
    assert state("expire_holds").late


def test_a_paused_job_is_paused_and_not_late():
    scheduled("expire_holds", enabled=False)
    Job.objects.create(name="expire_holds", known_at=Now() - AN_HOUR)
    job = state("expire_holds")
    assert (job.paused, job.late, job.healthy, job.next_due) == (True, False, True, None)


def test_rows_past_due_for_more_than_a_minute_are_unhealthy(booked, ana):
    booked(ana)
    jobs.run("deliver_due", lambda: 0)
    assert state("deliver_due").healthy
    Delivery.objects.update(due_at=Now() - 61 * SECOND)
    assert not state("deliver_due").healthy


def test_all_is_well_when_something_ran_and_beat_and_a_worker_live():
    assert automation.get_report().problems == [
        "no beat is alive",
        "no worker is alive",
        "nothing has run yet",
    ]
    jobs.run("heartbeat", lambda: 0)
    jobs.record_heartbeat("beat", "beat@one")
    jobs.record_heartbeat("worker", "celery@one")
    assert automation.get_report().healthy
    Heartbeat.objects.filter(kind="worker").update(seen_at=Now() - 31 * SECOND)
    assert automation.get_report().problems == ["no worker is alive"]
    jobs.record_heartbeat("worker", "celery@one")
    assert automation.get_report().healthy


def test_the_report_costs_the_same_few_statements(
    booked, ana, court, django_assert_max_num_queries
):
    jobs.run("heartbeat", lambda: 0)
    for n in range(5):
        booked(ana, hours=n)
        JobFailure.objects.create(job="expire_holds", row=str(n), error="x", retry_at=Now())
    with django_assert_max_num_queries(10):
        automation.get_report()


# operators


def test_the_code_s_interval_is_used_until_an_operator_chooses_another():
    """The operator's survives the next start of beat; a change of the code's does not undo it."""
    assert jobs.sync_schedule({"expire_holds": 5 * SECOND}) == {"expire_holds": 5 * SECOND}
    scheduled("expire_holds", 5)
    assert jobs.sync_schedule({"expire_holds": 7 * SECOND}) == {"expire_holds": 7 * SECOND}
    jobs.set_interval("expire_holds", 7 * SECOND)
    jobs.set_interval("expire_holds", 60 * SECOND)
    assert jobs.sync_schedule({"expire_holds": 7 * SECOND}) == {"expire_holds": 60 * SECOND}
    assert jobs.sync_schedule({"expire_holds": 9 * SECOND}) == {"expire_holds": 60 * SECOND}
    jobs.set_interval("expire_holds", 9 * SECOND)
    assert jobs.sync_schedule({"expire_holds": 5 * SECOND}) == {"expire_holds": 5 * SECOND}


def test_a_job_that_the_code_no_longer_has_leaves_the_schedule():
    jobs.sync_schedule({"expire_holds": 5 * SECOND, "heartbeat": 5 * SECOND})
    scheduled("expire_holds")
    scheduled("heartbeat")
    mine = PeriodicTask.objects.create(
        name="an operator's own", task="x", interval=PeriodicTask.objects.first().interval
    )
    jobs.sync_schedule({"expire_holds": 5 * SECOND})
    assert set(PeriodicTask.objects.values_list("name", flat=True)) == {"expire_holds", mine.name}
    assert list(Job.objects.values_list("name", flat=True)) == ["expire_holds"]


def test_pausing_and_pacing_change_beat_s_row():
    scheduled("expire_holds")
    jobs.pause("expire_holds")
    assert state("expire_holds").paused
    jobs.resume("expire_holds")
    jobs.set_interval("expire_holds", 30 * SECOND)
    job = state("expire_holds")
    assert (job.paused, job.interval) == (False, 30 * SECOND)


@pytest.mark.parametrize("every", [timedelta(0), -SECOND, timedelta(days=32)])
def test_an_absurd_interval_is_refused(every):
    scheduled("expire_holds")
    with pytest.raises(errors.Invalid):
        jobs.set_interval("expire_holds", every)
    assert state("expire_holds").interval == 5 * SECOND


def test_a_job_that_is_not_there_cannot_be_paused():
    with pytest.raises(errors.NotFound):
        jobs.pause("nothing")


# reminders and pruning


@pytest.mark.django_db(transaction=True)
def test_a_late_reminder_is_sent_and_one_past_its_start_is_withheld(booked, ana, mailoutbox):
    from api.services.messages import mailer

    late, past = booked(ana), booked(ana, hours=2)
    Delivery.objects.all().delete()
    Booking.objects.update(remind_at=Now() - 26 * AN_HOUR)
    Booking.objects.filter(pk=past.pk).update(starts_at=Now() - SECOND, ends_at=Now() + 60 * SECOND)
    assert reminders.queue_due() == 2
    assert reminders.queue_due() == 0
    outbox.deliver(["email"], mailer.send)
    rows = {row.booking_id: row for row in Delivery.objects.all()}
    assert (rows[late.pk].state, rows[past.pk].state) == (State.SENT, State.WITHHELD)
    assert rows[past.pk].last_error == "it has begun"
    assert len(mailoutbox) == 1


POISON = """
CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.id = {pk} AND NEW.remind_at IS NULL THEN RAISE 'this row is poison'; END IF; RETURN NEW;
END $$;
CREATE TRIGGER poison BEFORE UPDATE ON api_booking FOR EACH ROW EXECUTE FUNCTION poison();
"""


def test_a_reminder_that_cannot_be_queued_does_not_hold_up_the_others(booked, ana):
    """Without the search for the bad row nobody is reminded as long as it is among them."""
    rows = [booked(ana, hours=n) for n in range(6)]
    Booking.objects.update(remind_at=Now() - AN_HOUR)
    with connection.cursor() as cursor:
        cursor.execute(POISON.format(pk=rows[2].pk))
    assert reminders.queue_due() == 5
    failure = JobFailure.objects.get()
    assert (failure.job, failure.row) == ("send_reminders", str(rows[2].pk))
    assert "this row is poison" in failure.error
    assert lag.get_lag_by_job()["send_reminders"] == 0
    assert reminders.queue_due() == 0
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION poison() CASCADE")
    assert jobs.retry(failure.pk) == 1
    assert reminders.queue_due() == 1
    assert not JobFailure.objects.exists()
    assert Delivery.objects.filter(name="reminder").count() == 6


def test_what_is_old_is_forgotten_and_nothing_else():
    for age, state in ((89, "done"), (91, "done"), (99, "waiting")):
        StripeEvent.objects.create(
            event_id=f"evt_{age}",
            type="x",
            state=state,
            finished_at=Now() - timedelta(days=age),
        )
    assert stripe_events.prune() == 1
    assert set(StripeEvent.objects.values_list("event_id", flat=True)) == {"evt_89", "evt_99"}
    jobs.record_heartbeat("worker", "old")
    Heartbeat.objects.update(seen_at=Now() - timedelta(days=2))
    jobs.record_heartbeat("worker", "new")
    JobFailure.objects.create(job="x", row="1", error="x", retry_at=Now() - timedelta(days=2))
    JobFailure.objects.create(job="x", row="2", error="x", retry_at=Now())
    assert jobs.prune() == 2
    assert [sign.name for sign in Heartbeat.objects.all()] == ["new"]
    assert [failure.row for failure in JobFailure.objects.all()] == ["2"]


# the outbox's orphans


@pytest.mark.django_db(transaction=True)
def test_a_row_whose_sender_died_comes_alone_and_is_parked_in_the_end(booked, ana, mailoutbox):
    """Were it claimed with the others, fifty rows of a batch would lose an attempt with each death
    of the sender that one of them kills, and all would be parked with it."""
    from api.services.messages import mailer

    for n in range(3):
        booked(ana, hours=n)
    killer, *others = QUEUE.claim(kind__in=["email"])
    assert len(others) == 2
    for death in range(2, QUEUE.max_deaths + 1):
        Delivery.objects.filter(state=State.SENDING).update(due_at=Now())
        alone = QUEUE.claim(kind__in=["email"])
        assert [row.pk for row in alone] == [killer.pk]
        assert alone[0].attempts == death
    Delivery.objects.filter(state=State.SENDING).update(due_at=Now())
    assert outbox.deliver(["email"], mailer.send) == 2
    killer.refresh_from_db()
    assert (killer.state, killer.attempts) == (State.PARKED, QUEUE.max_deaths + 1)
    assert killer.last_error == "Its worker died with it every time."
    assert [row.attempts for row in Delivery.objects.filter(state=State.SENT)] == [2, 2]
    assert outbox.retry([killer.pk]) == 1
    assert outbox.deliver(["email"], mailer.send) == 1
    assert len(mailoutbox) == 3
