"""Redis and PostgreSQL that somebody else runs: by an address, over TLS, with proof."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from api.models import Job
from backend.devserver import CHECKOUT
from backend.redis_urls import build_tls_options, require_certificate, use_database
from tests.clock.nodes import Worker
from tests.clock.tls import Certificate, Front, front
from tests.support.waiting import eventually


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("rediss://host:6379/0", "rediss://host:6379/0?ssl_cert_reqs=required"),
        ("rediss://host/0?db=1", "rediss://host/0?db=1&ssl_cert_reqs=required"),
        ("rediss://host/0?ssl_cert_reqs=none", "rediss://host/0?ssl_cert_reqs=none"),
        ("amqps://host//", "amqps://host//"),
    ],
)
def test_tls_to_redis_verifies_certificates_unless_the_url_says_otherwise(url, asked):
    assert require_certificate(url) == asked


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("redis://host", "redis://host/2"),
        ("redis://host:6379/", "redis://host:6379/2"),
        ("redis://:a%2Fb@host:6379/0", "redis://:a%2Fb@host:6379/2"),
        (
            "rediss://u:p@host:6379/0?ssl_cert_reqs=none",
            "rediss://u:p@host:6379/2?ssl_cert_reqs=none",
        ),
    ],
)
def test_another_database_of_the_same_redis_keeps_its_options(url, other):
    assert use_database(url, 2) == other


def test_tls_to_rabbitmq_asks_for_the_name_in_its_address():
    asked = build_tls_options("amqps://host//", "/etc/ca.pem")
    assert asked == {"cert_reqs": 2, "server_hostname": None, "ca_certs": "/etc/ca.pem"}
    assert "ca_certs" not in (build_tls_options("amqps://host//", "") or {})
    assert build_tls_options("amqp://host//", "") is None


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path)


@pytest.fixture
def managed(servers: Any, certificate: Certificate) -> Iterator[tuple[Front, Front]]:
    with (
        front(servers.valkey.port, certificate) as redis,
        front(servers.postgres.port, certificate, postgres=True) as postgres,
    ):
        yield redis, postgres


@pytest.fixture
def addresses(
    servers: Any, managed: tuple[Front, Front], certificate: Certificate, transactional_db: None
) -> dict[str, str]:
    redis, postgres = managed
    url = servers.postgres.url(connection.settings_dict["NAME"])
    safe = f"sslmode=verify-full&sslrootcert={certificate.file}"
    return {
        "DATABASE_URL": f"{url.replace(str(servers.postgres.port), str(postgres.port))}?{safe}",
        "REDIS_URL": f"rediss://:{servers.valkey.password}@127.0.0.1:{redis.port}/0"
        f"?ssl_ca_certs={certificate.file}",
    }


def test_a_worker_works_over_tls_alone(
    addresses: dict[str, str],
    managed: tuple[Front, Front],
    celery_broker: Any,
    programs: Callable[..., Any],
    celery_setup_app: Any,
) -> None:
    worker = programs(Worker, "worker", **addresses)
    eventually(worker.ready)

    def worked() -> bool:
        celery_setup_app.send_task("tasks.upkeep.heartbeat", queue="default", expires=120)
        return Job.objects.filter(name="heartbeat", runs__gt=0).exists()

    eventually(worked, 60, every=0.5)
    redis, postgres = managed
    assert redis.secure > 0
    assert (postgres.secure > 0, postgres.plain) == (True, 0)


ASK = """
import django; django.setup()
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core.cache import cache
from backend import broker
from backend.celery import app
def ask_broker():
    with broker.open_connection():
        pass
def causes(error):
    return repr(error) + causes(error.__cause__ or error.__context__) if error else ""
for name, question in {
    "health": ask_broker,
    "tasks": lambda: app.connection_for_write().ensure_connection(max_retries=1, interval_start=0),
    "cache": lambda: cache.client.get_client().ping(),
    "panels": lambda: async_to_sync(get_channel_layer().group_send)("x", {"type": "x"}),
}.items():
    try:
        question()
    except Exception as error:
        print(name, "unproven" if "CERTIFICATE_VERIFY_FAILED" in causes(error) else repr(error))
    else:
        print(name, "answered")
"""


def ask(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    given = os.environ | {"DJANGO_SETTINGS_MODULE": "backend.settings"} | environment
    command = [sys.executable, "-c", ASK]
    return subprocess.run(
        command, cwd=CHECKOUT, env=given, check=False, capture_output=True, text=True, timeout=60
    )


def test_all_that_speaks_to_redis_speaks_tls_and_believes_nobody_unproven(addresses):
    """Without `require_certificate` tasks and the health check believe any certificate."""
    those = ("health", "tasks", "cache", "panels")
    assert ask(addresses).stdout.splitlines() == [f"{each} answered" for each in those]
    unknown = addresses | {"REDIS_URL": addresses["REDIS_URL"].partition("?")[0]}
    assert ask(unknown).stdout.splitlines() == [f"{each} unproven" for each in those]
