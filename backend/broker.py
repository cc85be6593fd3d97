"""What the pulse, the health check and the metrics ask the broker, of whatever kind it is.

The rule: a question takes seconds at most; an error of any library is the answer "away".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import redis
from amqp.exceptions import NotFound
from django.conf import settings
from kombu import Connection
from kombu.exceptions import ChannelError
from redis.backoff import NoBackoff
from redis.retry import Retry

PATIENCE = 2  # seconds for one answer
QUEUES = ("clock", "emails", "default")


class Away(Exception):
    """The broker does not answer."""


class Broker(Protocol):
    def ping(self) -> None:
        """Returns if it answers; raises Away."""

    def holds(self, queues: list[str]) -> bool:
        """Whether a message waits in one of these queues; raises Away."""


def of(url: str) -> Broker:
    return Redis(url) if url.startswith(("redis://", "rediss://")) else Other(url)


def connect(url: str, seconds: float) -> Connection:
    """Not yet open; gives up after that time, whatever the broker is."""
    if url.startswith(("redis://", "rediss://")):
        options = {"socket_connect_timeout": seconds / 2, "socket_timeout": seconds / 2}
    else:
        options = {"read_timeout": seconds, "write_timeout": seconds}
    return Connection(
        url,
        ssl=settings.CELERY_BROKER_USE_SSL or False,
        connect_timeout=seconds,
        transport_options=options,
    )


class Redis:
    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(
            url,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
        )

    def ping(self) -> None:
        try:
            self.client.ping()
        except redis.RedisError as error:
            raise Away from error

    def holds(self, queues: list[str]) -> bool:
        try:
            return any(self.client.llen(queue) for queue in queues)
        except redis.RedisError as error:
            raise Away from error


class Other:
    """RabbitMQ, or what else kombu speaks to. The connection is kept: opening one costs the server
    more than a question does."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection: Connection | None = None

    def ping(self) -> None:
        """A channel is opened, so that a server which only still accepts is found out."""
        self._ask(lambda channel: True)

    def holds(self, queues: list[str]) -> bool:
        return any(self._ask(partial(_waiting, queue)) for queue in queues)

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        try:
            if self.connection is None:
                self.connection = connect(self.url, PATIENCE)
            with self.connection.channel() as channel:
                return question(channel)
        except NotFound:  # a queue to which nobody has sent anything yet
            return 0
        except Exception as error:  # each library behind kombu has errors of its own
            self.hang_up()
            raise Away from error

    def hang_up(self) -> None:
        if self.connection is not None:
            self.connection.collect(socket_timeout=PATIENCE)
            self.connection = None


def _waiting(queue: str, channel: Any) -> int:
    return int(channel.queue_declare(queue, passive=True).message_count)


def queue_lengths() -> dict[str, int] | None:
    """Messages that wait in each queue; None while the broker is away."""
    try:
        with connect(settings.BROKER_URL, seconds=1) as asked:
            asked.ensure_connection(max_retries=1, timeout=1, interval_start=0)
            return {queue: _length(asked, queue) for queue in QUEUES}
    except Exception:  # each library behind kombu has errors of its own
        return None


def _length(asked: Connection, name: str) -> int:
    """A queue that nobody has declared, or that Redis dropped because it is empty, holds none."""
    missing: tuple[type[BaseException], ...] = (ChannelError, *asked.channel_errors)
    channel: Any = asked.channel()
    try:
        return _waiting(name, channel)
    except missing:
        return 0
    finally:
        channel.close()
