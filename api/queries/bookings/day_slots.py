"""The times of a day at which resources or a service could be booked, and why each of the others
cannot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from api import errors, policy, terms
from api.policy import Check, Interval, Rules
from api.queries.venues.services import ServiceRules

from .availability import Taken
from .candidates import list_candidates
from .occupancy import list_occupied
from .service_slots import Places, ServiceSlot, list_slots

# of a day: the quarters of 25 hours; where slots are of minutes, every so many are listed
MOST = 100


@dataclass(frozen=True)
class DaySlot:
    """`refusal` is what booking it would answer now, None where it is free; the price is in minor
    units. `free`: the units that are left, or how many bookings of a service still fit;
    `resources`: the ids of those that are free for it."""

    starts_at: datetime
    ends_at: datetime
    refusal: errors.Refusal | None
    price_minor: int
    needs_approval: bool
    free: int = 0
    resources: Sequence[int] = ()


def list_day_slots(
    rules: Sequence[Rules],
    dates: Iterable[date],
    length: timedelta,
    now: datetime,
    *,
    quantity: int = 1,
    check: Check = policy.check_booking,
    ignore: int = 0,
) -> dict[date, list[DaySlot]]:
    """The slots that begin on each of those local dates, at which so many units of all of the
    resources can be had or not: one statement for all. They begin where slots of the first resource
    do and last `length`. Those that are past are left out. `ignore` is the id of a booking that is
    to move."""
    slots = {on: [(s, s + length) for s in _list_starts(rules[0], on)] for on in dates}
    every = [slot for day in slots.values() for slot in day]
    if not every:
        return {on: [] for on in slots}
    places = _list_places(rules, min(s for s, _ in every), max(e for _, e in every), ignore)

    def build(slot: Interval) -> DaySlot:
        free = min(place.count_left(*slot) for place in places)
        refusal: errors.Refusal | None = None if free >= quantity else errors.SlotTaken()
        try:
            for each in rules:
                check(each, *slot, now, 1)
        except errors.Refusal as broken:
            refusal = broken
        price = quantity * sum(terms.calculate_price(each, *slot) for each in rules)
        return DaySlot(*slot, refusal, price, _needs_approval(rules[0], slot), free)

    return {on: _drop_past(map(build, day)) for on, day in slots.items()}


def _list_starts(rules: Rules, on: date) -> list[datetime]:
    return _thin_out([start for start, _ in policy.iter_slots(rules, on)])


def _thin_out(starts: list[datetime]) -> list[datetime]:
    return starts[:: -(-len(starts) // MOST) or 1]


def _drop_past(slots: Iterable[DaySlot]) -> list[DaySlot]:
    return [slot for slot in slots if not isinstance(slot.refusal, errors.InThePast)]


def _needs_approval(rules: Rules, slot: Interval) -> bool:
    return policy.needs_approval(rules, policy.is_primetime(rules, *slot))


def _list_places(
    rules: Sequence[Rules], starts_at: datetime, ends_at: datetime, ignore: int
) -> list[Places]:
    """What is taken of each of the resources."""
    before = max(each.buffers[0] for each in rules)
    after = max(each.buffers[1] for each in rules)
    taken: dict[int, list[Taken]] = defaultdict(list)
    ids = [each.resource.pk for each in rules]
    for pk, start, end, units in list_occupied(ids, starts_at - before, ends_at + after, ignore):
        taken[pk].append(Taken(start, end, units))
    return [Places(each, [], taken[each.resource.pk]) for each in rules]


# of a service


def list_service_day_slots(
    service: ServiceRules,
    dates: Iterable[date],
    duration: timedelta,
    *,
    explained_on: date,
    quantity: int = 1,
    ignore: int = 0,
) -> dict[date, list[DaySlot]]:
    """The slots of the service that begin on each of those local dates, one statement for all;
    those that are not free, with the reason, only of the one that is to be explained."""
    starts = {on: _list_service_starts(service, on) for on in dates}
    every = [start for day in starts.values() for start in day]
    if not every:
        return {on: [] for on in starts}
    window = min(every), max(every) + timedelta.resolution
    slots = list_slots(service, *window, duration, quantity=quantity, ignore=ignore)
    free = {slot.starts_at: slot for slot in slots}

    def build(start: datetime) -> DaySlot:
        if found := free.get(start):
            return _build_free_slot(service, found)
        end = start + duration
        refusal = _find_refusal(service, start, end, quantity)
        return DaySlot(
            start, end, refusal, quantity * service.prices[duration], needs_approval=False
        )

    return {
        on: _drop_past(build(start) for start in day if start in free or on == explained_on)
        for on, day in starts.items()
    }


def _list_service_starts(service: ServiceRules, on: date) -> list[datetime]:
    """On the grid of any of its resources."""
    alike = {rules.schedule: rules for rules in service.rules.values()}
    found = {start for each in alike.values() for start in policy.list_service_starts(each, on)}
    return _thin_out(sorted(found))


def _build_free_slot(service: ServiceRules, slot: ServiceSlot) -> DaySlot:
    interval = slot.starts_at, slot.ends_at
    first = service.rules[slot.resources[0]]
    approval = _needs_approval(first, interval)
    return DaySlot(*interval, None, slot.price_minor, approval, slot.free, slot.resources)


def _find_refusal(
    service: ServiceRules, starts_at: datetime, ends_at: datetime, quantity: int
) -> errors.Refusal:
    """What a booking would be refused by then."""
    try:
        policy.check_time(next(iter(service.rules.values())), starts_at, ends_at, service.now)
        list_candidates(service, starts_at, ends_at, quantity=quantity)
    except errors.Refusal as refusal:
        return refusal
    return errors.SlotTaken()
