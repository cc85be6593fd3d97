"""The state of a room now, as a door panel shows it: two statements for any number of rooms, one
more where there are blocks, none while it is cached.

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
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from api import policy
from api.errors import NotFound
from api.lifecycle import BOOKING
from api.models import Block, Booking, Panel, Resource
from api.opening_hours import to_instant
from api.queries.bookings.blocked_times import Blocked, list_blocked

State: TypeAlias = dict[str, Any]  # plain JSON: instants as text in UTC

UPCOMING_WINDOW = timedelta(minutes=15)  # from here on the next meeting is announced
UPCOMING_LIMIT = 10
CACHE_TIMEOUT = timedelta(seconds=10)  # a change without a signal, as of a name, shows by then
# columns of a booking whose passing changes what is shown
MOMENTS = (
    *("starts_at", "ends_at", "check_in_opens_at", "check_in_closes_at"),
    *(move.deadline for move in BOOKING.time_driven),
)


def get_version_key(room: int) -> str:
    return f"room:{room}:version"


def get_state(room: int) -> State:
    """Return the state of the room. Raises `NotFound`."""
    found = list_states([room]).get(room)
    if found is None:
        raise NotFound("There is no such room.")
    return found


def list_states(rooms: Collection[int]) -> dict[int, State]:
    """Return the states by room id, without unknown ids. `version` grows with every change of the
    room, and is 0 while Redis is away."""
    keys = {room: get_version_key(room) for room in rooms}
    versions = cache.get_many(keys.values())
    numbers = {room: int(versions.get(key) or 0) for room, key in keys.items()}
    cache_keys = {room: _get_cache_key(room, number) for room, number in numbers.items() if number}
    cached = cache.get_many(cache_keys.values())
    found = {room: cached.get(cache_keys.get(room)) for room in numbers}
    missing = [room for room, state in found.items() if state is None]
    by_timeout: dict[int, dict[str, State]] = defaultdict(dict)
    for room, (fresh, until) in _read_states(missing).items() if missing else ():
        fresh["version"] = numbers[room]
        found[room] = fresh
        if room in cache_keys:
            # whole seconds, rounded down: in the last one before a change it is read every time
            by_timeout[int(until.total_seconds())][cache_keys[room]] = fresh
    for seconds, states in by_timeout.items():
        if seconds:
            cache.set_many(states, seconds)
    return {room: state for room, state in found.items() if state is not None}


def _get_cache_key(room: int, version: int) -> str:
    return f"room:{room}:state:{version}"


def compute_fingerprint(state: State) -> str:
    """Return a hash that is equal for states that show the same, whenever they were read."""
    shown = {name: value for name, value in state.items() if name not in ("at", "version")}
    return hashlib.sha256(orjson.dumps(shown)).hexdigest()


def _read_states(rooms: Sequence[int]) -> dict[int, tuple[State, timedelta]]:
    """Build the states from the rows, each with how long it lasts if nobody does anything."""
    found = Resource.objects.filter(pk__in=rooms, retired_at=None).select_related("venue")
    has_blocks = Exists(Block.objects.filter(resource=OuterRef("pk")))
    resources = list(found.annotate(read_at=Now(), has_blocks=has_blocks))
    if not resources:
        return {}
    now = resources[0].read_at
    midnights = {resource.pk: _get_midnight(resource, now) for resource in resources}
    meetings: dict[int, list[Booking]] = defaultdict(list)
    for row in _list_meetings(midnights, now, max(midnights.values()) + UPCOMING_WINDOW):
        if row.starts_at < midnights[row.place] + UPCOMING_WINDOW:  # type: ignore[attr-defined]  # annotated
            meetings[row.place].append(row)  # type: ignore[attr-defined]
    blocked: dict[int, list[Blocked]] = defaultdict(list)
    for time_ in list_blocked(resources, now, max(midnights.values()) + UPCOMING_WINDOW):
        blocked[time_.resource_id].append(time_)
    return {
        each.pk: _build_state(each, meetings[each.pk], now, blocked[each.pk]) for each in resources
    }


def _get_midnight(resource: Resource, now: datetime) -> datetime:
    """Return when the day ends in the venue's zone."""
    tomorrow = now.astimezone(resource.venue.zone).date() + policy.DAY
    return to_instant(resource.venue.zone, tomorrow, time())


def _list_meetings(rooms: Iterable[int], now: datetime, until: datetime) -> Iterable[Booking]:
    return (
        Booking.objects.occupying(list(rooms), now, until)
        .overlapping(now, until)
        .blocking()
        .select_related("owner")
        .annotate(
            others=Count("attendees", filter=~Q(attendees=F("owner")), distinct=True),
            taken=Count("allocations", distinct=True),
        )
        .order_by("starts_at", "pk")
    )


def _build_state(
    resource: Resource, rows: Sequence[Any], now: datetime, blocked: Sequence[Blocked] = ()
) -> tuple[State, timedelta]:
    """`rows` reach beyond the day by UPCOMING_WINDOW, and so do the times that are blocked."""
    current = next((row for row in rows if row.starts_at <= now), None)
    midnight = _get_midnight(resource, now)
    until = max(midnight, now + UPCOMING_WINDOW)
    near = [row for row in rows if row.starts_at < until]
    ahead = [row for row in near if row.starts_at > now]
    blocks = [block for block in blocked if block.starts_at < until]
    is_blocked = bool(blocks) and blocks[0].starts_at <= now
    free_units = 0 if is_blocked else _count_free(resource, rows, now)
    changes_at = min([midnight, *_list_changes(rows, blocks, now)])
    state = {
        "room": _serialize_room(resource),
        "status": _get_status(resource, current, ahead, is_blocked, free_units, now),
        "current": _serialize_meeting(current, resource) if current else None,
        "next": _serialize_meeting(ahead[0], resource) if ahead else None,
        "upcoming": [_serialize_meeting(row, resource) for row in ahead[:UPCOMING_LIMIT]],
        "blocked": [_serialize_block(block) for block in blocks[:UPCOMING_LIMIT]],
        "free_units": free_units,
        "free_until": _format_instant(_find_free_until(resource, near, blocks, now)),
        "changes_at": _format_instant(changes_at),
        "at": _format_instant(now),
    }
    return state, min(changes_at - now, CACHE_TIMEOUT)


def _get_status(
    resource: Resource,
    current: Booking | None,
    ahead: Sequence[Booking],
    is_blocked: bool,
    free_units: int,
    now: datetime,
) -> str:
    """One with several units is occupied when none is free."""
    if not resource.bookable:
        return "offline"
    if current is not None and (resource.units == 1 or not (free_units or is_blocked)):
        return "occupied"
    if is_blocked:
        return "blocked"
    soon = ahead and ahead[0].starts_at <= now + UPCOMING_WINDOW
    return "upcoming" if soon and resource.units == 1 else "available"


def _count_free(resource: Resource, rows: Iterable[Any], at: datetime) -> int:
    """How many units nobody has then."""
    taken = sum(row.taken for row in rows if row.starts_at <= at < row.ends_at)
    return max(0, resource.units - taken)


def _find_free_until(
    resource: Resource, rows: Sequence[Any], blocks: Sequence[Blocked], now: datetime
) -> datetime | None:
    """When the last free unit is taken, or all are blocked; None if none is free now, or no such
    time is near."""
    if _count_free(resource, rows, now) < 1:
        return None
    full = (row.starts_at for row in rows if _count_free(resource, rows, row.starts_at) < 1)
    first = min([*full, *(block.starts_at for block in blocks)], default=None)
    return first if first is not None and first > now else None


def _list_changes(
    rows: Sequence[Booking], blocks: Sequence[Blocked], now: datetime
) -> Iterable[datetime]:
    """Yield every instant ahead at which time alone changes what is shown of these."""
    edges = (edge for block in blocks for edge in (block.starts_at, block.ends_at))
    yield from (edge for edge in edges if edge > now)
    for row in rows:
        moments = [row.starts_at - UPCOMING_WINDOW]
        moments += (getattr(row, column) for column in MOMENTS)
        yield from (moment for moment in moments if moment is not None and moment > now)


def _format_instant(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return orjson.dumps(moment, option=orjson.OPT_UTC_Z).decode().strip('"')


def _serialize_room(resource: Resource) -> dict[str, Any]:
    return {
        "id": resource.pk,
        "name": resource.name,
        "building": resource.building,
        "floor": resource.floor,
        "capacity": resource.capacity,
        "units": resource.units,
        "venue": resource.venue.slug,
        "time_zone": resource.venue.time_zone,
    }


def _serialize_block(block: Blocked) -> dict[str, Any]:
    """Why it is blocked is for staff."""
    return {
        "starts_at": _format_instant(block.starts_at),
        "ends_at": _format_instant(block.ends_at),
    }


def _serialize_meeting(row: Booking, resource: Resource) -> dict[str, Any]:
    awaited = row.checked_in_at is None and row.no_show_at is not None
    by = min(filter(None, [row.no_show_at, row.check_in_closes_at]), default=None)
    return {
        "id": row.pk,
        "title": row.title,
        "organizer": row.person.name,
        "organizer_email": row.person.email,
        "starts_at": _format_instant(row.starts_at),
        "ends_at": _format_instant(row.ends_at),
        "people": 1 + row.others,  # type: ignore[attr-defined]  # annotated
        "checked_in_at": _format_instant(row.checked_in_at),
        "check_in_from": _format_instant(row.check_in_opens_at) if awaited else None,
        "check_in_until": _format_instant(by) if awaited else None,
        "may_end": row.checked_in_at is not None or not awaited,
    }


def list_panels() -> QuerySet[Panel]:
    """Return the panels that are not revoked, with their rooms."""
    return Panel.objects.filter(revoked_at=None).select_related("resource__venue")


def get_panel(pk: int) -> Panel:
    """Return the panel. Raises `NotFound`."""
    found = list_panels().filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such panel.")
    return found
