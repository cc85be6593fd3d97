"""Slots: who is in the way, and how a booking that is there already moves into one.

An `UPDATE` knows no `ON CONFLICT`: it locks the resources first, and the exclusion constraint has
the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from api import errors
from api.lifecycle import BOOKING
from api.models import Booking, Resource
from api.policy import Rules
from api.queries.bookings.availability import find_alternatives, list_conflicts
from api.queries.clock import annotate_now
from api.services.conflicts import EXCLUSION_VIOLATION, get_sqlstate

from .transitions import apply_due_transitions

OVERLAPS = "resource_id = %s AND tstzrange(starts_at, ends_at) && tstzrange(%s, %s) AND id <> %s"


def get_booking(booking_id: int) -> Booking:
    """The booking with the database's `now`; refuses `NotFound`."""
    rows = Booking.objects.select_related("venue", "resource__venue", "owner")
    booking = annotate_now(rows).filter(pk=booking_id).first()
    if booking is None:
        raise errors.NotFound("There is no such booking.")
    return booking


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


def end_overdue(resource_id: int, starts_at: datetime, ends_at: datetime, ignore: int = 0) -> None:
    """Makes the transitions that the clock should already have made of what overlaps that time.
    `ignore` is a booking's id."""
    apply_due_transitions(BOOKING, OVERLAPS, (resource_id, starts_at, ends_at, ignore))


@transaction.atomic
def move_into_slot(
    booking: Booking, rules: Rules, now: datetime, write: Callable[[], Booking]
) -> Booking:
    """Runs an `UPDATE` that the exclusion constraint may refuse, under the lock of the resource;
    once more when what the clock should have ended was in the way; else refuses `SlotTaken`."""
    starts_at, ends_at = booking.starts_at, booking.ends_at
    lock_resources({booking.resource_id, rules.resource.pk})
    conflicts: Sequence[Booking] = ()
    for attempt in (1, 2):
        try:
            with transaction.atomic():
                return write()
        except IntegrityError as error:
            if get_sqlstate(error) != EXCLUSION_VIOLATION:
                raise
        if attempt == 1:
            conflicts = list_conflicts(rules.resource, starts_at, ends_at, ignore=booking.pk)
            if conflicts:
                break
            end_overdue(rules.resource.pk, starts_at, ends_at, ignore=booking.pk)
    raise build_refusal(
        rules,
        starts_at,
        ends_at,
        now,
        guests=booking.guests,
        ignore=booking.pk,
        conflicts=conflicts,
    )


def build_refusal(
    rules: Rules,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    *,
    guests: int = 1,
    ignore: int = 0,
    conflicts: Sequence[Booking] = (),
) -> errors.SlotTaken:
    """The refusal of a taken slot. The nearest free times, and what blocks it unless `conflicts`
    are known, are looked up only for an answer that shows them."""
    return errors.SlotTaken(
        find_conflicts=lambda: (
            conflicts or list_conflicts(rules.resource, starts_at, ends_at, ignore=ignore)
        ),
        find_alternatives=lambda: find_alternatives(
            rules, starts_at, ends_at, now, guests=guests, ignore=ignore
        ),
        requested=(starts_at, ends_at),
        rules=rules,
        now=now,
        ignore=ignore,
    )
