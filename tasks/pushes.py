"""Tells the web processes which rooms changed, after the commit and without making
anybody wait for it.

The version of a room is raised at once, so that no cached state outlives the commit; the
announcement follows from a thread. While Redis is away both are lost, which costs time and
nothing else: their registries of connections poll.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextvars import Context
from typing import Any

import structlog
from channels.layers import get_channel_layer
from django.db import transaction

from api.queries.panels.panels import get_version_key
from backend.cache import increment_all

from .enqueue import Publisher

log = structlog.get_logger("holdfast.pushes")

GROUP = "panel_connections"  # as in `api.realtime.connections`


class Announcer(Publisher):
    """The publishing thread of `tasks.enqueue`, with rooms for names."""

    interval = 0.05  # seconds; changes within it are announced together

    def _run(self) -> None:
        # one event loop for all of them: the layer connects to Redis anew for each
        with asyncio.Runner() as self.loop:
            super()._run()

    def publish(self, names: Mapping[int, Context]) -> None:
        announce(names.keys(), self.loop.run)


def announce(
    rooms: Collection[int], run: Callable[[Coroutine[Any, Any, None]], None] = asyncio.run
) -> bool:
    """Whether Redis took it; never raises."""
    message = {"type": "rooms.changed", "rooms": sorted(rooms)}
    try:
        run(get_channel_layer().group_send(GROUP, message))
    except Exception as error:  # the layer's library may raise nearly anything
        log.warning("push_lost", rooms=len(rooms), error=repr(error))
        return False
    return True


announcer = Announcer()


def push_now(rooms: Collection[int]) -> int:
    """How many rooms were announced; none while Redis is away, which the next run makes good."""
    if not rooms:
        return 0
    increment_all(map(get_version_key, rooms))
    return len(rooms) if announce(rooms) else 0


def push_after_commit(rooms: Collection[int]) -> None:
    def changed() -> None:
        increment_all(map(get_version_key, rooms))
        for room in rooms:
            announcer.enqueue(room)

    transaction.on_commit(changed, robust=True)
