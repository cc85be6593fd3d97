"""Books the occurrences of a plan: all that it says, in one statement, or none.

1. Those that would be held are counted against the limits; what is over them is refused.
2. Units are picked of those that the last look has as free.
3. One statement takes all the places, sorted, and writes series, bookings, history and letter.
4. Where a rival came first nothing is written, what the clock should have ended is ended, and
   whoever calls plans anew.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from api import errors
from api.lifecycle import HELD
from api.models import Booking, Series, User
from api.models.series import Outcome
from api.queries.bookings.occupancy import Part
from api.queries.series.occupied import list_free_units, list_taken_units
from api.queries.series.occurrences import OccurrenceOutcome
from api.services.actors import Actor
from api.services.bookings.create import (
    BookingRequest,
    build_booking,
    count_holds,
    list_hold_limits,
)
from api.services.bookings.parts import build_parts
from api.services.bookings.places import end_overdue, lock_units
from api.services.bookings.renumber import make_room
from api.services.bookings.statements import InsertPart, Place, collect_parts
from api.services.conflicts import EXCLUSION_VIOLATION, UNIQUE_VIOLATION, get_sqlstate
from api.signals import booking_created, booking_inserting

from .dry_runs import refuse_token
from .limits import are_within_quotas
from .plan import BOOKABLE
from .statements import ATTEND, insert_series


class LostError(Exception):
    """A rival came first: nothing was written."""


def build_request(series: Series, owner: User) -> BookingRequest:
    """What each of its bookings is made of."""
    return BookingRequest(
        owner=owner,
        starts_at=series.created_at,  # each has its own
        quantity=series.quantity,
        title=series.title,
        notes=series.notes,
        guests=series.guests,
        contract=series.contract,
    )


def build_bookings(
    series: Series, outcomes: Sequence[OccurrenceOutcome], now: datetime
) -> list[OccurrenceOutcome]:
    """The same with the bookings of what can be booked, not written yet."""
    found: list[OccurrenceOutcome] = []
    request, booking = build_request(series, series.owner), None
    for each in outcomes:
        if each.outcome in BOOKABLE:
            booking = build_booking(request, each.rules, *each.interval, now, like=booking)
            booking.series, booking.recurrence_id = series, each.recurrence_id
            found.append(replace(each, booking=booking))
        else:
            found.append(each)
    return found


def limit_holds(
    outcomes: Sequence[OccurrenceOutcome], *, locked: bool = True
) -> list[OccurrenceOutcome]:
    """The same with what nobody may hold beside the others refused. `locked`: nobody else holds
    meanwhile; a dry run only looks."""
    held = [each.booking for each in outcomes if each.booking and each.booking.status == HELD]
    if not held:
        return list(outcomes)
    rooms = [
        (max(0, limit - count_holds(whose, locked=locked)), limit)
        for limit, whose in list_hold_limits(held[0])
    ]
    room, limit = min(rooms)
    over = {booking.recurrence_id for booking in held[room:]}
    refusal = errors.TooManyHolds(limit=limit)
    return [
        replace(each, outcome=Outcome.REFUSED, refusal=refusal, code=refusal.code, booking=None)
        if each.recurrence_id in over
        else each
        for each in outcomes
    ]


@dataclass(frozen=True)
class Written:
    """What is written with the bookings: the letter, and who is invited."""

    parts: Sequence[InsertPart] = ()
    attendees: Sequence[int] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


def book(
    series: Series,
    outcomes: Sequence[OccurrenceOutcome],
    actor: Actor,
    written: Written,
    *,
    is_new: bool,
    make_way: bool = False,
) -> list[OccurrenceOutcome]:
    """The outcomes with what is booked now. Raises `LostError` where a rival came first; after that
    others are moved to other units where it makes room (`make_way`). In a transaction."""
    bookings = [each.booking for each in outcomes if each.booking]
    places = pick_places(outcomes, make_way=make_way)
    event: dict[str, Any] = {
        "sender": Booking,
        "rows": bookings,
        "actor": actor,
        "details": dict(written.details),
    }
    parts = [*collect_parts(booking_inserting.send(**event)), *written.parts]
    if written.attendees:
        parts.append(InsertPart(ATTEND, [list(written.attendees)]))
    _insert(series if is_new else None, bookings, places, parts)
    if not are_within_quotas(bookings, actor):
        raise LostError
    booking_created.send(**event)
    booked = {Outcome.WOULD_BOOK: Outcome.BOOKED}
    return [replace(each, outcome=booked.get(each.outcome, each.outcome)) for each in outcomes]


def _insert(
    series: Series | None,
    bookings: Sequence[Booking],
    places: Sequence[tuple[int, Place]],
    parts: Sequence[InsertPart],
) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(*insert_series(series, bookings, places, parts))
            rows = cursor.fetchall()
    except IntegrityError as error:
        state = get_sqlstate(error)
        if state == EXCLUSION_VIOLATION:
            raise LostError from error
        if state == UNIQUE_VIOLATION and series and series.dry_run:
            raise refuse_token() from error
        raise
    for booking, (created_at, updated_at) in zip(bookings, rows, strict=True):
        booking.created_at, booking.updated_at = created_at, updated_at
        booking._state.adding, booking._state.db = False, connection.alias


def pick_places(
    outcomes: Sequence[OccurrenceOutcome], *, make_way: bool
) -> list[tuple[int, Place]]:
    """The places of all bookings, with their ids. Raises `LostError` where a unit is missing."""
    parts = [(each.booking, part) for each in outcomes for part in list_parts(each)]
    shared = [part for _, part in parts if part.resource.units > 1]
    ids = {part.resource.pk for part in shared}
    lock_units(ids, shared=not make_way)
    taken = iter([] if make_way or not shared else list_taken_units(shared))
    places = []
    for booking, part in parts:
        if part.resource.units == 1:
            free = [1]
        elif make_way:
            free = make_room(part)
        else:
            free = list_free_units(part, next(taken))
            random.shuffle(free)  # so that a crowd does not pick alike
        if booking is None or len(free) < part.quantity:
            raise LostError
        places += [
            (booking.pk, Place(part.resource.pk, unit, part.starts_at, part.ends_at, part.kind))
            for unit in free[: part.quantity]
        ]
    return places


def list_parts(outcome: OccurrenceOutcome) -> list[Part]:
    """What its booking takes."""
    booking = outcome.booking
    if booking is None:
        return []
    return build_parts(outcome.rules, *outcome.interval, booking.quantity)


def end_what_is_overdue(outcomes: Sequence[OccurrenceOutcome]) -> None:
    """Ends what the clock should have ended, where it is in the way."""
    parts = [part for each in outcomes for part in list_parts(each)]
    if parts:
        with transaction.atomic():
            end_overdue(parts)
