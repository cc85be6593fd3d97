"""A Redis that is away is an empty cache; one that is silent is not waited for again and again."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings as configured
from django.core.cache import CacheHandler

from backend import cache as module
from tests.clock.faulty import Proxy


@pytest.fixture
def line(servers) -> Iterator[Proxy]:
    """The network between us and Redis."""
    proxy = Proxy(servers.valkey.port)
    yield proxy
    proxy.close()


def cache_at(url: str) -> Any:
    """The cache as it is configured, of another Redis."""
    return CacheHandler({"default": configured.CACHES["default"] | {"LOCATION": url}})["default"]


@pytest.fixture
def cached(servers, line, monkeypatch) -> Any:
    """A cache behind that line which leaves a silent Redis alone until it is told otherwise."""
    monkeypatch.setattr(module, "SILENCE", float("inf"))
    url = servers.valkey.url.replace(f":{servers.valkey.port}", f":{line.port}")
    monkeypatch.setattr(module, "cache", cache_at(url))
    return module.cache


def end_silence(cache: Any) -> None:
    cache.client.get_client().connection_pool.silent_until = 0.0


def count_questions(line: Proxy) -> int:
    """Connections made while nothing passed: one for every question that had to wait."""
    return len(line.swallowed)


def test_a_silent_redis_is_waited_for_once(cached, line):
    """Seen to fail with django-redis's own pool: every question waits as the first one did."""
    cached.set("a", 1)
    assert cached.get("a") == 1
    line.swallow(new_too=True)
    assert [cached.get("a", "empty") for _ in range(2)] == ["empty", "empty"]
    before = count_questions(line)
    assert [cached.get("a"), cached.get_many(["a"]), cached.add("a", 1), cached.incr("a")] == [
        *(None, {}, None, None),
    ]
    assert count_questions(line) == before
    line.heal()
    end_silence(cached)
    assert cached.get("a") == 1


def test_versions_are_raised_also_when_redis_was_silent_a_moment_ago(cached, line):
    """Else what was cached before the change would be shown after it."""
    assert module.increment_all(["room", "other"])
    line.swallow(new_too=True)
    assert (cached.get("room"), module.increment_all(["room"])) == (None, False)
    assert cached.get("room") is None
    line.heal()
    assert module.increment_all(["room"])
    assert cached.get_many(["room", "other"]) == {"room": 2, "other": 1}


def test_a_redis_that_refuses_is_asked_every_time():
    """A refusal costs nothing, and the cache is back as soon as Redis is."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    away = cache_at(f"redis://127.0.0.1:{port}/0")
    assert (away.get("a", "empty"), away.set("a", 1), away.delete("a")) == ("empty", None, None)
    assert away.client.get_client().connection_pool.silent_until == 0.0


@pytest.fixture(autouse=True)
def _forget(servers) -> Iterator[None]:
    yield
    with redis.Redis.from_url(servers.valkey.url) as client:
        client.delete(*(f"holdfast:1:{key}" for key in ("a", "room", "other")))
