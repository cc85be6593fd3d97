"""The newest lines of history, each with its booking as it was before and after it.

A booking's states are what stands now with the later lines taken back, newest first. Whatever a
line does not tell (guests before a trade, a text that was erased) stays as it was after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Subquery

from api.lifecycle import BOOKING, CONFIRMED
from api.models import Booking, BookingEvent, User

from . import bookings

# what gives a booking its answer, and what takes the answer back
_APPROVALS = (BOOKING.approve.name, BOOKING.approve_to_pay.name)
_REJECTION = BOOKING.reject.name
_ANSWERS = (*_APPROVALS, _REJECTION, BOOKING.resubmit.name, BOOKING.reinstate.name)


@dataclass(frozen=True)
class Activity:
    """A line of history, its booking at either time, and from whom a trade took it."""

    line: BookingEvent
    before: Booking
    after: Booking
    counterpart: User | None


def list_recent_activity(limit: int, **filters: Any) -> list[Activity]:
    """The newest first. Filter by bookings alone: every later line of a booking must be among those
    that are read."""
    before = BookingEvent.objects.filter(booking=OuterRef("booking"), id__lt=OuterRef("id"))
    rows = bookings.list_events(**filters).annotate(
        previous_at=Subquery(before.order_by("-id").values("at")[:1])
    )
    relations = "booking__venue", "booking__owner", "booking__approved_by"
    lines = list(rows.select_related("actor", *relations)[:limit])
    people = User.objects.in_bulk({line.details.get("traded_with", 0) for line in lines} - {0})
    answers = _list_answers(lines)
    found: list[Activity] = []
    states: dict[int, Booking] = {}
    for line in lines:
        counterpart = people.get(line.details.get("traded_with", 0))
        after = copy(states.get(line.booking_id) or _build_newest(line))
        after.now = line.at
        states[line.booking_id] = _take_back(line, after, counterpart, answers)
        found.append(Activity(line, states[line.booking_id], after, counterpart))
    return found


def _build_newest(line: BookingEvent) -> Booking:
    """The booking as it stands, without its deadlines: the clock has made nothing of it but what
    its lines say."""
    booking = copy(line.booking)
    for move in BOOKING.time_driven:
        setattr(booking, move.deadline, None)
    booking.status = line.to_status
    return booking


def _take_back(
    line: Any, after: Booking, counterpart: User | None, answers: Sequence[BookingEvent]
) -> Booking:
    """The booking before the line."""
    booking = copy(after)
    booking.status = line.from_status or line.to_status
    booking.updated_at = line.previous_at or booking.created_at
    booking.now = line.at
    for name, value in line.details.get("from", {}).items():
        is_instant = name in ("starts_at", "ends_at")
        column = f"{name}_id" if name in ("resource", "service") else name
        setattr(booking, column, datetime.fromisoformat(value) if is_instant else value)
    if counterpart:
        booking.owner = counterpart
        booking.title = booking.notes = ""  # the other person's, and not told
    if line.verb in _ANSWERS:
        older = [a for a in answers if a.booking_id == line.booking_id and a.pk < line.pk]
        booking.approved_by, booking.approved_at = _get_approval(older)
        rejected = bool(older) and older[0].verb == _REJECTION
        booking.rejection_reason = older[0].details.get("reason", "") if rejected else ""
    return booking


def _list_answers(lines: Iterable[BookingEvent]) -> list[BookingEvent]:
    """The answers to the bookings of those lines that are one or take one back, newest first."""
    ids = {line.booking_id for line in lines if line.verb in _ANSWERS}
    return list(bookings.list_events(booking__in=ids, verb__in=_ANSWERS)) if ids else []


def _get_approval(answers: Sequence[BookingEvent]) -> tuple[User | None, datetime | None]:
    """By whom and when it was approved after these answers; who rejected it is noted there too."""
    if answers and answers[0].verb in _APPROVALS:
        return answers[0].actor, answers[0].at
    if answers and answers[0].verb == _REJECTION:
        confirmed = answers[0].from_status == CONFIRMED
        return answers[0].actor, _get_approval(answers[1:])[1] if confirmed else None
    return None, None
