"""A Redis that is silent is an empty cache, and is not waited for again and again."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import redis

from backend import cache as module
from backend.cache import ForgivingRedisCache
from tests.clock.faulty import Proxy


@pytest.fixture
def line(servers) -> Iterator[Proxy]:
    """The network between us and Redis."""
    proxy = Proxy(servers.valkey.port)
    yield proxy
    proxy.close()


@pytest.fixture
def kept(servers, line, monkeypatch) -> ForgivingRedisCache:
    """A cache behind that line which leaves a silent Redis alone until it is told otherwise."""
    monkeypatch.setattr(module, "LEFT_ALONE", float("inf"))
    monkeypatch.setattr(ForgivingRedisCache, "silent_until", 0.0)
    url = servers.valkey.url.replace(f":{servers.valkey.port}", f":{line.port}")
    waits = {"socket_connect_timeout": 0.2, "socket_timeout": 0.2}
    return ForgivingRedisCache(url, {"KEY_PREFIX": "silence", "OPTIONS": waits})


def asked_of(line: Proxy) -> int:
    """Connections made while nothing passed: one for every question that had to wait."""
    return len(line.swallowed)


def test_a_silent_redis_is_waited_for_once(kept, line, monkeypatch):
    """Without the memory of its silence every question of a request waits as the first did."""
    kept.set("a", 1)
    assert kept.get("a") == 1
    line.swallow(new_too=True)
    assert kept.get("a", "empty") == "empty"
    before = asked_of(line)
    assert [kept.get("a"), kept.get_many(["a"]), kept.add("a", 1), kept.incr("a")] == [
        *(None, {}, True, 1),
    ]
    assert asked_of(line) == before
    line.heal()
    monkeypatch.setattr(ForgivingRedisCache, "silent_until", 0.0)  # that time is over
    assert kept.get("a") == 1


def test_the_version_of_a_room_is_raised_also_when_redis_was_silent_a_moment_ago(kept, line):
    """Else what was cached before the change would be shown after it."""
    assert kept.bump(["room"])
    line.swallow(new_too=True)
    assert (kept.get("room"), kept.bump(["room"])) == (None, False)
    line.heal()
    assert kept.get("room") is None
    assert kept.bump(["room"])


def test_a_redis_that_refuses_is_asked_every_time(monkeypatch):
    """A refusal costs nothing, and the cache is back as soon as Redis is."""
    monkeypatch.setattr(ForgivingRedisCache, "silent_until", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    away = ForgivingRedisCache(f"redis://127.0.0.1:{port}/0", {})
    assert away.get("a", "empty") == "empty"
    assert away.silent_until == 0.0


@pytest.fixture(autouse=True)
def _forget(servers) -> Iterator[None]:
    yield
    with redis.Redis.from_url(servers.valkey.url) as client:
        for key in client.keys("silence*"):
            client.delete(key)
