"""The real thing for the tests of the clock and of faults: processes, a mail server, the broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.db import connection
from django.db.models.functions import Now
from pytest_celery import (
    CeleryBrokerCluster,
    CeleryTestBroker,
    CeleryTestSetup,
    CeleryTestWorker,
    CeleryWorkerCluster,
)

from api.models import Booking
from api.services.operations import invariants
from tests.clock.faulty import Mailbox, Proxy, mailbox
from tests.clock.nodes import Broker, Program, Worker


@pytest.fixture
def mail() -> Iterator[Mailbox]:
    with mailbox() as found:
        yield found


@pytest.fixture
def environment(transactional_db: None, servers: Any, mail: Mailbox) -> dict[str, str]:
    """What our processes are given: the database of the tests, and a mail server."""
    return {
        "DATABASE_URL": servers.postgres.url(connection.settings_dict["NAME"]),
        "EMAIL_USE": "smtp",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(mail.port),
        "LOG_LEVEL": "INFO",
    }


@pytest.fixture
def proxy(servers: Any) -> Iterator[Proxy]:
    """A way to the broker that can be cut without anybody being told."""
    found = Proxy(servers.valkey.port)
    yield found
    found.close()


@pytest.fixture
def programs(
    environment: dict[str, str], tmp_path: Path
) -> Iterator[Callable[..., Callable[..., Any]]]:
    """Starts workers and beats, and ends them before the tables are emptied."""
    started: list[Program] = []

    def start(kind: type[Program], name: str, **more: str) -> Program:
        log = tmp_path / f"{name}.log"
        given = environment | more
        found = kind(name, log, **given)
        started.append(found)
        found.start()
        return found

    yield start
    for each in started:
        each.teardown()
        print(f"--- {each.name}\n{each.logs()[-8000:]}")  # shown if the test failed


# pytest-celery's setup over those: its fixtures, with local nodes instead of containers


@pytest.fixture
def celery_broker(servers: Any) -> Iterator[CeleryTestBroker]:
    broker = CeleryTestBroker(Broker(servers.valkey))
    broker.container.server.start()
    _empty(servers)
    yield broker
    broker.teardown()
    _empty(servers)


def _empty(servers: Any) -> None:
    import redis

    with redis.Redis.from_url(servers.valkey.url) as client:
        client.flushall()


@pytest.fixture
def celery_broker_cluster(celery_broker: CeleryTestBroker) -> CeleryBrokerCluster:
    return CeleryBrokerCluster(celery_broker)


@pytest.fixture
def celery_backend_cluster() -> None:
    """Results are not kept: rows are the truth."""


@pytest.fixture
def worker_environment() -> dict[str, str]:
    """For a test module to override."""
    return {}


@pytest.fixture
def celery_worker(
    celery_broker: CeleryTestBroker,
    programs: Callable[..., Any],
    worker_environment: dict[str, str],
    celery_setup_app: Celery,
) -> CeleryTestWorker:
    return CeleryTestWorker(programs(Worker, "worker", **worker_environment), celery_setup_app)


@pytest.fixture
def celery_worker_cluster(celery_worker: CeleryTestWorker) -> CeleryWorkerCluster:
    return CeleryWorkerCluster(celery_worker)


@pytest.fixture
def celery_setup_app() -> Celery:
    """Holdfast's own application: its tasks, routes and guarantees."""
    from backend.celery import app

    return app


@pytest.fixture
def clock(celery_setup: CeleryTestSetup) -> CeleryTestSetup:
    """A broker and a worker that is ready; no beat."""
    celery_setup.worker.wait_for_log(" ready.")
    return celery_setup


@pytest.fixture
def unbroken() -> Iterator[None]:
    """After the test everything must still be true that always is."""
    yield
    assert invariants.list_problems(allowed_lag=None) == []


@pytest.fixture
def fall_due(db: None) -> Callable[..., None]:
    """Moves a deadline of bookings into the past: the tests move the deadline, not the clock."""

    def move(column: str, *bookings: Booking, ago: Any = None) -> None:
        rows = Booking.objects.filter(pk__in=[booking.pk for booking in bookings])
        rows.update(**{column: Now() - ago if ago is not None else Now()})

    return move
