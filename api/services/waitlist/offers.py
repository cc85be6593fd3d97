"""Offers freed time to who waits for it.

1. Whatever frees time (a booking that leaves or moves, a block that is lifted) is noted by trigger
   where somebody waits (`migrations/sql/waitlist.sql`), after blocks have taken what they wait for.
   Who changes a rule says so by `slots_freed` with the venue.
2. In the same transaction `make_offers`, which receives that signal, goes through the line: the
   first whom it fits gets a booking in status `offered`, with its letter, and so on until nothing
   is left. Who does not fit keeps the place.
3. Two that free time at once never make the same person two offers: the entry is claimed by its
   status, in the transaction of the offer.
4. What is noted and was not looked at, because somebody wrote past the services, is found by the
   job `make_offers`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import Error as DatabaseError
from django.db import connection, transaction

from api import errors, policy
from api.lifecycle import OFFERED, WAITLIST, ActorRole
from api.models import Booking, FreedTime, Resource, WaitlistEntry
from api.opening_hours import Interval
from api.policy import Rules
from api.queries.bookings.availability import list_busy_intervals, subtract_intervals
from api.queries.clock import database_now
from api.queries.venues.rules import get_next_booking_id
from api.queries.venues.services import get_service_rules
from api.queries.waitlist.fits import Fit, Freed, find_fit
from api.queries.waitlist.line import list_waiting
from api.services.accounts.joining import check_may_book
from api.services.actors import Actor
from api.services.bookings.choose import Wish, iter_choices
from api.services.bookings.create import BookingRequest, build_booking, insert_booking
from api.services.bookings.parts import build_parts
from api.services.bookings.places import take
from api.services.bookings.quotas import check_quotas
from api.services.bookings.statements import collect_parts
from api.services.bookings.transitions import write_transition
from api.services.operations import jobs
from api.signals import booking_created, booking_inserting

JOB = "make_offers"
BATCH = 1000  # freed times at once
MAX_TRIES = 5  # each is lost to a rival who has won
LEAST_TIME = timedelta(minutes=1)  # to answer in, unless the venue gives less
LOCK = 0x77616974  # a name space of advisory locks, as in migrations/sql/waitlist.sql
ACTOR = Actor.clock("waitlist")


class _LostError(Exception):
    """Undoes the claim of an entry: a rival was faster."""


class _FreedTime(NamedTuple):
    """`since`: since when it has stood empty."""

    resource_id: int
    venue_id: int
    starts_at: datetime
    ends_at: datetime
    since: datetime


_TAKE_FREED = (
    f"DELETE FROM {FreedTime._meta.db_table} f USING {Resource._meta.db_table} r"
    f" WHERE r.id = f.resource_id AND f.id IN (SELECT id FROM {FreedTime._meta.db_table}"
    " ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)"
    " RETURNING f.resource_id, r.venue_id, lower(f.span), upper(f.span), f.since"
)


def make_offers(venue_id: int | None = None) -> int:
    """How many offers were made of what has been freed; with a venue also of all that fits there
    now, because its rules have changed. In the transaction that freed it: the offer is there when
    the time is. One statement where nobody waits.

    Safe at once with itself: what another has taken up, and whom another makes an offer, is left
    to it."""
    made = 0
    if venue_id is not None:
        _lock_line(venue_id, "pg_advisory_xact_lock_shared")
        made += _offer_in_line(venue_id, None)
    while freed := _take_freed():
        by_venue: dict[int, list[_FreedTime]] = defaultdict(list)
        for row in freed:
            by_venue[row.venue_id].append(row)
        made += sum(_offer_in_line(venue, by_venue[venue]) for venue in sorted(by_venue))
    return made


def make_left_offers() -> int:
    """How many offers were made of what was freed past the services."""
    made = 0
    while FreedTime.objects.exists():
        with transaction.atomic():
            offers = make_offers()
        made += offers
        jobs.report_progress(made)
        if not offers:
            break
    return made


def lock_line(venue_id: int) -> None:
    """Lets nobody free time at the venue until the transaction ends: who joins meets what was freed
    before, and is met by what is freed after. In a statement of its own; whoever holds it waits for
    nobody."""
    _lock_line(venue_id, "pg_advisory_xact_lock")


def _lock_line(venue_id: int, function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s::int, %s::int)", (LOCK, venue_id % 2**31))


def _take_freed() -> list[_FreedTime]:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_FREED, [BATCH])
        return list(map(_FreedTime._make, cursor.fetchall()))


def _offer_in_line(venue_id: int, rows: Sequence[_FreedTime] | None) -> int:
    """Goes through the line once: whom something does not fit now, it does not fit when less is
    left. `rows`: None for any time."""
    freed: dict[int, list[Interval]] | None = None
    if rows is not None:
        freed = defaultdict(list)
        for row in rows:
            freed[row.resource_id].append((row.starts_at, row.ends_at))
    made, now = 0, database_now()
    since = min((row.since for row in rows or ()), default=now)
    for entry in list_waiting(venue_id, freed):
        try:
            offered = _offer_to(entry, now, freed, since)
        except DatabaseError:
            raise
        except Exception as error:  # for which whoever frees the time is not to blame
            jobs.set_aside(JOB, f"entry {entry.pk}", error)
            continue
        if offered:
            made += 1
            if freed is not None and not _is_any_left(freed):
                break
    return made


def _is_any_left(freed: Freed) -> bool:
    """Whether anything of the freed time can still be booked."""
    spans = [span for each in freed.values() for span in each]
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    resources = list(Resource.objects.filter(pk__in=list(freed)))
    busy = list_busy_intervals(resources, first, last)
    return any(subtract_intervals(span, busy[pk]) for pk, each in freed.items() for span in each)


def _offer_to(entry: WaitlistEntry, now: datetime, freed: Freed | None, since: datetime) -> bool:
    """Whether the person got an offer of what fits first."""
    if not _may_book(entry):
        return False
    venue = entry.venue
    lead = max(venue.offer_min_lead, min(venue.offer_length, LEAST_TIME))
    for _ in range(MAX_TRIES):
        try:
            fit = find_fit(entry, now, lead=lead, freed=freed)
            if fit is None:
                return False
            with transaction.atomic():
                return _make_offer(entry, fit, now, since)
        except _LostError:
            continue
        except errors.Refusal:  # also of a quota: it goes to the next, and they keep the place
            return False
    return False


def _may_book(entry: WaitlistEntry) -> bool:
    owner = entry.owner
    if not owner.is_active or owner.erased_at is not None:
        return False
    try:
        check_may_book(owner, entry.venue)
    except errors.Forbidden:
        return False
    return True


def _make_offer(entry: WaitlistEntry, fit: Fit, now: datetime, since: datetime) -> bool:
    """Whether the entry was still waiting, and has its offer now. Raises `_LostError` where the
    time is gone."""
    booking_id = get_next_booking_id()
    expires_at = min(now + entry.venue.offer_length, fit.starts_at)
    claimed = write_transition(
        WAITLIST.offer,
        ACTOR,
        where="id = %s",
        params=[entry.pk],
        lock="FOR NO KEY UPDATE SKIP LOCKED",
        sets={"booking_id": booking_id, "lapses_at": expires_at, "freed_at": since},
    )
    if not claimed:
        return False
    try:
        for rules in _iter_resources(entry, fit):
            if _book(entry, fit, rules, now, booking_id, expires_at):
                return True
    except errors.SlotTaken:
        pass
    raise _LostError


def _iter_resources(entry: WaitlistEntry, fit: Fit) -> Iterator[Sequence[Rules]]:
    if entry.service_id is None:
        yield fit.rules
        return
    service = get_service_rules(entry.service_id)
    wish = Wish(service, fit.starts_at, entry.duration, quantity=entry.quantity)
    yield from iter_choices(wish, check=policy.check_time)


def _book(
    entry: WaitlistEntry,
    fit: Fit,
    rules: Sequence[Rules],
    now: datetime,
    booking_id: int,
    expires_at: datetime,
) -> bool:
    """Whether the resources were free, and are on offer now. Refuses `QuotaReached`: then it goes
    to the next, and they keep the place."""
    interval = fit.starts_at, fit.ends_at
    request = BookingRequest(entry.owner, *interval, quantity=fit.quantity, contract="v1")
    booking = build_booking(request, rules, *interval, now)
    booking.pk, booking.status, booking.hold_expires_at = booking_id, OFFERED, None
    booking.offer_expires_at = expires_at
    event: dict[str, Any] = {"sender": Booking, "rows": [booking], "actor": ACTOR, "details": {}}
    inserts = collect_parts(booking_inserting.send(**event))
    wanted = build_parts(rules, *interval, fit.quantity)
    if take(wanted, booking_id, lambda free: insert_booking(booking, free, inserts)):
        return False
    check_quotas(booking, Actor(ActorRole.OWNER, entry.owner))
    booking_created.send(**event)
    return True
