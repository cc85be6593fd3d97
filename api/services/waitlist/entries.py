"""Joining the waitlist, and leaving it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.db import connection, transaction

from api import errors, policy
from api.effective_status import get_due_transition
from api.lifecycle import BOOKING, OFFERED, WAITING, WAITLIST, WaitlistStatus
from api.models import Pool, Resource, User, Venue, WaitlistEntry
from api.models.venues import SlotRule
from api.queries.clock import annotate_now, database_now
from api.queries.venues.rules import get_rules
from api.queries.venues.services import get_pool_resources, get_service_rules, list_pools
from api.queries.waitlist.fits import iter_fits
from api.queries.waitlist.line import find_in_line
from api.services.accounts.joining import check_may_book
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.places import OCCUPIES
from api.services.bookings.transitions import apply_due_transitions, apply_transition
from api.services.conflicts import retry_on_conflict

from .answers import decline_offer
from .offers import lock_line

MAX_WINDOW = timedelta(days=366)
ALTERNATIVES = 3


@dataclass(frozen=True)
class WaitlistRequest:
    """Exactly one of `resource`, `pool` and `service` is an id. A service with one duration needs
    none to be named."""

    owner: User
    from_at: datetime
    until_at: datetime
    duration: timedelta | None = None
    quantity: int = 1
    resource: int | None = None
    pool: int | None = None
    service: int | None = None


@retry_on_conflict
def join_waitlist(
    request: WaitlistRequest, *, check_venue: Callable[[Venue], None] = lambda venue: None
) -> WaitlistEntry:
    """Puts somebody at the end of the line. Refuses `SlotFree` where something fits now,
    `AlreadyWaiting` where they are in that line, `NotFound` for what is not there, and what the
    policy refuses whenever it were. `check_venue` is called with the venue.

    Nobody frees time at the venue meanwhile: an entry is never put beside time that fits it."""
    now = database_now()
    _check_window(request, now)
    venue, duration = _find_what(request, now)
    check_may_book(request.owner, venue)
    entry = WaitlistEntry(
        venue=venue,
        owner=request.owner,
        resource_id=request.resource,
        pool_id=request.pool,
        service_id=request.service,
        from_at=request.from_at,
        until_at=request.until_at,
        duration=duration,
        quantity=request.quantity,
        lapses_at=request.until_at,
    )
    _end_overdue(entry)
    with transaction.atomic():
        check_venue(venue)
        mine = "owner_id = %s AND venue_id = %s"
        apply_due_transitions(WAITLIST, mine, [request.owner.pk, venue.pk])
        lock_line(venue.pk)
        if find_in_line(entry):
            raise errors.AlreadyWaiting
        if fits := list(islice(iter_fits(entry, now, freed=None), ALTERNATIVES)):
            raise errors.SlotFree(alternatives=[(fit.starts_at, fit.ends_at) for fit in fits])
        entry.save()
    return entry


def _end_overdue(entry: WaitlistEntry) -> None:
    """Ends what the clock should have ended in the window, so that those who wait already are
    offered it before somebody joins them. In a caller's transaction, which locks the line next, it
    is left to the clock: rows and the line are never held together."""
    if connection.in_atomic_block:
        return
    if entry.service_id is not None:
        ids = list(get_service_rules(entry.service_id).rules)
    else:
        ids = [entry.resource_id] if entry.resource_id else get_pool_resources(entry.pool_id or 0)
    first, last = ([at] * len(ids) for at in (entry.from_at, entry.until_at))
    apply_due_transitions(BOOKING, OCCUPIES, [ids, first, last, 0])


def _check_window(request: WaitlistRequest, now: datetime) -> None:
    first, last = request.from_at, request.until_at
    policy.check_plausible(first)
    policy.check_plausible(last)
    if last <= first:
        raise errors.EndsBeforeStart
    if last <= now:
        raise errors.InThePast
    if last - first > MAX_WINDOW:
        raise errors.Unfit(errors={"until": ["A window is at most 366 days long."]})
    if request.quantity < 1:
        raise errors.Unfit(errors={"quantity": ["Must be at least 1."]})


def _find_what(request: WaitlistRequest, now: datetime) -> tuple[Venue, timedelta]:
    """The venue of what is waited for, and the duration."""
    if request.service is not None:
        service = get_service_rules(request.service)
        duration = service.get_duration(request.duration)
        units = sum(rules.resource.units for rules in service.rules.values())
        _check(request, service.venue, duration, units, now)
        return service.venue, duration
    if request.duration is None:
        raise errors.Unfit(errors={"duration": ["Say for how long."]})
    if request.pool is not None:
        pool: Pool | None = list_pools().filter(pk=request.pool).first()
        if pool is None:
            raise errors.NotFound("There is no such pool.")
        resources = Resource.objects.filter(pk__in=get_pool_resources(pool.pk), retired_at=None)
        units = sum(resources.values_list("units", flat=True))
        _check(request, pool.venue, request.duration, units, now)
        return pool.venue, request.duration
    rules, _ = get_rules(request.resource or 0)
    _check(request, rules.venue, request.duration, rules.resource.units, now)
    slot = rules.resource.slot_length
    if rules.venue.slot_rule != SlotRule.FREE and request.duration % slot:
        raise errors.NotWholeSlots(slot=slot)
    return rules.venue, request.duration


def _check(
    request: WaitlistRequest, venue: Venue, duration: timedelta, units: int, now: datetime
) -> None:
    if not timedelta(0) < duration <= policy.MAX_LENGTH:
        raise errors.Unfit(errors={"duration": ["Must be longer than nothing, 31 days at most."]})
    if request.from_at + duration > request.until_at:
        raise errors.Unfit(errors={"until": ["The window is shorter than the duration."]})
    if request.quantity > units:
        raise errors.Unfit(errors={"quantity": [f"Must be 1 to {units}."]})
    if venue.max_advance is not None:
        policy.check_advance(venue.max_advance, venue.zone, request.from_at, now)


@retry_on_conflict
def leave_waitlist(entry_id: int, actor: Actor) -> None:
    """Takes somebody out of the line, or declines what they were offered. By them or by staff;
    refuses `NotAllowedNow` once it is decided."""
    for _ in range(2):
        not_due = "lapses_at > statement_timestamp()"
        if apply_transition(WAITLIST.withdraw, [entry_id], actor, where=not_due):
            return
        entry = annotate_now(WaitlistEntry.objects.filter(pk=entry_id)).get()
        due = get_due_transition(WAITLIST, entry, entry.now)  # type: ignore[attr-defined]  # annotated
        status = str(due.target) if due else entry.status
        if status == OFFERED and entry.booking_id is not None:
            (cancel_booking if actor.is_staff else decline_offer)(entry.booking_id, actor)
            return
        if status != WAITING:
            raise errors.NotAllowedNow(
                f"It is {WaitlistStatus(status).label.lower()}.", current=status
            )
    raise errors.Busy
