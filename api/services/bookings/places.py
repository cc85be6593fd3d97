"""Takes what a booking occupies: all of it, or none.

1. The statement that writes the booking takes it (`statements`, `migrations/sql/units.sql`); the
   constraint decides.
2. What the count refuses is refused. What it permits, but no single unit does, is made room for:
   under the lock of the resource its bookings are numbered anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Any

from django.db import connection, transaction

from api.lifecycle import BOOKING
from api.models import Allocation, Resource
from api.queries.bookings.occupancy import Part, list_conflicts, list_full

from .renumber import make_room
from .transitions import apply_due_transitions

OCCUPIES = (
    f"id IN (SELECT a.booking_id FROM {Allocation._meta.db_table} a"
    " JOIN unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS p(resource, starts, ends)"
    " ON a.resource_id = p.resource AND a.span && tstzrange(p.starts, p.ends) AND a.blocking)"
    " AND id <> %s"
)


class Attempt(Enum):
    """What came of a statement that takes units."""

    SUCCEEDED = "all are taken now"
    FAILED = "none is; something was in the way"
    FULL = "none is; all units are taken, by nothing that is overdue"


Insert = Callable[[Sequence[Part]], Attempt]


@dataclass(frozen=True)
class Obstacle:
    """The parts that are full, and what takes them if that was looked up. `settle`: ends what the
    clock should have ended of it, so that whoever waits is offered it."""

    full: Sequence[Part]
    conflicts: Sequence[Any] = ()
    settle: Callable[[], int] | None = None


def take(parts: Sequence[Part], booking_id: int, insert: Insert) -> Obstacle | None:
    """None if `insert` has taken the parts; else what is in the way.

    What the clock should have ended is ended when it is in the way. `insert` gets the parts in the
    order of their resources' ids, and runs a statement that takes them (`statements`)."""
    parts = sorted(parts, key=lambda part: part.resource.pk)
    shared = [part.resource.pk for part in parts if part.resource.units > 1]
    attempt = _try(insert, parts, shared)
    if attempt is Attempt.SUCCEEDED:
        return None
    obstacle = _find_obstacle(parts, shared, booking_id) if attempt is Attempt.FAILED else None
    if obstacle or attempt is Attempt.FULL:
        return obstacle or Obstacle(parts)
    with transaction.atomic() if shared else nullcontext():
        lock_units(shared)
        parts = _read_units(parts, shared)
        met = end_overdue(parts, ignore=booking_id)
        fits = all(len(make_room(part)) >= part.quantity for part in parts)
        if fits and insert(parts) is Attempt.SUCCEEDED:
            return None
    obstacle = _find_obstacle(parts, shared, booking_id) or Obstacle(parts)
    # what has just been offered to who waits is lost with the transaction of who is refused it
    return replace(obstacle, settle=partial(end_overdue, parts)) if met else obstacle


def _try(insert: Insert, parts: Sequence[Part], shared: Sequence[int]) -> Attempt:
    """Of a resource with more booked than it has units the count is asked first. A savepoint gives
    back the lock that the statement took, so that nobody who waits for it alone has a share."""
    if not shared:
        return insert(parts)
    if any(part.resource.is_crowded(part.starts_at) for part in parts):
        return Attempt.FAILED
    if not connection.in_atomic_block:
        return insert(parts)
    with transaction.atomic():
        attempt = insert(parts)
        transaction.set_rollback(attempt is not Attempt.SUCCEEDED)
    return attempt


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


def lock_units(resource_ids: Iterable[int], *, shared: bool = False) -> None:
    """Locks the numbering of these resources to the end of the transaction: `shared` with all who
    take a unit as they are numbered, else alone. In the order of ids, and in a statement of its
    own, so that the next one sees what was there when the lock was had."""
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.prepared() as cursor:  # type: ignore[attr-defined]  # of backend.postgresql
        for pk in sorted(set(resource_ids)):
            cursor.execute(f"SELECT {function}(%s::int, %s::int)", (UNITS_LOCK, pk % 2**31))


UNITS_LOCK = 0x756E6974  # a name space of advisory locks, as in migrations/sql/units.sql


def end_overdue(parts: Sequence[Part], ignore: int = 0) -> int:
    """Makes the transitions that the clock should already have made of what is in the way, and says
    how many. `ignore` is a booking's id."""
    columns = zip(*((p.resource.pk, p.starts_at, p.ends_at) for p in parts), strict=True)
    return apply_due_transitions(BOOKING, OCCUPIES, (*map(list, columns), ignore))
