"""Who waits at which room in this process, and telling them when its state changes.

A change is announced over the channel layer, to one channel per process; the hall then reads the
states of all rooms announced together, and tells those who wait there. The rule: an announcement
is a hint. Every BEAT the hall looks by itself, so that a lost one is made good within it, what
time alone changes is seen, and a token that has ended closes its sockets.
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
from api.realtime import authentication
from api.realtime.authentication import Credential
from backend.cache import increment_all

log = structlog.get_logger("holdfast.hall")

GROUP = "halls"  # one member per live process
BEAT = 2.0  # seconds
PATIENCE = 5.0  # seconds that one guest may take to hear what it is told

BAD_TOKEN = 4001
UNKNOWN_ROOM = 4004
LIVE_IS_AWAY = 1013  # "try again later": the state is to be read over HTTP meanwhile


class Guest(Protocol):
    """An open socket: whose it is, its room, and the version of it that it was told last."""

    room: int
    credential: Credential
    version: int

    async def tell(self, state: State) -> None: ...
    async def beat(self, version: int) -> None: ...
    async def close(self, code: int) -> None: ...


class Hall:
    """The guests of one event loop. Its work begins with the first and goes on until `close`."""

    def __init__(self) -> None:
        self.guests: dict[int, set[Guest]] = defaultdict(set)
        self.shown: dict[int, tuple[int, str]] = {}  # version and content told last, by room
        self.announced: set[int] = set()
        self.call = asyncio.Event()
        self.channel = f"hall.{uuid4().hex}"
        self.work: set[asyncio.Task[None]] = set()
        self.said: set[asyncio.Task[None]] = set()

    async def enter(self, guest: Guest, state: State) -> None:
        """From now on the guest is told what is newer than this state. Raises when the channel
        layer is away."""
        await self.join()
        guest.version = state["version"]
        self.shown.setdefault(guest.room, (state["version"], panels.fingerprint(state)))
        self.guests[guest.room].add(guest)
        if not self.work:
            self.work = {asyncio.create_task(self.listen()), asyncio.create_task(self.watch())}
        # what was announced between that state and now, nobody heard
        self.announced.add(guest.room)
        self.call.set()

    def leave(self, guest: Guest) -> None:
        if guest.room in self.guests:
            self.guests[guest.room].discard(guest)
            if not self.guests[guest.room]:
                del self.guests[guest.room]
                self.shown.pop(guest.room, None)

    def everybody(self) -> list[Guest]:
        return [guest for guests in self.guests.values() for guest in guests]

    async def join(self) -> None:
        """Also with every beat: Redis may have been emptied."""
        await get_channel_layer().group_add(GROUP, self.channel)

    async def close(self) -> None:
        """Ends the work. Asked again and again: Redis's library loses a cancellation now and then,
        and so does a question to the database."""
        while pending := {task for task in self.work | self.said if not task.done()}:
            for task in pending:
                task.cancel()
            await asyncio.wait(pending, timeout=0.1)
        self.work = set()

    async def listen(self) -> None:
        layer = get_channel_layer()
        while True:
            try:
                message = await layer.receive(self.channel)
            except Exception as error:  # its library raises nearly anything
                self.send_off(error)
                await asyncio.sleep(BEAT)
            else:
                self.announced.update(message["rooms"])
                self.call.set()

    async def watch(self) -> None:
        beat_at = time.monotonic() + BEAT
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.call.wait(), max(0.01, beat_at - time.monotonic()))
            self.call.clear()
            rooms, self.announced = self.announced & self.guests.keys(), set()
            try:
                if time.monotonic() >= beat_at:
                    beat_at = time.monotonic() + BEAT
                    await self.look_around()
                elif rooms:
                    await self.look(rooms)
            except Exception as error:
                self.send_off(error)

    def send_off(self, error: Exception) -> None:
        """Redis or the database is away: everybody is to read over HTTP meanwhile."""
        guests = self.everybody()
        if guests:
            log.warning("live_is_away", error=repr(error), sockets=len(guests))
        for guest in guests:
            self.say(guest.close(LIVE_IS_AWAY))
        self.guests.clear()
        self.shown.clear()

    async def look(self, rooms: Collection[int]) -> None:
        """Tells everybody at these rooms what they have not been told yet."""
        states = await database_sync_to_async(self.newest)(rooms)
        for room in set(rooms) - set(states):
            for guest in self.guests.get(room, ()):
                self.say(guest.close(UNKNOWN_ROOM))
        for room, state in states.items():
            self.shown[room] = (state["version"], panels.fingerprint(state))
            for guest in self.guests.get(room, ()):
                if guest.version != state["version"]:
                    guest.version = state["version"]
                    self.say(guest.tell(state))

    def newest(self, rooms: Collection[int]) -> dict[int, State]:
        """The states, after raising the version of those that changed without one: by time alone,
        or where somebody edited the room."""
        states = panels.states(rooms)
        unsaid = [room for room, state in states.items() if self._changed_silently(room, state)]
        if not unsaid:
            return states
        # one process raises it, all others see the version that this one made
        first = [r for r in unsaid if cache.add(f"room:{r}:silent:{states[r]['version']}", 1, 5)]
        increment_all(map(panels.version_key, first))
        return states | panels.states(unsaid)

    def _changed_silently(self, room: int, state: State) -> bool:
        version, content = self.shown.get(room, (None, ""))
        return version == state["version"] and content != panels.fingerprint(state)

    async def look_around(self) -> None:
        """All that an announcement would have told, and what nobody announces."""
        await self.join()
        if not self.guests:
            return
        await self.look(list(self.guests))
        guests = self.everybody()
        check = database_sync_to_async(authentication.ended)
        gone = await check({guest.credential for guest in guests})
        for guest in guests:
            if guest.credential in gone:
                self.say(guest.close(BAD_TOKEN))
            else:
                self.say(guest.beat(guest.version))

    def say(self, words: Coroutine[Any, Any, None]) -> None:
        """To one guest, without waiting for it: a slow one holds nobody up."""

        async def speak() -> None:
            with contextlib.suppress(Exception):  # it has gone; its own reader notices
                async with asyncio.timeout(PATIENCE):
                    await words

        task = asyncio.create_task(speak())
        self.said.add(task)
        task.add_done_callback(self.said.discard)


_HALLS: WeakKeyDictionary[asyncio.AbstractEventLoop, Hall] = WeakKeyDictionary()


def hall() -> Hall:
    """The hall of the running loop."""
    return _HALLS.setdefault(asyncio.get_running_loop(), Hall())
