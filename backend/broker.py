"""What the broker says about itself, whatever its kind; asked briefly, because who asks must not
hang on what it asks about."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from kombu import Connection
from kombu.exceptions import ChannelError

QUEUES = ("clock", "emails", "default")


def connect() -> Connection:
    """A connection that gives up soon; nothing is sent before it is used."""
    return Connection(
        settings.BROKER_URL,
        connect_timeout=1,
        transport_options={"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
    )


def queue_lengths() -> dict[str, int] | None:
    """Messages that wait in each queue; None while the broker is away."""
    try:
        with connect() as broker:
            broker.ensure_connection(max_retries=1, timeout=1, interval_start=0)
            return {queue: _length(broker, queue) for queue in QUEUES}
    except Exception:  # any failure of the broker's library means that it does not answer
        return None


def _length(broker: Connection, name: str) -> int:
    """A queue that nobody has declared, or that Redis dropped because it is empty, holds none."""
    missing: tuple[type[BaseException], ...] = (ChannelError, *broker.channel_errors)
    channel: Any = broker.channel()
    try:
        return int(channel.queue_declare(name, passive=True).message_count)
    except missing:
        return 0
    finally:
        channel.close()
