"""The cache only hurries things along: when Redis is away it is empty, never an error.

The rule: one that does not even refuse costs a request two short waits at most, however often the
request asks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as Silent

EMPTY: dict[str, Any] = {
    "add": True,
    "set": None,
    "touch": False,
    "delete": False,
    "has_key": False,
    "get_many": {},
    "set_many": [],
    "delete_many": None,
    "clear": False,
}
LEFT_ALONE = 1.0  # seconds after it did not answer


# a pipeline of a thousand costs the client twenty times as much
BUMP = "for _, key in ipairs(KEYS) do redis.call('incr', key) end"


class KeptClient(RedisCacheClient):
    """With one client for good: making one costs more than what it is asked."""

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        if not hasattr(self, "kept"):
            self.kept = super().get_client(key, write=True)
        return self.kept


class ForgivingRedisCache(RedisCache):
    """Django's Redis cache, answering as an empty cache while Redis is away."""

    silent_until: ClassVar[float] = 0.0  # for all threads: each has a cache of its own

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = KeptClient

    def ask(self, question: Callable[[], Any], otherwise: Any, *, always: bool = False) -> Any:
        """The answer, or `otherwise` while Redis is away. One that was silent a moment ago is not
        waited for again, unless it must `always` be tried."""
        if time.monotonic() < self.silent_until and not always:
            return otherwise
        try:
            return question()
        except Silent:
            ForgivingRedisCache.silent_until = time.monotonic() + LEFT_ALONE
        except (RedisError, OSError):
            pass
        return otherwise

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self.ask(lambda: RedisCache.get(self, key, default, version), default)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> Any:
        return self.ask(lambda: RedisCache.incr(self, key, delta, version), delta)

    def bump(self, keys: Iterable[str]) -> bool:
        """Raises the number under each key by one, from none to 1, in one round trip. False while
        Redis is away. What is cached under the old number is wrong from now on, so this is tried
        always."""
        return bool(self.ask(lambda: self._bump(keys), False, always=True))

    def _bump(self, keys: Iterable[str]) -> bool:
        names = [self.make_key(key) for key in keys]
        client = self._cache.get_client(None, write=True)
        if len(names) == 1:
            client.incr(names[0])
        else:
            client.eval(BUMP, len(names), *names)
        return True


def _forgiving(name: str) -> Any:
    def method(self: ForgivingRedisCache, *args: Any, **kwargs: Any) -> Any:
        return self.ask(lambda: getattr(RedisCache, name)(self, *args, **kwargs), EMPTY[name])

    method.__name__ = name
    return method


for _name in EMPTY:
    setattr(ForgivingRedisCache, _name, _forgiving(_name))
