"""The times of a day at which a resource could be booked, and why each of the others cannot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from api import errors, policy
from api.policy import Check, Interval, Rules
from api.queries.bookings.availability import filter_free, list_busy_intervals

MOST = 96  # of a day; where slots are of minutes, every so many are listed
ANY_TIME = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class DaySlot:
    """`refusal` is what booking it would answer now, None where it is free; the price is in minor
    units."""

    starts_at: datetime
    ends_at: datetime
    refusal: errors.Refusal | None
    price_minor: int
    needs_approval: bool


def list_day_slots(
    rules: Rules,
    dates: Iterable[date],
    length: timedelta,
    now: datetime,
    *,
    check: Check = policy.check_booking,
    ignore: int = 0,
) -> dict[date, list[DaySlot]]:
    """The slots that begin on each of those local dates, one statement for all. They begin where
    the resource's own slots do and last `length`. Those that are past are left out. `ignore` is the
    id of a booking that is to move."""
    slots = {on: [(s, s + length) for s in _list_starts(rules, on)] for on in dates}
    every = [slot for day in slots.values() for slot in day]
    if not every:
        return {on: [] for on in slots}
    since, until = min(s for s, _ in every), max(e for _, e in every)
    busy = list_busy_intervals([rules.resource], since, until, ignore)[rules.resource.pk]
    free = set(filter_free(every, busy, ANY_TIME))
    found = {
        on: [_build_slot(rules, slot, now, check, slot in free) for slot in day]
        for on, day in slots.items()
    }
    return {
        on: [slot for slot in day if not isinstance(slot.refusal, errors.InThePast)]
        for on, day in found.items()
    }


def _list_starts(rules: Rules, on: date) -> list[datetime]:
    starts = [start for start, _ in policy.iter_slots(rules, on)]
    return starts[:: -(-len(starts) // MOST) or 1]


def _build_slot(rules: Rules, slot: Interval, now: datetime, check: Check, free: bool) -> DaySlot:
    refusal: errors.Refusal | None = None if free else errors.SlotTaken()
    try:
        check(rules, *slot, now, 1)
    except errors.Refusal as broken:
        refusal = broken
    price = policy.calculate_price(rules, *slot)
    approval = policy.needs_approval(rules, policy.is_primetime(rules, *slot))
    return DaySlot(*slot, refusal, price, approval)
