"""The open WebSockets of this process by room, and what is pushed to them.

Changes are announced over the channel layer, to one channel per process. An announcement is a hint:
the registry reads the states of the rooms it names, once for all their connections, and sends each
what it does not have yet. Every POLL_INTERVAL it reads all rooms unasked, which makes up for lost
announcements, shows what time alone changes, and closes connections whose token has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Collection, Coroutine
from typing import Any, Protocol
from uuid import uuid4
from weakref import WeakKeyDictionary

import structlog
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.core.cache import cache

from api.queries.panels import panels
from api.queries.panels.panels import State
from api.realtime.authentication import Credential, find_ended
from backend.cache import increment_all

log = structlog.get_logger("holdfast.realtime")

GROUP = "panel_connections"  # one channel per web process
POLL_INTERVAL = 2.0  # seconds
SEND_TIMEOUT = 5.0  # seconds

BAD_TOKEN = 4001
UNKNOWN_ROOM = 4004
TRY_AGAIN_LATER = 1013  # the state is to be read over HTTP meanwhile


class Connection(Protocol):
    """An open WebSocket: its token, its room, and the version of the state sent last."""

    room: int
    credential: Credential
    version: int

    async def send_state(self, state: State) -> None: ...
    async def send_heartbeat(self, version: int) -> None: ...
    async def close(self, code: int) -> None: ...


class ConnectionRegistry:
    """The connections of one event loop. The first one starts its tasks; `close` ends them."""

    def __init__(self) -> None:
        self.by_room: dict[int, set[Connection]] = defaultdict(set)
        self.sent: dict[int, tuple[int, str]] = {}  # version and fingerprint sent last, by room
        self.announced: set[int] = set()
        self.wake = asyncio.Event()
        self.channel = f"connections.{uuid4().hex}"
        self.tasks: set[asyncio.Task[None]] = set()
        self.sends: set[asyncio.Task[None]] = set()

    async def register(self, connection: Connection, state: State) -> None:
        """Send the connection what is newer than `get_state` from now on. Raises without Redis."""
        await self.join_group()
        connection.version = state["version"]
        self.sent.setdefault(connection.room, (state["version"], panels.compute_fingerprint(state)))
        self.by_room[connection.room].add(connection)
        if not self.tasks:
            self.tasks = {asyncio.create_task(self.listen()), asyncio.create_task(self.push())}
        # an announcement since `get_state` was read may have found nobody here
        self.announced.add(connection.room)
        self.wake.set()

    def unregister(self, connection: Connection) -> None:
        self.by_room[connection.room].discard(connection)
        if not self.by_room[connection.room]:
            del self.by_room[connection.room]
            self.sent.pop(connection.room, None)

    async def join_group(self) -> None:
        """Join again with every poll: Redis may have been emptied."""
        await get_channel_layer().group_add(GROUP, self.channel)

    async def close(self) -> None:
        """End the tasks. Cancels until they are done: the Redis library and a database call in its
        thread lose a cancellation now and then."""
        while pending := {task for task in self.tasks | self.sends if not task.done()}:
            for task in pending:
                task.cancel()
            await asyncio.wait(pending, timeout=0.1)
        self.tasks = set()

    async def listen(self) -> None:
        layer = get_channel_layer()
        while True:
            try:
                message = await layer.receive(self.channel)
            except Exception as error:  # the layer's library raises nearly anything
                self.disconnect_all(error)
                await asyncio.sleep(POLL_INTERVAL)
            else:
                self.announced.update(message["rooms"])
                self.wake.set()

    async def push(self) -> None:
        poll_at = time.monotonic() + POLL_INTERVAL
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.wake.wait(), max(0.01, poll_at - time.monotonic()))
            self.wake.clear()
            rooms, self.announced = self.announced & self.by_room.keys(), set()
            try:
                if time.monotonic() >= poll_at:
                    poll_at = time.monotonic() + POLL_INTERVAL
                    await self.poll()
                elif rooms:
                    await self.send_new_states(rooms)
            except Exception as error:  # as above
                self.disconnect_all(error)

    async def poll(self) -> None:
        """Send what no announcement brought, then a heartbeat, or close what has ended."""
        await self.join_group()
        if not self.by_room:
            return
        await self.send_new_states(list(self.by_room))
        connections = self.list_connections()
        credentials = {connection.credential for connection in connections}
        ended = await database_sync_to_async(find_ended)(credentials)
        for connection in connections:
            if connection.credential in ended:
                self.send_soon(connection.close(BAD_TOKEN))
            else:
                self.send_soon(connection.send_heartbeat(connection.version))

    async def send_new_states(self, rooms: Collection[int]) -> None:
        states = await database_sync_to_async(self.read_states)(rooms)
        for room in set(rooms) - set(states):
            for connection in self.by_room.get(room, ()):
                self.send_soon(connection.close(UNKNOWN_ROOM))
        for room, state in states.items():
            self.sent[room] = (state["version"], panels.compute_fingerprint(state))
            for connection in self.by_room.get(room, ()):
                if connection.version != state["version"]:
                    connection.version = state["version"]
                    self.send_soon(connection.send_state(state))

    def read_states(self, rooms: Collection[int]) -> dict[int, State]:
        """Read the states. Raises the version first of those that changed under the same version:
        by time alone, or where somebody edited the room."""
        states = panels.list_states(rooms)
        silent = [room for room, state in states.items() if self._has_changed_silently(room, state)]
        if not silent:
            return states
        # one process raises the version, all others see the one that it made
        first = [r for r in silent if cache.add(f"room:{r}:silent:{states[r]['version']}", 1, 5)]
        increment_all(map(panels.get_version_key, first))
        return states | panels.list_states(silent)

    def _has_changed_silently(self, room: int, state: State) -> bool:
        version, fingerprint = self.sent.get(room, (None, ""))
        return version == state["version"] and fingerprint != panels.compute_fingerprint(state)

    def list_connections(self) -> list[Connection]:
        return [connection for room in self.by_room.values() for connection in room]

    def disconnect_all(self, error: Exception) -> None:
        """Close every connection, as Redis or the database is away: clients read over HTTP."""
        connections = self.list_connections()
        if connections:
            log.warning("push_unavailable", error=repr(error), connections=len(connections))
        for connection in connections:
            self.send_soon(connection.close(TRY_AGAIN_LATER))
        self.by_room.clear()
        self.sent.clear()

    def send_soon(self, send: Coroutine[Any, Any, None]) -> None:
        """Send without waiting: a slow client delays nobody."""

        async def send_in_time() -> None:
            with contextlib.suppress(Exception):  # it has gone; its consumer notices
                async with asyncio.timeout(SEND_TIMEOUT):
                    await send

        task = asyncio.create_task(send_in_time())
        self.sends.add(task)
        task.add_done_callback(self.sends.discard)


_REGISTRIES: WeakKeyDictionary[asyncio.AbstractEventLoop, ConnectionRegistry] = WeakKeyDictionary()


def get_registry() -> ConnectionRegistry:
    """Return the registry of the running event loop."""
    return _REGISTRIES.setdefault(asyncio.get_running_loop(), ConnectionRegistry())
