"""The quotas of a person, over the occurrences of a series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from api import errors
from api.models import Booking
from api.models.series import Outcome
from api.queries.series.occurrences import OccurrenceOutcome
from api.services.actors import Actor
from api.services.bookings.quotas import lock_usage


def limit_quotas(
    outcomes: Sequence[OccurrenceOutcome],
    actor: Actor,
    was: Mapping[datetime, Booking] | None = None,
) -> list[OccurrenceOutcome]:
    """The same with what is more than the person may have refused, the earlier ones first. `was`:
    by recurrence id the bookings that move, as they stand: they count only where they stay.

    The person stays locked at the venue until the transaction ends."""
    was = was or {}
    bookings = [each.booking for each in outcomes if each.booking]
    if not bookings:
        return list(outcomes)
    first = bookings[0]
    since = min(each.starts_at for each in bookings)
    usage = lock_usage(first.venue, first.person, actor, since)
    if usage is None:
        return list(outcomes)
    moving = {booking.pk for booking in was.values()}
    usage.bookings = [each for each in usage.bookings if each.pk not in moving]
    found = []
    for each in outcomes:
        before = was.get(each.recurrence_id)
        refusal = usage.find_refusal(each.booking, before) if each.booking else None
        found.append(_refuse(each, refusal) if refusal else each)
        if counted := found[-1].booking or before:
            usage.add(counted)
    return found


def _refuse(each: OccurrenceOutcome, refusal: errors.QuotaReached) -> OccurrenceOutcome:
    refused = replace(each, outcome=Outcome.REFUSED, refusal=refusal, code=refusal.code)
    return replace(refused, booking=None)
