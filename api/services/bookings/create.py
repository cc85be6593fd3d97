"""Creates bookings.

1. `get_rules_for_booking` reads the rules of the resource, the database's now and the next id.
2. The policy refuses the request, or gives it a status, a price and deadlines.
3. Receivers of `booking_inserting` return the inserts of its history and emails.
4. One statement takes the slot and writes all of it, or nothing where the slot is taken.
5. Where only what the clock should have ended is in the way, that is ended, and the statement
   runs once more.
6. Where the venue has quotas, the person is locked and what they have is counted.
7. Receivers of `booking_created` ask for the tasks that send the emails and refresh the panels.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from api import errors, policy, terms
from api.effective_status import build_current_q
from api.lifecycle import BOOKING, HELD
from api.models import Booking, Guest, Resource, User, Venue
from api.models.copies import copy_row
from api.models.identifiers import build_key
from api.policy import Check, Interval, Rules
from api.queries.bookings.occupancy import Part
from api.queries.venues.rules import get_next_booking_id, get_rules, get_rules_for_booking
from api.queries.venues.services import get_service_rules
from api.services.accounts import client_address
from api.services.accounts.joining import check_may_book, find_attendees
from api.services.actors import Actor
from api.services.conflicts import retry_on_conflict
from api.signals import booking_created, booking_inserting

from . import parts, places, slots
from .choose import Wish, iter_choices
from .places import Attempt
from .quotas import check_quotas, has_quotas
from .statements import InsertPart, collect_parts, insert_statement

MAX_UNCONFIRMED = 5  # bookings at once that wait for one guest's address, at all venues


@dataclass(frozen=True)
class BookingRequest:
    """What somebody wants to book. Instants are aware.

    `resource` is a resource or its id; it may be left out where one is assigned (`auto_assign`).
    `others` are the ids of resources that it takes too, `quantity` the units of each.
    `service` is the id of one that is booked instead, for one of its durations: then `ends_at` is
    left out, and the resources of its pools are chosen, those that it is to `prefer` (ids) first.
    `pre_approved`: whoever books it is who would have to approve it. `owner` is an account or a
    guest; what a guest books whose address is not verified is held until it is confirmed."""

    owner: User | Guest
    starts_at: datetime
    ends_at: datetime | None = None
    resource: Resource | int | None = None
    others: Sequence[int] = ()
    quantity: int = 1
    service: int | None = None
    duration: timedelta | None = None
    prefer: Sequence[int] = ()
    title: str = ""
    notes: str = ""
    guests: int = 1
    attendees: Iterable[User | int] = ()
    contract: str = ""
    pre_approved: bool = False

    @property
    def interval(self) -> Interval:
        """Refuses `Unfit` where it is not known when it ends."""
        if self.ends_at is None:
            raise errors.Unfit(errors={"ends_at": ["Say when it ends."]})
        return self.starts_at, self.ends_at


@retry_on_conflict
def create_booking(
    request: BookingRequest, *, actor: Actor, check: Check = policy.check_booking
) -> Booking:
    """Creates a booking in the first status that its venue's policy gives it: held, pending or
    confirmed.

    Exactly one of any number of rivals for overlapping times wins: the exclusion constraint
    decides. The others get `SlotTaken` with what blocks and the nearest free times. Refuses
    `NotFound`, and what `check` refuses."""
    if request.service is not None:
        return _create_for_service(request, request.service, actor, check)
    resource = request.resource
    first, now, booking_id = get_rules_for_booking(
        resource.pk if isinstance(resource, Resource) else resource or 0
    )
    rules = [first, *(get_rules(pk)[0] for pk in request.others)]
    attendees = check_people(request, first.venue)
    booking = _build_checked(request, rules, now, check)
    booking.pk = booking_id
    return _create(booking, rules, now, actor.at(first.venue.pk), attendees)


def _create_for_service(
    request: BookingRequest, service_id: int, actor: Actor, check: Check
) -> Booking:
    """Chooses resources until one try holds: whoever loses them to a rival gets the next ones."""
    service = get_service_rules(service_id)
    duration = service.get_duration(request.duration)
    policy.check_plausible(request.starts_at)
    attendees = check_people(request, service.venue)
    request = replace(request, ends_at=request.starts_at + duration)
    wish = Wish(
        service,
        request.starts_at,
        duration,
        quantity=request.quantity,
        guests=request.guests,
        prefer=request.prefer,
    )
    booking_id = get_next_booking_id()
    for rules in iter_choices(wish, check=policy.check_time):
        booking = _build_checked(request, rules, service.now, check)
        booking.pk = booking_id
        try:
            with transaction.atomic():  # what a try has locked it leaves with it
                return _create(booking, rules, service.now, actor.at(service.venue.pk), attendees)
        except errors.SlotTaken:
            continue
    raise errors.Busy


def check_people(request: BookingRequest, venue: Venue) -> list[int]:
    """The ids of the attendees, where owner and attendees may be; refuses as people may not."""
    owner = request.owner if isinstance(request.owner, User) else None
    if owner is None and not venue.guests:
        raise errors.GuestsRefused
    check_may_book(owner, venue)
    return find_attendees(venue.pk, request.attendees, [owner.pk] if owner else ())


def _create(
    booking: Booking, rules: Sequence[Rules], now: datetime, actor: Actor, attendees: Sequence[int]
) -> Booking:
    event: dict[str, Any] = {
        "sender": Booking, "rows": [booking], "actor": actor, "details": {},
    }  # fmt: skip
    # one statement is a transaction by itself
    several_statements = attendees or booking.status == HELD or has_quotas(booking.venue)
    with transaction.atomic() if several_statements else nullcontext():
        if booking.status == HELD:
            _check_open_holds(booking)
        _take_slot(booking, collect_parts(booking_inserting.send(**event)), rules, now)
        check_quotas(booking, actor)
        if attendees:
            booking.attendees.add(*attendees)
        booking_created.send(**event)
    return booking


def _build_checked(
    request: BookingRequest, rules: Sequence[Rules], now: datetime, check: Check
) -> Booking:
    """The booking as it is to be written, unless the policy refuses it."""
    interval = request.interval
    parts.check_one_venue([each.resource for each in rules])
    parts.check_quantity(rules, request.quantity)
    parts.check_all(check, rules, *interval, now, guests=request.guests, quantity=request.quantity)
    return build_booking(request, rules, *interval, now)


def build_booking(
    request: BookingRequest,
    rules: Sequence[Rules],
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    like: Booking | None = None,
) -> Booking:
    """The booking in its first status, with its price and deadlines; not written yet. `like`: one
    of the same request, of which a copy is made, as that takes a quarter of the time."""
    first, venue = rules[0], rules[0].venue
    primetime = policy.is_primetime(first, starts_at, ends_at)
    price = parts.calculate_price(rules, starts_at, ends_at, request.quantity)
    status = terms.get_initial_status(first, primetime, price, request.pre_approved)
    payment_columns = terms.get_payment_columns(venue, status, price, now)
    owner_columns = _build_owner_columns(request.owner)
    if isinstance(request.owner, Guest) and request.owner.email_verified_at is None:
        status, payment_columns["hold_expires_at"] = HELD, now + venue.guest_hold
    columns: dict[str, Any] = dict(
        venue=venue,
        resource=first.resource,
        several=len(rules) > 1,
        quantity=request.quantity,
        service=first.service,
        title=request.title,
        notes=request.notes,
        guests=request.guests,
        contract=request.contract,
        starts_at=starts_at,
        ends_at=ends_at,
        status=status,
        primetime=primetime,
        price_minor=price,
        currency=venue.currency if price else "",
        held_from=client_address.get_address_hash() if status == HELD else "",
        **terms.calculate_deadlines(venue, starts_at, ends_at, now),
        **payment_columns,
        **owner_columns,
    )
    if like is None:
        return Booking(**columns)
    booking = copy_row(like)
    for name, value in columns.items():
        setattr(booking, name, value)
    return booking


def _build_owner_columns(owner: User | Guest) -> dict[str, Any]:
    if isinstance(owner, User):
        return {"owner": owner}
    return {
        "guest_name": owner.full_name,
        "guest_email": owner.email,
        "guest_key": build_key(owner.email),
        "guest_confirmed_at": owner.email_verified_at,
        "guest_link": secrets.token_urlsafe(16),
    }


def _check_open_holds(booking: Booking) -> None:
    """Refuses `TooManyHolds`, so that nobody blocks a venue by holding without paying, not by
    asking many times at once nor under many names, and no guest's address gets many letters."""
    for limit, whose in list_hold_limits(booking):
        if count_holds(whose) >= limit:
            raise errors.TooManyHolds(limit=limit)


def list_hold_limits(booking: Booking) -> list[tuple[int, Mapping[str, Any]]]:
    """How many holds there may be of which kind, for one like this.

    The person comes before the address: whoever holds the last lock waits for nobody."""
    here: dict[str, Any] = {"venue": booking.venue_id}
    limits: list[tuple[int, Mapping[str, Any]]] = []
    if booking.owner_id is None:
        guest = {"owner": None, "guest_key": booking.guest_key}
        limits.append((MAX_UNCONFIRMED, guest | {"guest_confirmed_at": None}))
        limits.append((booking.venue.max_open_holds, guest | here))
    else:
        limits.append((booking.venue.max_open_holds, {"owner": booking.owner_id} | here))
    if booking.held_from and settings.MAX_HOLDS_PER_ADDRESS:
        by_address = {"held_from": booking.held_from}
        limits.append((settings.MAX_HOLDS_PER_ADDRESS, by_address | here))
    return limits


def count_holds(whose: Mapping[str, Any], *, locked: bool = True) -> int:
    """How many there are; if `locked`, nobody makes others of them meanwhile."""
    if locked:
        with connection.cursor() as cursor:
            key = f"holds:{dict(whose)}"
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
    return Booking.objects.filter(build_current_q(BOOKING, HELD), **whose).count()


def _take_slot(
    booking: Booking, inserts: Sequence[InsertPart], rules: Sequence[Rules], now: datetime
) -> None:
    """Inserts the booking with its places; or refuses `SlotTaken`."""
    wanted = parts.build_parts(rules, booking.starts_at, booking.ends_at, booking.quantity)
    obstacle = places.take(wanted, booking.pk, lambda each: insert_booking(booking, each, inserts))
    if obstacle:
        raise slots.build_refusal(rules, booking, now, obstacle)


def insert_booking(
    booking: Booking, wanted: Sequence[Part], inserts: Sequence[InsertPart]
) -> Attempt:
    """Takes the parts and writes the booking with the rest, or nothing."""
    with connection.prepared() as cursor:  # type: ignore[attr-defined]  # of backend.postgresql
        cursor.execute(*insert_statement(booking, wanted, inserts))
        row = cursor.fetchone()
    if row is None or row[2] is None:
        return Attempt.FULL if row and row[0] else Attempt.FAILED
    _, units, booking.created_at, booking.updated_at = row
    resources = (part.resource.pk for part in wanted for _ in range(part.quantity))
    booking.places = list(zip(resources, units or [1], strict=True))
    booking._state.adding, booking._state.db = False, connection.alias
    return Attempt.SUCCEEDED
