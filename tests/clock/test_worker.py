"""A worker consumes again, whatever happened to its connection: seen with Celery and kombu 5.7.

Nothing is mocked; the worker is the process that `make up` starts.
"""

from __future__ import annotations

import subprocess

import pytest
import redis

from api.models import Heartbeat, Job
from tests.clock.nodes import Worker
from tests.support.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unbroken")]


def heartbeats() -> int:
    return Job.objects.filter(name="heartbeat").values_list("runs", flat=True).first() or 0


def consumes(app, seconds=60):
    """Tasks are worked on again; returns how many were sent. Over and over, as beat does: one that
    the broker hands to a connection that is dead without its knowing is lost, and nothing depends
    on it."""
    before, sent = heartbeats(), 0

    def asked() -> bool:
        nonlocal sent
        app.send_task("tasks.upkeep.heartbeat", queue="default", expires=120)
        sent += 1
        return heartbeats() > before

    eventually(asked, seconds, every=0.5)
    return sent


def test_a_task_is_consumed(clock):
    consumes(clock.app)
    assert eventually(lambda: list(Heartbeat.objects.values_list("kind", flat=True))) == ["worker"]


def test_it_consumes_after_the_broker_was_restarted_twice_within_seconds(clock):
    consumes(clock.app)
    clock.broker.restart()
    clock.broker.restart()
    consumes(clock.app)
    assert clock.worker.container.status == "running"


def test_it_consumes_after_its_connections_were_killed(clock, servers):
    """While it is idle: in the middle of an `ack` it may go deaf, which `TestDeaf` shows."""
    sent = consumes(clock.app)
    eventually(lambda: heartbeats() == sent)
    with redis.Redis.from_url(servers.valkey.url) as client:
        for kind in ("normal", "pubsub"):
            client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
    consumes(clock.app)
    assert clock.worker.container.status == "running"


class TestHalfOpen:
    """The worker's way to the broker is cut without either side being told."""

    @pytest.fixture
    def worker_environment(self, servers, proxy):
        return {"REDIS_URL": servers.valkey.url.replace(str(servers.valkey.port), str(proxy.port))}

    def test_it_consumes_after_half_open_sockets(self, clock, proxy):
        consumes(clock.app)
        proxy.swallow()
        consumes(clock.app)
        assert clock.worker.container.status == "running"

    def test_it_consumes_after_a_silence_of_the_network(self, clock, proxy):
        sent = consumes(clock.app)
        eventually(lambda: heartbeats() == sent)
        proxy.swallow(new_too=True)
        clock.app.send_task("tasks.upkeep.heartbeat", queue="default", expires=120)
        with pytest.raises(AssertionError):
            eventually(lambda: heartbeats() > sent, 8)
        proxy.heal()
        consumes(clock.app)
        assert clock.worker.container.status == "running"


class TestDeaf:
    """A worker that is up but does not hear its queues."""

    @pytest.fixture
    def worker_environment(self):
        return {"HEARTBEAT_TIMEOUT": "6"}

    def test_it_ends_itself_so_that_a_supervisor_starts_it_again(self, clock):
        """Seen to fail without `is_deaf`: it stays up for ever and the task is never worked on."""
        sent = consumes(clock.app)
        eventually(lambda: heartbeats() == sent)
        clock.app.control.cancel_consumer("default")
        clock.worker.wait_for_log("Canceling queue default")
        clock.app.send_task("tasks.upkeep.heartbeat", queue="default", expires=120)
        program: Worker = clock.worker.container
        assert program.process.wait(40) == 75
        assert "standing_still" in program.logs()
        program.start()
        eventually(lambda: heartbeats() == sent + 1, 60)


class TestStandsStill:
    """A worker whose main loop hangs although the broker answers."""

    @pytest.fixture
    def worker_environment(self):
        return {"HEARTBEAT_TIMEOUT": "6", "APP": "tests.clock.deadly"}

    def test_it_ends_itself_so_that_a_supervisor_starts_it_again(self, clock):
        """Seen to fail without the last branch of `Heartbeat.run`: it stays up for ever."""
        consumes(clock.app)
        clock.app.control.broadcast("stand_still")
        clock.worker.wait_for_log("standing still")
        program: Worker = clock.worker.container
        assert program.process.wait(60) == 75
        assert "standing_still" in program.logs()
        program.start()
        consumes(clock.app)


class TestAway:
    @pytest.fixture
    def worker_environment(self):
        return {"HEARTBEAT_TIMEOUT": "12"}

    def test_it_waits_for_a_broker_that_is_away(self, clock):
        """Seen to fail without `is_reachable`: it ends itself over and over."""
        clock.broker.container.stop()
        with pytest.raises(subprocess.TimeoutExpired):
            clock.worker.container.process.wait(15)
        clock.broker.container.start()
        consumes(clock.app)
