"""The state of a room now, as a door panel shows it: two statements for any number of rooms, none
while it is cached.

Every change of a booking, and of the room itself, raises the room's version, and a state is cached
under the version that was read before the rows were: what is cached under the latest version is
never older than it. Where time alone changes a state, the cached one ends.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import Any, TypeAlias

import orjson
from django.core.cache import cache
from django.db.models import Count, F, Q
from django.db.models.functions import Now

from api import policy
from api.errors import NotFound
from api.lifecycle import BOOKING
from api.models import Booking, Panel, Resource

State: TypeAlias = dict[str, Any]  # plain JSON: instants as text in UTC

SOON = timedelta(minutes=15)  # from here on the next meeting is announced
LISTED = 10
LONGEST = timedelta(seconds=10)  # what no signal tells of, a person renamed, is seen within this
CLOCKS = tuple(move.deadline for move in BOOKING.time_driven)


def version_key(room: int) -> str:
    return f"room:{room}:version"


def state(room: int) -> State:
    """Refuses `NotFound`."""
    found = states([room]).get(room)
    if found is None:
        raise NotFound("There is no such room.")
    return found


def states(rooms: Collection[int]) -> dict[int, State]:
    """By room id, unknown ids left out. `version` grows with every change of the room, and is 0
    while Redis is away."""
    keys = {room: version_key(room) for room in rooms}
    versions = cache.get_many(keys.values())
    numbers = {room: int(versions.get(key) or 0) for room, key in keys.items()}
    cached = cache.get_many([_key(room, number) for room, number in numbers.items() if number])
    found = {room: cached.get(_key(room, number)) for room, number in numbers.items()}
    missing = [room for room, state in found.items() if state is None]
    kept: dict[int, dict[str, State]] = defaultdict(dict)
    for room, (fresh, until) in _read(missing).items() if missing else ():
        fresh["version"] = numbers[room]
        found[room] = fresh
        if numbers[room]:
            # whole seconds, rounded down: in the last one before a change it is read every time
            kept[int(until.total_seconds())][_key(room, numbers[room])] = fresh
    for seconds, some in kept.items():
        if seconds:
            cache.set_many(some, seconds)
    return {room: state for room, state in found.items() if state is not None}


def _key(room: int, version: int) -> str:
    return f"room:{room}:state:{version}"


def fingerprint(state: State) -> str:
    """Alike for states that show the same, whenever they were read."""
    shown = {name: value for name, value in state.items() if name not in ("at", "version")}
    return hashlib.sha256(orjson.dumps(shown)).hexdigest()


def _read(rooms: Sequence[int]) -> dict[int, tuple[State, timedelta]]:
    """Fresh from the rows: each state, and how long it lasts if nobody does anything."""
    found = Resource.objects.filter(pk__in=rooms, retired_at=None).select_related("venue")
    places = list(found.annotate(read_at=Now()))
    if not places:
        return {}
    now = places[0].read_at
    midnights = {place.pk: _midnight(place, now) for place in places}
    meetings: dict[int, list[Booking]] = defaultdict(list)
    for row in _meetings(midnights, now, max(midnights.values()) + SOON):
        if row.starts_at < midnights[row.resource_id] + SOON:
            meetings[row.resource_id].append(row)
    return {place.pk: _state(place, meetings[place.pk], now) for place in places}


def _midnight(place: Resource, now: datetime) -> datetime:
    """Where the room's own day ends."""
    tomorrow = now.astimezone(place.venue.zone).date() + policy.DAY
    return policy.to_instant(place.venue.zone, tomorrow, time())


def _meetings(rooms: Iterable[int], now: datetime, until: datetime) -> Iterable[Booking]:
    return (
        Booking.objects.filter(resource__in=list(rooms), ends_at__gt=now, starts_at__lt=until)
        .blocking()
        .select_related("owner")
        .annotate(others=Count("attendees", filter=~Q(attendees=F("owner"))))
        .order_by("starts_at", "pk")
    )


def _state(place: Resource, rows: Sequence[Booking], now: datetime) -> tuple[State, timedelta]:
    """`rows` reach beyond the day by what may be announced before it ends."""
    current = next((row for row in rows if row.starts_at <= now), None)
    midnight = _midnight(place, now)
    ahead = [row for row in rows if now < row.starts_at < max(midnight, now + SOON)]
    changes_at = min([midnight, *_changes(rows, now)])
    state = {
        "room": _room(place),
        "status": _status(place, current, ahead, now),
        "current": _meeting(current, place) if current else None,
        "next": _meeting(ahead[0], place) if ahead else None,
        "upcoming": [_meeting(row, place) for row in ahead[:LISTED]],
        "free_until": None if current or not ahead else _text(ahead[0].starts_at),
        "changes_at": _text(changes_at),
        "at": _text(now),
    }
    return state, min(changes_at - now, LONGEST)


def _status(
    place: Resource, current: Booking | None, ahead: Sequence[Booking], now: datetime
) -> str:
    if not place.bookable:
        return "offline"
    if current is not None:
        return "occupied"
    soon = ahead and ahead[0].starts_at <= now + SOON
    return "upcoming" if soon else "available"


def _changes(rows: Sequence[Booking], now: datetime) -> Iterable[datetime]:
    """Every instant ahead at which time alone changes what is shown of these."""
    for row in rows:
        moments: list[datetime | None] = [row.starts_at - SOON, row.starts_at, row.ends_at]
        moments += [row.check_in_opens_at, row.check_in_closes_at]
        moments += [getattr(row, column) for column in CLOCKS]
        yield from (moment for moment in moments if moment is not None and moment > now)


def _text(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return orjson.dumps(moment, option=orjson.OPT_UTC_Z).decode().strip('"')


def _room(place: Resource) -> dict[str, Any]:
    return {
        "id": place.pk,
        "name": place.name,
        "building": place.building,
        "floor": place.floor,
        "capacity": place.capacity,
        "venue": place.venue.slug,
        "time_zone": place.venue.time_zone,
    }


def _meeting(row: Booking, place: Resource) -> dict[str, Any]:
    awaited = row.checked_in_at is None and row.no_show_at is not None
    by = min(filter(None, [row.no_show_at, row.check_in_closes_at]), default=None)
    return {
        "id": row.pk,
        "title": row.title,
        "organizer": row.owner.name,
        "organizer_email": row.owner.email,
        "starts_at": _text(row.starts_at),
        "ends_at": _text(row.ends_at),
        "people": 1 + row.others,  # type: ignore[attr-defined]
        "checked_in_at": _text(row.checked_in_at),
        "check_in_from": _text(row.check_in_opens_at) if awaited else None,
        "check_in_until": _text(by) if awaited else None,
        "may_end": row.checked_in_at is not None or not awaited,
    }


# rooms and devices


def panels() -> Any:
    """Devices that are not revoked, with their rooms."""
    return Panel.objects.filter(revoked_at=None).select_related("resource__venue")


def panel(pk: int) -> Panel:
    """Refuses `NotFound`."""
    found: Panel | None = panels().filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such panel.")
    return found
