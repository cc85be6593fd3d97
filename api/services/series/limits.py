"""The quotas of a person, over the occurrences of a series.

A plan looks at what the person has, and leaves out what would be more than they may; nobody waits
for it. What it lets through is written, and then judged once more, alike and under the person's
lock: where others of their requests were faster, the plan is made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from api import errors
from api.models import Booking
from api.models.series import Outcome
from api.queries.series.occurrences import OccurrenceOutcome
from api.services.actors import Actor
from api.services.bookings.quotas import Usage, lock_usage, read_usage

Was = Mapping[datetime, Booking]


def limit_quotas(
    outcomes: Sequence[OccurrenceOutcome],
    actor: Actor,
    was: Was | None = None,
    foresee: Callable[[Booking], Booking] = lambda booking: booking,
) -> list[OccurrenceOutcome]:
    """The same with what is more than the person may have refused, the earlier ones first. `was`:
    by recurrence id the bookings that move, as they stand: they count only where they stay.
    `foresee`: a booking as it will be once it is written."""
    bookings = [foresee(each.booking) for each in outcomes if each.booking]
    refusals = _find_refusals(read_usage, bookings, was or {}, actor)
    return [_refuse(each, refusals.get(each.recurrence_id)) for each in outcomes]


def are_within_quotas(bookings: Sequence[Booking], actor: Actor, was: Was | None = None) -> bool:
    """Whether the plan by which these were written would be the same now. The person stays locked
    at the venue until the transaction ends."""
    return not _find_refusals(lock_usage, bookings, was or {}, actor)


def _find_refusals(
    get_usage: Callable[..., Usage | None], bookings: Sequence[Booking], was: Was, actor: Actor
) -> dict[datetime | None, errors.QuotaReached]:
    """By recurrence id, of those that are refused. What takes no more than it did stays, and counts
    for the others; of these the earlier ones are let through."""
    if not bookings:
        return {}
    first = bookings[0]
    since = min(each.starts_at for each in bookings)
    usage = get_usage(first.venue, first.person, actor, since)
    if usage is None:
        return {}
    own = {booking.pk for booking in bookings}
    usage.bookings = [each for each in usage.bookings if each.pk not in own]
    pairs = [
        (each, was.get(each.recurrence_id) if each.recurrence_id else None) for each in bookings
    ]
    found = {}
    for booking, before in sorted(pairs, key=lambda pair: usage.takes_more(*pair)):
        if refusal := usage.find_refusal(booking, before):
            found[booking.recurrence_id] = refusal
        if counted := before if refusal else booking:
            usage.add(counted)
    return found


def _refuse(each: OccurrenceOutcome, refusal: errors.QuotaReached | None) -> OccurrenceOutcome:
    if refusal is None:
        return each
    refused = replace(each, outcome=Outcome.REFUSED, refusal=refusal, code=refusal.code)
    return replace(refused, booking=None)
