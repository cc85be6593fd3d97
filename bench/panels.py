"""Door panels: statements per state, and how long a change takes to reach five hundred of them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product

import websockets
from asgiref.sync import sync_to_async
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.models import Booking, Panel, Resource, User, Venue
from api.queries.panels import panels as query
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.panels.panels import hash_token
from backend.cache import increment_all
from bench import system

PANELS = 500
ROUNDS = 20


def run() -> list[tuple[str, str]]:
    """(what, figure); needs the database and Redis, starts a web server of its own."""
    owner, rooms = _people_and_rooms()
    with system.web() as port:
        one_room = asyncio.run(_push(port, owner, rooms, [rooms[0]] * ROUNDS, all_in_one=True))
        all_rooms = asyncio.run(_push(port, owner, rooms, rooms, all_in_one=False))
    return [
        *_statements(rooms),
        (f"push to {PANELS} panels of one room", _spread(one_room)),
        (f"push to {PANELS} panels of a room each, all changed in a row", _spread(all_rooms)),
    ]


def _people_and_rooms() -> tuple[User, list[int]]:
    owner, _ = User.objects.get_or_create(email="bench-panels@example.com")
    venue, _ = Venue.objects.get_or_create(slug="bench-panels", defaults={"name": "Bench"})
    missing = range(Resource.objects.filter(venue=venue).count(), PANELS)
    Resource.objects.bulk_create(Resource(venue=venue, name=f"Room {n}") for n in missing)
    rooms = list(Resource.objects.filter(venue=venue).values_list("pk", flat=True)[:PANELS])
    _clear()
    Panel.objects.filter(resource__venue=venue).delete()
    made = [Panel(resource_id=room, token_hash=hash_token(f"hfp_own{room}")) for room in rooms]
    made += [
        Panel(resource_id=rooms[0], token_hash=hash_token(f"hfp_one{n}")) for n in range(PANELS)
    ]
    Panel.objects.bulk_create(made)
    return owner, rooms


class Watcher:
    """One panel: when it first had a state in which its room's booking of that id is seen."""

    def __init__(self, port: int, token: str) -> None:
        self.url = f"ws://127.0.0.1:{port}/api/v1/panels/ws/?token={token}"
        self.ready = asyncio.Event()
        self.saw: list[tuple[int, float]] = []

    async def listen(self) -> None:
        async with websockets.connect(self.url, open_timeout=60, compression=None) as socket:
            self.ready.set()
            async for text in socket:
                at, message = time.perf_counter(), json.loads(text)
                if message["type"] == "state":
                    shown = [one["id"] for one in message["state"]["upcoming"]]
                    self.saw.append((max(shown, default=0), at))

    def took(self, pk: int, since: float) -> float | None:
        """Seconds until the change or a later one was seen; None when it has not been."""
        return next((max(0.0, at - since) for newest, at in self.saw if newest >= pk), None)


async def _push(
    port: int, owner: User, rooms: list[int], changes: Sequence[int], *, all_in_one: bool
) -> list[float]:
    """Seconds from the commit of each change until each panel of its room has the new state."""
    tokens = [f"hfp_one{n}" if all_in_one else f"hfp_own{rooms[n]}" for n in range(PANELS)]
    watchers = [Watcher(port, token) for token in tokens]
    listening = [asyncio.create_task(watcher.listen()) for watcher in watchers]
    for watcher in watchers:
        await watcher.ready.wait()
    await asyncio.sleep(3)  # past the first beat
    first = datetime.now(UTC) + timedelta(minutes=20)
    committed: list[tuple[int, float]] = []
    for number, room in enumerate(changes):
        # each before the last one, so that the list of a state begins with the newest
        start = first + timedelta(seconds=10 * (len(changes) - number))
        pk = await sync_to_async(_book)(owner, room, start)
        committed.append((pk, time.perf_counter()))
        await asyncio.sleep(0.3 if all_in_one else 0)
    await asyncio.sleep(5)
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    await sync_to_async(_clear)()
    pairs = (
        zip(committed, watchers, strict=True) if not all_in_one else product(committed, watchers)
    )
    took = [watcher.took(pk, since) for (pk, since), watcher in pairs]
    return [60.0 if seconds is None else seconds for seconds in took]


def _book(owner: User, room: int, start: datetime) -> int:
    end = start + timedelta(seconds=10)
    return create_booking(
        BookingRequest(owner=owner, resource=room, starts_at=start, ends_at=end),
        actor=Actor.for_new_booking(owner),
    ).pk


def _clear() -> None:
    Booking.objects.filter(venue__slug="bench-panels").delete()


def _spread(took: list[float]) -> str:
    took = sorted(took)
    at = {p: took[min(len(took) - 1, int(len(took) * p / 100))] for p in (50, 99)}
    return f"p50 {at[50]:.3f} s, p99 {at[99]:.3f} s, slowest {took[-1]:.3f} s ({len(took)} pushes)"


def _statements(rooms: list[int]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for many in (rooms[:1], rooms):
        increment_all(map(query.get_version_key, many))
        for kind in ("uncached", "cached"):
            with CaptureQueriesContext(connection) as statements:
                query.list_states(many)
            found.append((f"states of {len(many)} rooms, {kind}", f"{len(statements)} statements"))
    return found
