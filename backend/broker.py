"""What heartbeats, `/health/` and `/metrics` ask the broker, through kombu, whatever broker it is.

A question takes a second or two at most. An error of any library means that the broker is away.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from kombu import Connection
from kombu.exceptions import ChannelError

QUEUES = ("clock", "emails", "default")
TIMEOUT = 1  # second


def is_reachable() -> bool:
    """Whether the broker answers a new connection."""
    try:
        with open_connection():
            return True
    except Exception:  # each library behind kombu has errors of its own
        return False


def get_queue_lengths(queues: Iterable[str] = QUEUES) -> dict[str, int] | None:
    """How many messages wait in each queue; None while the broker is away."""
    try:
        with open_connection() as connection:
            return {queue: _count_messages(connection, queue) for queue in queues}
    except Exception:  # each library behind kombu has errors of its own
        return None


@contextlib.contextmanager
def open_connection() -> Iterator[Connection]:
    """A new connection, open. Raises what the library behind kombu raises."""
    if settings.BROKER_URL.startswith(("redis://", "rediss://")):
        timeouts = {"socket_connect_timeout": TIMEOUT / 2, "socket_timeout": TIMEOUT / 2}
    else:
        timeouts = {"read_timeout": TIMEOUT, "write_timeout": TIMEOUT}
    with Connection(
        settings.BROKER_URL,
        ssl=settings.CELERY_BROKER_USE_SSL or False,
        connect_timeout=TIMEOUT,
        transport_options=timeouts,
    ) as connection:
        connection.ensure_connection(max_retries=1, timeout=TIMEOUT, interval_start=0)
        yield connection


def _count_messages(connection: Connection, queue: str) -> int:
    """A queue that nobody has declared, or that Redis dropped because it is empty, holds none."""
    missing: tuple[type[BaseException], ...] = (ChannelError, *connection.channel_errors)
    channel: Any = connection.channel()
    try:
        return int(channel.queue_declare(queue, passive=True).message_count)
    except missing:
        return 0
    finally:
        channel.close()
