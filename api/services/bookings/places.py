"""Finds the units that a booking takes, and takes them: all, or none.

1. What has one unit is taken by the statement that writes the booking; the constraint decides.
2. Of several units one is guessed from the booking's id, so that a crowd does not guess alike; then
   a random one is chosen of those that are free.
3. What the count refuses is refused. What it permits, but no single unit does, is made room for:
   under the lock of the resource its bookings are numbered anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.db import IntegrityError, connection, transaction

from api.lifecycle import BOOKING
from api.models import Allocation, Resource
from api.queries.bookings.occupancy import Part, list_conflicts, list_full, pick_free_units
from api.services.conflicts import EXCLUSION_VIOLATION, get_sqlstate

from .renumber import make_room
from .statements import Place
from .transitions import apply_due_transitions

Insert = Callable[[Sequence[Place]], bool]
GUESSES = 3
OCCUPIES = (
    f"id IN (SELECT a.booking_id FROM {Allocation._meta.db_table} a"
    " JOIN unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS p(resource, starts, ends)"
    " ON a.resource_id = p.resource AND a.span && tstzrange(p.starts, p.ends) AND a.blocking)"
    " AND id <> %s"
)


class _TakenError(Exception):
    """Rolls back to before the lock, which ends with that."""


@dataclass(frozen=True)
class Obstacle:
    """The parts that are full, and what takes them if that was looked up. `settle`: ends what the
    clock should have ended of it, so that whoever waits is offered it."""

    full: Sequence[Part]
    conflicts: Sequence[Any] = ()
    settle: Callable[[], int] | None = None


def take(parts: Sequence[Part], booking_id: int, insert: Insert) -> Obstacle | None:
    """None if `insert` was called with free units and wrote them; else what is in the way.

    What the clock should have ended is ended when it is in the way. `insert` gets the places and
    says whether they were free."""
    shared = [part.resource.pk for part in parts if part.resource.units > 1]
    if _try_guesses(parts, shared, booking_id, insert):
        return None
    if obstacle := _find_obstacle(parts, shared, booking_id):
        return obstacle
    with transaction.atomic() if shared else nullcontext():
        lock_units(shared)
        parts = _read_units(parts, shared)
        met = end_overdue(parts, ignore=booking_id)
        places = _choose([(part, make_room(part)) for part in parts])
        if places and _try(insert, places):
            return None
    obstacle = _find_obstacle(parts, shared, booking_id) or Obstacle(parts)
    # what has just been offered to who waits is lost with the transaction of who is refused it
    return replace(obstacle, settle=partial(end_overdue, parts)) if met else obstacle


def _read_units(parts: Sequence[Part], shared: Sequence[int]) -> Sequence[Part]:
    """The parts with the units that their resources have now that nobody else can change them."""
    if not shared:
        return parts
    fresh = Resource.objects.in_bulk(shared)
    return [part._replace(resource=fresh.get(part.resource.pk, part.resource)) for part in parts]


def _find_obstacle(
    parts: Sequence[Part], shared: Sequence[int], booking_id: int
) -> Obstacle | None:
    if not shared:  # whatever is there takes all of it
        conflicts = list_conflicts(parts, booking_id)
        return Obstacle(parts, conflicts) if conflicts else None
    full = list_full(parts, booking_id)
    return Obstacle(full) if full else None


def _try_guesses(
    parts: Sequence[Part], shared: Sequence[int], booking_id: int, insert: Insert
) -> bool:
    if not shared:
        return _try(insert, _choose([(part, [1]) for part in parts]))
    if any(part.resource.is_crowded(part.starts_at) for part in parts):
        return False
    try:
        with transaction.atomic():
            lock_units(shared, shared=True)
            units = [(part, _guess(part, booking_id)) for part in parts]
            for _ in range(1 + GUESSES):
                if _try(insert, _choose(units)):
                    return True
                units = [(part, pick_free_units(part)) for part in parts]
                if any(len(free) < part.quantity for part, free in units):
                    break
            raise _TakenError
    except _TakenError:
        return False
    except IntegrityError as error:  # that unit is no more since the rules were read
        if get_sqlstate(error) != EXCLUSION_VIOLATION:
            raise
        return False


def _guess(part: Part, booking_id: int) -> list[int]:
    """Ids are counted up, so that a crowd tries one unit after the other."""
    units = part.resource.units
    return [(booking_id + n) % units + 1 for n in range(part.quantity)]


def _choose(units: Iterable[tuple[Part, Sequence[int]]]) -> list[Place]:
    """The places in the order in which everybody takes them; empty if a part has too few."""
    places: list[Place] = []
    for part, free in units:
        if len(free) < part.quantity:
            return []
        places += (
            Place(part.resource.pk, unit, part.starts_at, part.ends_at, part.kind)
            for unit in free[: part.quantity]
        )
    return sorted(places)


def _try(insert: Insert, places: Sequence[Place]) -> bool:
    if len(places) == 1:
        return insert(places)
    try:  # some of several are an error, so that none is kept
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            return insert(places)
    except IntegrityError as error:
        if get_sqlstate(error) != EXCLUSION_VIOLATION:
            raise
        return False


def lock_units(resource_ids: Iterable[int], *, shared: bool = False) -> None:
    """Locks the numbering of these resources to the end of the transaction: `shared` with all who
    take a unit as they are numbered, else alone. In the order of ids, and in a statement of its
    own, so that the next one sees what was there when the lock was had."""
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.prepared() as cursor:  # type: ignore[attr-defined]  # of backend.postgresql
        for pk in sorted(set(resource_ids)):
            cursor.execute(f"SELECT {function}(%s::int, %s::int)", (UNITS_LOCK, pk % 2**31))


UNITS_LOCK = 0x756E6974  # a name space of advisory locks


def end_overdue(parts: Sequence[Part], ignore: int = 0) -> int:
    """Makes the transitions that the clock should already have made of what is in the way, and says
    how many. `ignore` is a booking's id."""
    columns = zip(*((p.resource.pk, p.starts_at, p.ends_at) for p in parts), strict=True)
    return apply_due_transitions(BOOKING, OCCUPIES, (*map(list, columns), ignore))
