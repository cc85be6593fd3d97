"""Slots: who is in the way, and how a booking that is there already moves into one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

from django.db import IntegrityError, connection, transaction

from api import errors
from api.models import Allocation, Booking, Resource
from api.policy import Rules
from api.queries.bookings.availability import find_alternatives
from api.queries.bookings.occupancy import Part, list_conflicts
from api.queries.clock import annotate_now
from api.services.conflicts import EXCLUSION_VIOLATION, get_sqlstate

from .parts import build_parts, divide_guests
from .places import Attempt, Obstacle, lock_units, take
from .statements import take_parts


def get_booking(booking_id: int) -> Booking:
    """The booking with the database's `now`; refuses `NotFound`."""
    rows = Booking.objects.select_related("venue", "resource__venue", "owner")
    booking = annotate_now(rows).filter(pk=booking_id).first()
    if booking is None:
        raise errors.NotFound("There is no such booking.")
    return booking


def list_bookings_now(ids: Collection[int]) -> list[Booking]:
    """These bookings in their order, as `get_booking` has one."""
    rows = Booking.objects.select_related("venue", "resource__venue", "owner")
    found = annotate_now(rows).in_bulk(ids)
    return [found[pk] for pk in ids]


def lock_booking(booking_id: int) -> Booking:
    """The booking under its lock, read after the wait: a query that joins the owner while it waits
    loses the row when a trade gives it another one."""
    rows = Booking.objects.select_for_update(no_key=True).filter(pk=booking_id)
    list(rows.values_list("pk"))
    return get_booking(booking_id)


def lock_resources(ids: Iterable[int]) -> None:
    """In id order, so that no two that move bookings wait for each other."""
    rows = Resource.objects.filter(pk__in=ids).order_by("pk")
    list(rows.select_for_update(no_key=True, of=("self",)).values_list("pk"))


@transaction.atomic
def move_into_slot(
    booking: Booking,
    rules: Sequence[Rules],
    now: datetime,
    write: Callable[[], Booking],
    left: Iterable[int] = (),
) -> Booking:
    """Writes the booking and takes its places anew, under the locks of its resources and of those
    that it has `left` (ids); or refuses `SlotTaken`. An `UPDATE` knows no `ON CONFLICT`."""
    resources = [each.resource for each in rules]
    lock_resources({booking.resource_id, *left, *(resource.pk for resource in resources)})
    lock_units(resource.pk for resource in resources if resource.units > 1)
    interval = booking.starts_at, booking.ends_at
    parts = build_parts(rules, *interval, booking.quantity)
    obstacle: Obstacle | None = None
    for _ in range(2):
        try:
            with transaction.atomic():
                Allocation.objects.filter(booking=booking.pk).delete()
                written = write()
                obstacle = take(parts, booking.pk, lambda each: insert_places(booking.pk, each))
                if obstacle:
                    raise _TakenError
                return written
        except _TakenError:
            break
        except IntegrityError as error:
            if get_sqlstate(error) != EXCLUSION_VIOLATION:
                raise
    obstacle = obstacle or Obstacle(parts)
    raise build_refusal(rules, booking, now, obstacle, ignore=booking.pk)


class _TakenError(Exception):
    """Undoes what was written."""


def insert_places(booking_id: int, parts: Sequence[Part]) -> Attempt:
    """Takes the parts for a booking that is there, or nothing."""
    taken, params = take_parts(booking_id, parts)
    with connection.prepared() as cursor:  # type: ignore[attr-defined]  # of backend.postgresql
        cursor.execute(f"WITH {taken} SELECT booking_id, is_full FROM taken", params)
        taken_by, full = cursor.fetchone() or (None, False)
    if taken_by is None:
        return Attempt.FULL if full else Attempt.FAILED
    return Attempt.SUCCEEDED


def build_refusal(
    rules: Sequence[Rules],
    booking: Booking,
    now: datetime,
    obstacle: Obstacle,
    *,
    ignore: int = 0,
) -> errors.SlotTaken:
    """The refusal of a taken slot. What blocks it and the nearest free times are looked up only for
    an answer that shows them."""
    interval = booking.starts_at, booking.ends_at
    guests = divide_guests(booking.guests, booking.quantity)
    refusal = errors.SlotTaken(
        find_conflicts=lambda: obstacle.conflicts or list_conflicts(obstacle.full, ignore),
        find_alternatives=lambda: find_alternatives(
            rules, *interval, now, guests=guests, quantity=booking.quantity, ignore=ignore
        ),
        requested=interval,
        rules=rules[0],
        now=now,
        ignore=ignore,
    )
    refusal.settle = obstacle.settle
    return refusal


def build_interval_refusal(
    rules: Rules, starts_at: datetime, ends_at: datetime, now: datetime
) -> errors.SlotTaken:
    """The refusal of one resource for a time, whatever takes it then."""
    wanted = Booking(starts_at=starts_at, ends_at=ends_at)
    obstacle = Obstacle(build_parts([rules], starts_at, ends_at))
    return build_refusal([rules], wanted, now, obstacle)
