"""Tells the halls of the live processes which rooms changed, after the commit and without making
anybody wait for it.

The version of a room is raised at once, so that no cached state outlives the commit; the
announcement follows from a thread. While Redis is away both are lost, which costs time and
nothing else: the halls look by themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import structlog
from channels.layers import get_channel_layer
from django.core.cache import cache
from django.db import transaction

from api.queries.panels import version_key

from .nudge import Publisher

log = structlog.get_logger("holdfast.pushes")

GROUP = "halls"


class Announcer(Publisher):
    """The publishing thread of `tasks.nudge`, with rooms for names."""

    window = 0.05  # seconds; changes within it are announced together

    def _run(self) -> None:
        # one event loop for all of them: the layer connects to Redis anew for each
        with asyncio.Runner() as self.loop:
            super()._run()

    def send(self, names: set[int]) -> None:
        """Never raises; while Redis is away it is lost."""
        message = {"type": "rooms.changed", "rooms": sorted(names)}
        try:
            self.loop.run(get_channel_layer().group_send(GROUP, message))
        except Exception as error:  # the layer's library may raise nearly anything
            log.warning("push_lost", rooms=len(names), error=repr(error))


announcer = Announcer()


def after_commit(rooms: Collection[int]) -> None:
    def changed() -> None:
        cache.bump(map(version_key, rooms))  # type: ignore[attr-defined]
        for room in rooms:
            announcer.ask(room)

    transaction.on_commit(changed, robust=True)
