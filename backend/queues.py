"""How many messages wait in the broker, whatever its kind; asked briefly, because who asks must not
hang on what it asks about."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from kombu import Connection
from kombu.exceptions import ChannelError

QUEUES = ("clock", "emails", "default")
SECONDS = 0.5


def lengths() -> dict[str, int] | None:
    """Messages in each queue that no worker has taken; None while the broker is away."""
    redis = settings.BROKER_URL.startswith(("redis", "valkey"))
    patience = {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS} if redis else {}
    try:
        with Connection(
            settings.BROKER_URL,
            ssl=getattr(settings, "CELERY_BROKER_USE_SSL", False),
            connect_timeout=2 * SECONDS,
            transport_options=patience,
        ) as broker:
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
