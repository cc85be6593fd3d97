"""How the clock runs, over HTTP, in the admin and in the terminal."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django.test import Client
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from api.models import Booking, Delivery, Heartbeat, Job, JobFailure, Venue
from api.models.outbox import State
from api.services.operations import invariants, jobs
from backend.schedule import SCHEDULE
from tests.conftest import PASSWORD, add_member

pytestmark = pytest.mark.django_db

URL = "/api/v1/automation/"
PAGE = "/admin/automation/"


@pytest.fixture
def running():
    """A beat, a worker, and one run of every job."""
    for name, job in SCHEDULE.items():
        interval, _ = IntervalSchedule.objects.get_or_create(
            every=round(job.every.total_seconds()), period=IntervalSchedule.SECONDS
        )
        PeriodicTask.objects.create(name=name, task=job.task, interval=interval)
        jobs.run(name, lambda: 2)
    jobs.record_heartbeat("beat", "beat@one")
    jobs.record_heartbeat("worker", "celery@one")


# the API


def test_staff_read_it_and_nobody_else(client_of, venue, ana, sam):
    assert client_of().get(URL).status_code == 401
    assert client_of(ana).get(URL).status_code == 403
    assert client_of(sam).get(URL).status_code == 200


def test_it_says_everything_about_a_job_and_the_processes(running, client_of, ada, booked, ana):
    booked(ana)
    answer = client_of(ada).get(URL).json()
    assert set(answer) == {
        "healthy", "problems", "now", "jobs", "outbox", "workers", "beat", "failures", "parked",
        "offers",
    }  # fmt: skip
    assert (answer["healthy"], answer["problems"]) == (True, [])
    assert [job["name"] for job in answer["jobs"]] == list(SCHEDULE)
    job = answer["jobs"][0]
    kept = Job.objects.get(name="expire_holds")
    stamp = "%Y-%m-%dT%H:%M:%S.%fZ"
    assert job == {
        "name": "expire_holds",
        "why": "an unpaid hold gives its slot back",
        "interval": "00:00:05",
        "paused": False,
        "last_run": kept.started_at.strftime(stamp),
        "duration": kept.duration.total_seconds(),
        "count": 2,
        "total": 2,
        "runs": 1,
        "failed_runs": 0,
        "lag": 0.0,
        "next_due": (kept.started_at + timedelta(seconds=5)).strftime(stamp),
        "late": False,
        "healthy": True,
        "last_error": "",
        "worker": kept.worker,
    }
    assert answer["outbox"] == [{"kind": "email", "state": "waiting", "count": 1}]
    assert [(each["name"], each["alive"]) for each in answer["workers"]] == [("celery@one", True)]
    assert [(each["name"], each["alive"]) for each in answer["beat"]] == [("beat@one", True)]


def test_failures_and_parked_deliveries_are_listed_with_their_errors(client_of, ada, booked, ana):
    booking = booked(ana)
    JobFailure.objects.create(job="expire_holds", row="7", error="ValueError: no")
    Delivery.objects.update(state=State.PARKED, finished_at=Now(), last_error="550", attempts=8)
    answer = client_of(ada).get(URL).json()
    [failure], [parked] = answer["failures"], answer["parked"]
    assert (failure["job"], failure["row"], failure["error"]) == (
        "expire_holds", "7", "ValueError: no",
    )  # fmt: skip
    assert (parked["booking"], parked["error"], parked["attempts"]) == (booking.pk, "550", 8)
    assert ana.email not in str(answer)


def test_staff_read_what_is_sent_for_their_venue_and_no_more(
    running, client_of, person, venue, booked, ana
):
    eva = person("eva", role="")
    other = Venue.objects.create(slug="other", name="Other")
    add_member(eva, other, "staff")
    booked(ana)
    JobFailure.objects.create(job="expire_holds", row="7", error="ValueError: no")
    Delivery.objects.update(state=State.PARKED, finished_at=Now(), last_error="550", attempts=8)
    answer = client_of(eva).get(URL).json()
    assert (answer["outbox"], answer["parked"], answer["failures"]) == ([], [], [])
    job = answer["jobs"][0]
    hidden = {"count": None, "total": None, "lag": None, "last_error": "", "worker": ""}
    assert {name: job[name] for name in hidden} == hidden
    assert (job["name"], job["runs"], job["healthy"]) == ("expire_holds", 1, True)
    assert "one" not in str(answer["workers"] + answer["beat"])


# health


def test_the_health_of_the_clock_is_told_to_operators(running, client_of, venue, sam):
    for user in (None, sam):
        answer = client_of(user).get("/health/automation/")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_the_health_of_the_clock_is_200_while_it_runs(running, client_of, ada):
    answer = client_of(ada).get("/health/automation/")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ok", "problems": [], "workers": 1, "beat": 1, "lag": 0.0},
    )


def test_the_health_of_the_clock_is_503_when_nothing_has_run(client_of, ada):
    answer = client_of(ada).get("/health/automation/")
    assert answer.status_code == 503
    assert answer.json()["problems"] == [
        "no beat is alive", "no worker is alive", "nothing has run yet",
    ]  # fmt: skip


def test_the_health_of_the_clock_is_503_when_a_job_is_late_and_200_when_it_is_paused(
    running, client_of, ada
):
    past = Now() - timedelta(minutes=3)
    Job.objects.filter(name="expire_holds").update(known_at=past, succeeded_at=past)
    answer = client_of(ada).get("/health/automation/")
    assert (answer.status_code, answer.json()["problems"]) == (503, ["expire_holds is late"])
    jobs.pause("expire_holds")
    assert client_of().get("/health/automation/").status_code == 200


def test_the_health_of_the_clock_is_503_without_a_worker(running, client_of, ada):
    Heartbeat.objects.filter(kind="worker").update(seen_at=Now() - timedelta(minutes=1))
    answer = client_of(ada).get("/health/automation/")
    assert (answer.status_code, answer.json()["workers"]) == (503, 0)


# Prometheus


def test_prometheus_reads_the_clock_and_the_requests(running, client_of, booked, ana):
    booked(ana)
    http = client_of(ana)
    http.get("/api/v1/bookings/1/")
    answer = http.get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    lines = answer.content.decode().splitlines()
    for line in (
        "holdfast_database_up 1.0",
        "holdfast_automation_healthy 1.0",
        'holdfast_job_lag_seconds{name="expire_holds"} 0.0',
        'holdfast_job_runs_total{name="expire_holds"} 1.0',
        'holdfast_job_rows_total{name="expire_holds"} 2.0',
        'holdfast_job_paused{name="expire_holds"} 0.0',
        'holdfast_outbox_deliveries{kind="email",state="waiting"} 1.0',
    ):
        assert line in lines
    counted = 'holdfast_http_requests_total{method="GET",route="api/v1/bookings/<int:pk>/"'
    assert any(line.startswith(counted) for line in lines)
    took = (
        'holdfast_http_request_duration_seconds_count{method="GET",'
        'route="api/v1/bookings/<int:pk>/",status_class="4xx"}'
    )
    assert any(line.startswith(took) for line in lines)
    for line in (
        "holdfast_broker_up 1.0",
        "holdfast_http_requests_in_progress 0.0",
        'holdfast_queue_messages{queue="clock"} 0.0',
        'holdfast_database_connections{state="active"} 1.0',
        "holdfast_database_lock_waits 0.0",
    ):
        assert line in lines


def test_a_scrape_costs_the_same_few_statements_whatever_there_is(
    running, client_of, booked, ana, django_assert_num_queries
):
    http = client_of()
    with django_assert_num_queries(11):
        http.get("/metrics")
    for hours in range(6):
        booked(ana, hours)
    JobFailure.objects.create(job="expire_holds", row="7", error="ValueError: no")
    with django_assert_num_queries(11):
        http.get("/metrics")


def test_metrics_are_served_while_the_broker_is_away(running, client_of, settings):
    settings.BROKER_URL = "redis://127.0.0.1:9/0"
    lines = client_of().get("/metrics").content.decode().splitlines()
    assert "holdfast_broker_up 0.0" in lines
    assert "holdfast_database_up 1.0" in lines
    assert not any(line.startswith("holdfast_queue_messages{") for line in lines)


def test_with_a_token_set_the_figures_are_for_its_bearer(client_of, settings):
    settings.METRICS_TOKEN = "figures"
    http = client_of()
    assert http.get("/metrics").status_code == 401
    assert http.get("/metrics", HTTP_AUTHORIZATION="Bearer wrong").status_code == 401
    assert http.get("/metrics", HTTP_AUTHORIZATION="Bearer figures").status_code == 200


# the admin page


def browser(user) -> Client:
    found = Client()
    assert found.login(username=user.email, password=PASSWORD)
    return found


def test_the_page_is_for_operators(running, ana, sam, ada):
    assert Client().get(PAGE).status_code == 302
    assert browser(ana).get(PAGE).status_code == 302
    assert browser(sam).get(PAGE).status_code == 403
    assert browser(sam).post(PAGE, {"action": "pause", "target": "expire_holds"}).status_code == 403
    assert PeriodicTask.objects.get(name="expire_holds").enabled
    assert "Pause" in browser(ada).get(PAGE).content.decode()


def test_an_admin_pauses_paces_and_resumes_a_job(running, ada):
    http = browser(ada)
    http.post(PAGE, {"action": "pause", "target": "expire_holds"})
    page = http.get(PAGE).content.decode()
    assert "Paused expire_holds." in page
    assert re.search(r"expire_holds</strong></td>\s*<td><span class=\"badge paused\">paused", page)
    http.post(PAGE, {"action": "resume", "target": "expire_holds"})
    http.post(PAGE, {"action": "set_interval", "target": "expire_holds", "seconds": "90"})
    task = PeriodicTask.objects.get(name="expire_holds")
    assert (task.enabled, task.interval.every) == (True, 90)


@pytest.mark.parametrize(
    "form",
    [
        {"action": "explode", "target": "expire_holds"},
        {"action": "pause", "target": "nothing"},
        {"action": "pause"},
        {"action": "set_interval", "target": "expire_holds", "seconds": "0"},
        {"action": "set_interval", "target": "expire_holds"},
        {"action": "retry", "target": "x"},
        {},
    ],
)
def test_a_form_that_makes_no_sense_changes_nothing(running, ada, form):
    before = list(PeriodicTask.objects.values("name", "enabled", "interval"))
    http = browser(ada)
    assert http.post(PAGE, form).status_code == 302
    assert "messagelist" in http.get(PAGE).content.decode()
    assert list(PeriodicTask.objects.values("name", "enabled", "interval")) == before


def test_an_admin_has_failures_tried_again(running, ada, booked, ana):
    booked(ana)
    hour = timedelta(hours=1)
    failure = JobFailure.objects.create(job="x", row="1", error="no", retry_at=Now() + hour)
    Delivery.objects.update(state=State.PARKED, finished_at=Now())
    http = browser(ada)
    http.post(PAGE, {"action": "retry", "target": str(failure.pk)})
    http.post(PAGE, {"action": "send", "target": str(Delivery.objects.get().pk)})
    assert JobFailure.objects.filter(retry_at__lte=Now()).count() == 1
    assert Delivery.objects.get().state == State.WAITING


# the terminal


def printed(*arguments: str, **options) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def test_the_command_prints_the_same_table(running):
    text = printed("automation")
    assert "The clock runs." in text
    assert re.search(r"expire_holds\s+│ on time │\s+0:00:05", text)
    assert re.search(r"celery@one\s+│ alive", text)


def test_the_command_runs_one_job_now(booked, court, ana):
    court.price_minor = 500
    court.save()
    hold = booked(ana)
    Booking.objects.update(hold_expires_at=Now())
    assert "expire_holds: 1 done." in printed("automation", run="expire_holds")
    hold.refresh_from_db()
    assert hold.status == "expired"
    assert Job.objects.get(name="expire_holds").count == 1
    assert hold.events.first().actor_name == "expire_holds"


def test_the_command_knows_no_other_job():
    with pytest.raises(CommandError, match="There is no job"):
        printed("automation", run="nothing")


# invariants


def test_what_is_as_it_must_be_has_no_problems(booked, ana):
    booked(ana)
    assert invariants.list_problems() == []
    assert printed("check_invariants") == "All is as it must be.\n"


def test_a_status_that_was_changed_past_the_history_is_found(booked, ana):
    booking = booked(ana)
    Booking.objects.filter(pk=booking.pk).update(status="cancelled")
    assert invariants.list_problems() == [
        f"booking {booking.pk} is cancelled but its history ends with confirmed"
    ]
    with pytest.raises(CommandError, match="1 things"):
        printed("check_invariants")


def test_a_line_of_history_that_does_not_follow_is_found(booked, ana):
    booking = booked(ana)
    booking.events.create(verb="end", from_status="held", to_status="confirmed", by="owner")
    assert invariants.list_problems() == [
        f"history of booking {booking.pk}: end from held after confirmed",
        f"booking {booking.pk} went by end from held to confirmed",
    ]


def test_more_guests_than_places_are_found(booked, ana, court):
    booking = booked(ana, guests=4)
    court.capacity = 3
    court.save()
    assert invariants.list_problems() == [f"booking {booking.pk} has 4 guests in a place for 3"]


def test_a_row_far_past_its_deadline_is_found(booked, ana):
    booked(ana)
    Delivery.objects.update(due_at=Now() - timedelta(minutes=6))
    [found] = invariants.list_problems()
    assert re.fullmatch(r"deliver_due is 36\d s behind", found)
    assert invariants.list_problems(allowed_lag=None) == []
