"""All that a booking breaks now: the rules of each of its resources, and what its place is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from api import errors
from api.models import Booking
from api.policy import Rules
from api.queries.bookings.displaced import list_displaced
from api.queries.venues.broken_rules import get_key, list_broken_rules

from .parts import list_other_ids, list_rules


def list_all_broken(
    rules: Iterable[Rules], booking: Any, displaced: Iterable[errors.Refusal]
) -> list[errors.Refusal]:
    """The refusals that the booking would get now, each rule once."""
    every = [refusal for each in rules for refusal in list_broken_rules(each, booking)]
    return list({get_key(refusal): refusal for refusal in (*every, *displaced)}.values())


def list_broken_now(booking: Booking) -> list[errors.Refusal]:
    """As `list_all_broken`, with all that it needs read now."""
    ids = [booking.resource_id, *list_other_ids(booking)]
    displaced = list_displaced(ids).get(booking.pk, ())
    return list_all_broken(list_rules(ids), booking, displaced)


def find_broken(booking: Booking, kept: Collection[str] = ()) -> errors.Refusal | None:
    """The rule that a booking breaks now: the first, as it would be refused. `kept` are the keys of
    rules that staff have decided to keep it against."""
    broken = list_broken_now(booking)
    return next((refusal for refusal in broken if get_key(refusal) not in kept), None)
