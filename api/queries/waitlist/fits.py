"""When what somebody waits for can be had: exactly what a booking would be given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from api import errors, policy
from api.models import WaitlistEntry
from api.models.venues import SlotRule
from api.opening_hours import DAY, Interval, iter_local_dates, to_instant
from api.policy import Rules
from api.queries.bookings.availability import Taken
from api.queries.bookings.occupancy import list_occupied
from api.queries.bookings.service_slots import Places, list_slots
from api.queries.venues.rules import get_rules
from api.queries.venues.services import get_pool_resources, get_service_rules

MINUTE = timedelta(minutes=1)
INSTANT = timedelta(microseconds=1)

Freed = Mapping[int, Sequence[Interval]]  # by the id of the resource


class Fit(NamedTuple):
    """A time that fits. `rules`: of the resources that it takes, `quantity` units of each; none for
    a service, whose resources are chosen when it is booked."""

    starts_at: datetime
    ends_at: datetime
    rules: Sequence[Rules] = ()
    quantity: int = 1


def iter_fits(
    entry: WaitlistEntry, now: datetime, *, lead: timedelta = timedelta(0), freed: Freed | None
) -> Iterator[Fit]:
    """What fits into the entry's window, by start. `lead`: how long before the start at least.
    `freed`: only what touches that time; None for any. A start that nobody chose is a whole
    minute."""
    notice = max(lead, entry.venue.min_notice, timedelta(0))
    earliest = max(entry.from_at, _round_up(now + notice))
    if earliest + entry.duration > entry.until_at:
        return
    if entry.service_id is not None:
        yield from _iter_service_fits(entry, earliest, freed)
    else:
        yield from _Search(entry, earliest, now, freed).iter_fits()


def _round_up(at: datetime) -> datetime:
    return (
        at if not at.second and not at.microsecond else at.replace(second=0, microsecond=0) + MINUTE
    )


def _iter_service_fits(
    entry: WaitlistEntry, earliest: datetime, freed: Freed | None
) -> Iterator[Fit]:
    service = get_service_rules(entry.service_id or 0)
    if entry.duration not in service.prices:
        return
    latest = entry.until_at - entry.duration + INSTANT
    slots = list_slots(service, earliest, latest, entry.duration, quantity=entry.quantity)
    for slot in slots:
        fit = Fit(slot.starts_at, slot.ends_at, quantity=entry.quantity)
        rules = service.rules.values()
        if freed is None or any(
            _touches(freed, each, fit.starts_at, fit.ends_at) for each in rules
        ):
            yield fit


def _touches(freed: Freed, rules: Rules, starts_at: datetime, ends_at: datetime) -> bool:
    before, after = rules.buffers
    return any(
        start < ends_at + after and end > starts_at - before
        for start, end in freed.get(rules.resource.pk, ())
    )


class _Search:
    """Of a resource, or of any of a pool."""

    def __init__(
        self, entry: WaitlistEntry, earliest: datetime, now: datetime, freed: Freed | None
    ) -> None:
        self.entry, self.now, self.freed = entry, now, freed
        self.first, self.last = earliest, entry.until_at
        ids = [entry.resource_id] if entry.resource_id else get_pool_resources(entry.pool_id or 0)
        self.rules = {pk: rules for pk in ids if (rules := _find_rules(pk))}
        self.open = {
            pk: policy.list_open_intervals(rules, self.first, self.last)
            for pk, rules in self.rules.items()
        }
        self.taken = self._list_taken()
        self.places = {
            pk: Places(rules, self.open[pk], self.taken[pk]) for pk, rules in self.rules.items()
        }

    def _list_taken(self) -> dict[int, list[Taken]]:
        found: dict[int, list[Taken]] = {pk: [] for pk in self.rules}
        if not found:
            return found
        before = max(rules.buffers[0] for rules in self.rules.values())
        after = max(rules.buffers[1] for rules in self.rules.values())
        for pk, start, end, units in list_occupied(
            list(found), self.first - before, self.last + after
        ):
            found[pk].append(Taken(start, end, units))
        return found

    def iter_fits(self) -> Iterator[Fit]:
        starts = {start for pk in self.rules for start in self._list_starts(pk)}
        for start in sorted(starts):
            end = start + self.entry.duration
            if self.first <= start and end <= self.last and (fit := self._find_fit(start, end)):
                yield fit

    def _list_starts(self, pk: int) -> Iterator[datetime]:
        """Every start on the grid; without one, where something opens, ends or was freed."""
        rules = self.rules[pk]
        before, _ = rules.buffers
        dates = iter_local_dates(rules.zone, self.first - DAY, self.last)
        if rules.venue.slot_rule == SlotRule.GRID:
            for on in dates:
                yield from (start for start, _ in policy.iter_slots(rules, on))
            return
        yield self.first
        yield from (opens for opens, _ in self.open[pk])
        yield from (piece.ends_at + before for piece in self.taken[pk])
        yield from (start + before for start, _ in (self.freed or {}).get(pk, ()))
        if not rules.venue.same_day_allowed:
            tomorrow = self.now.astimezone(rules.zone).date() + DAY
            yield to_instant(rules.zone, tomorrow, policy.time.min)

    def _find_fit(self, start: datetime, end: datetime) -> Fit | None:
        """One resource with all the units; of a pool, else as many resources with one each."""
        freed, quantity = self.freed, self.entry.quantity
        touched = {
            pk
            for pk, rules in self.rules.items()
            if freed is None or _touches(freed, rules, start, end)
        }
        if not touched:
            return None
        free = {pk: each.count_free(start, end) for pk, each in self.places.items()}
        allowed = [pk for pk in self.rules if free[pk] and self._is_allowed(pk, start, end)]
        # those first that were freed
        allowed.sort(key=lambda pk: (pk not in touched, pk))
        for pk in allowed:
            if pk in touched and free[pk] >= quantity:
                return Fit(start, end, [self.rules[pk]], quantity)
        if self.entry.pool_id and len(allowed) >= quantity > 1 and allowed[0] in touched:
            return Fit(start, end, [self.rules[pk] for pk in allowed[:quantity]], 1)
        return None

    def _is_allowed(self, pk: int, start: datetime, end: datetime) -> bool:
        try:
            policy.check_booking(self.rules[pk], start, end, self.now, 1)
        except errors.Refusal:
            return False
        return True


def _find_rules(resource_id: int) -> Rules | None:
    try:
        return get_rules(resource_id)[0]
    except errors.NotFound:
        return None  # retired


def find_fit(
    entry: WaitlistEntry, now: datetime, *, lead: timedelta, freed: Freed | None
) -> Fit | None:
    return next(iter_fits(entry, now, lead=lead, freed=freed), None)
