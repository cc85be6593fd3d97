"""Blocks by staff: a resource is kept from being booked for a time.

A block takes what is free at once. With `force` it also waits for what bookings still have: the
database gives it that the moment each booking leaves (`migrations/sql/allocations.sql`), and the
bookings go to review meanwhile.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange as Range

from api import errors, policy
from api.models import Block, Booking, Resource
from api.queries.bookings.occupancy import Part, list_conflicts
from api.queries.clock import database_now
from api.recurrence import expand
from api.services.actors import Actor
from api.services.bookings.fit import cover_blocks, wait_for_units
from api.services.bookings.places import end_overdue, lock_units
from api.services.conflicts import retry_on_conflict
from api.services.reviews.review import Affected, review_bookings
from api.signals import resource_changed


@retry_on_conflict
@transaction.atomic
def create_block(
    resource: Resource,
    actor: Actor,
    *,
    starts_at: datetime,
    ends_at: datetime,
    reason: str = "",
    rule: str = "",
    force: bool = False,
) -> Block:
    """Blocks all units of a resource, once or by a recurrence rule whose first time that is, and
    returns the block with the bookings that it has `affected`. Refuses `SlotTaken` with the
    bookings in the way, unless `force`."""
    _check_interval(starts_at, ends_at)
    times = [(starts_at, ends_at)]
    if rule:
        endless = resource.venue.max_advance is not None
        times = expand(rule, starts_at, ends_at, resource.venue.zone, may_be_endless=endless)
    lock_units([resource.pk])
    resource.refresh_from_db(fields=["units"])  # nobody changes them from now on
    parts = [Part(resource, resource.units, *each) for each in times]
    end_overdue(parts)
    block = Block.objects.create(
        resource=resource,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason,
        rule=rule,
        repeats=[Range(*each) for each in times[1:]],
        created_by=actor.user,
    )
    wait_for_units([block.pk], 1, resource.units)
    cover_blocks(resource.pk, starts_at, times[-1][1])
    bookings = [row for row in list_conflicts(parts) if isinstance(row, Booking)]
    if bookings and not force:
        raise errors.SlotTaken(find_conflicts=lambda: bookings)
    block.affected = review_bookings(resource.venue_id, [resource.pk])
    resource_changed.send(sender=Resource, resources=[resource.pk])
    return block


@retry_on_conflict
@transaction.atomic
def delete_block(block: Block) -> list[Affected]:
    """The bookings that are affected: those that stood under it leave their review. What it took
    goes to other blocks that wait for it, or is free."""
    lock_units([block.resource_id])
    block.delete()
    resource_changed.send(sender=Resource, resources=[block.resource_id])
    return review_bookings(block.resource.venue_id, [block.resource_id])


def _check_interval(starts_at: datetime, ends_at: datetime) -> None:
    if not all(policy.is_plausible_year(at.year) for at in (starts_at, ends_at)):
        raise errors.AbsurdTime
    if ends_at <= starts_at:
        raise errors.EndsBeforeStart
    if ends_at <= database_now():
        raise errors.InThePast
