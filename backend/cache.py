"""The cache only hurries things along: when Redis is away it is empty, never an error."""

from collections.abc import Iterable
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

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

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = KeptClient

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except (RedisError, OSError):
            return default

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> Any:
        try:
            return super().incr(key, delta, version)
        except (RedisError, OSError):
            return delta

    def bump(self, keys: Iterable[str]) -> bool:
        """Raises the number under each key by one, from none to 1, in one round trip. False while
        Redis is away."""
        names = [self.make_key(key) for key in keys]
        try:
            client = self._cache.get_client(None, write=True)
            if len(names) == 1:
                client.incr(names[0])
            else:
                client.eval(BUMP, len(names), *names)
        except (RedisError, OSError):
            return False
        return True


def _forgiving(name: str) -> Any:
    def method(self: ForgivingRedisCache, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(RedisCache, name)(self, *args, **kwargs)
        except (RedisError, OSError):
            return EMPTY[name]

    method.__name__ = name
    return method


for _name in EMPTY:
    setattr(ForgivingRedisCache, _name, _forgiving(_name))
