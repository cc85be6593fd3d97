"""RabbitMQ as the broker: all that goes by Redis goes by it, and again after it was away.

Skipped where RabbitMQ is not installed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery
from kombu import pools

from api.models import Booking, Heartbeat, Job
from api.queries.operations import automation
from backend import broker
from backend.redis_urls import build_tls_options
from backend.schedule import SCHEDULE
from tests.clock import rabbit as rabbits
from tests.clock.nodes import Beat, Program, Worker
from tests.clock.rabbit import Rabbit
from tests.clock.tls import Certificate, front
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("unbroken"),
    pytest.mark.skipif(rabbits.program() is None, reason="RabbitMQ is not installed"),
]


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    found = rabbits.in_directory(tmp_path_factory.mktemp("rabbit"))
    found.start()
    yield found
    found.remove()


@pytest.fixture
def app(rabbit: Rabbit) -> Iterator[Celery]:
    """This very process publishes there too, as a web process would."""
    from backend.celery import app

    def use(url: str, options: dict[str, Any]) -> None:
        pools.reset()
        app._after_fork()
        app.conf.update(broker_url=url, broker_transport_options=options)

    before = app.conf.broker_url, app.conf.broker_transport_options
    rabbit.start()
    use(rabbit.url, {})
    app.control.purge()
    yield app
    use(*before)


@pytest.fixture
def begin(
    app: Celery, rabbit: Rabbit, programs: Callable[..., Any]
) -> Callable[[type[Program]], Program]:
    def start(kind: type[Program]) -> Program:
        found: Program = programs(
            kind, kind.__name__.lower(), BROKER_URL=rabbit.url, HEARTBEAT_TIMEOUT="8"
        )
        eventually(found.ready, 60)
        return found

    return start


def runs(name: str) -> int:
    return Job.objects.filter(name=name).values_list("runs", flat=True).first() or 0


def consumes(app: Celery, worker: Program) -> None:
    """With a supervisor, as everywhere: kombu may wait longer for its next try than the little
    patience of these tests allows."""
    before = runs("heartbeat")

    def asked() -> bool:
        if worker.status == "exited":
            worker.start()
        app.send_task("tasks.upkeep.heartbeat", queue="default", expires=120)
        return runs("heartbeat") > before

    eventually(asked, 90, every=0.5)


def test_the_email_of_a_booking_is_sent_by_a_worker_on_rabbitmq(begin, booked, ana, mail):
    """No beat runs: nothing but the booking enqueues it."""
    begin(Worker)
    booked(ana)
    eventually(lambda: mail.messages)
    assert [(each["To"], each["Subject"]) for each in mail.messages] == [
        ("ana@example.com", "Reservation Confirmed")
    ]


def test_every_job_runs_by_rabbitmq_and_the_clock_is_healthy(begin, booked, ana, fall_due):
    over = booked(ana)
    fall_due("completes_at", over)
    begin(Worker)
    begin(Beat)
    eventually(lambda: Booking.objects.get(pk=over.pk).status == "completed")
    eventually(lambda: Job.objects.filter(runs__gt=0).count() == len(SCHEDULE), 60)
    eventually(lambda: automation.get_report().healthy, 60)
    assert sorted(Heartbeat.objects.values_list("kind", flat=True)) == ["beat", "worker"]


def test_a_worker_waits_for_a_rabbitmq_that_is_away_and_consumes_again(
    app, begin, rabbit, booked, ana, mail, client_of, settings
):
    """Without asking RabbitMQ first the worker ends itself over and over."""
    settings.BROKER_URL = rabbit.url
    worker = begin(Worker)
    consumes(app, worker)
    assert client_of().get("/health/").json()["broker"] == "up"
    rabbit.stop()
    booking = booked(ana)
    assert client_of().get("/health/").json()["broker"] == "down"
    assert Booking.objects.get(pk=booking.pk).status == "confirmed"
    with pytest.raises(subprocess.TimeoutExpired):
        worker.process.wait(12)
    rabbit.start()
    consumes(app, worker)
    app.send_task("tasks.emails.deliver_due", queue="emails")
    eventually(lambda: mail.messages)


def test_a_worker_that_does_not_hear_its_queues_in_rabbitmq_ends_itself(app, begin):
    """Seen to fail without `is_deaf`: it stays up for ever."""
    worker = begin(Worker)
    consumes(app, worker)
    app.control.cancel_consumer("default")
    eventually(lambda: "Canceling queue default" in worker.logs())
    app.send_task("tasks.upkeep.heartbeat", queue="default", expires=120)
    assert worker.process.wait(60) == 75
    assert "standing_still" in worker.logs()


def test_rabbitmq_is_spoken_to_over_tls_and_must_prove_its_name(rabbit, settings, tmp_path):
    """Without the name asked for, any server that the authority vouches for would do."""
    certificate = Certificate(tmp_path)
    with front(rabbit.port, certificate) as way:
        secure = f"amqps://guest:guest@127.0.0.1:{way.port}//"
        settings.BROKER_URL = secure
        settings.CELERY_BROKER_USE_SSL = build_tls_options(secure, str(certificate.file))
        assert broker.is_reachable()
        for doubtful, authority in (
            (secure, ""),
            (secure.replace("127.0.0.1", "127.0.0.2"), str(certificate.file)),
        ):
            settings.BROKER_URL = doubtful
            settings.CELERY_BROKER_USE_SSL = build_tls_options(doubtful, authority)
            with (
                pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"),
                broker.open_connection(),
            ):
                pass
