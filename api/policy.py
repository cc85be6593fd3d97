"""The venue's policy as pure functions: when it is open, and what it refuses.

Instants are aware; wall times are the venue's. Nothing here reads a clock or the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from typing import TypeAlias
from zoneinfo import ZoneInfo

from api import errors
from api.models import Hours, HoursException, PrimetimeWindow, Resource, Service, Venue
from api.models.venues import Approval, SlotRule
from api.opening_hours import (
    DAY,
    ExceptionDays,
    Interval,
    Schedule,
    Span,
    build_schedule,
    get_outer_span,
    iter_local_dates,
    to_interval,
    wall_time_exists,
)

MAX_LENGTH = timedelta(days=31)
# how long a request may travel before its start counts as past
NETWORK_ALLOWANCE = timedelta(seconds=2)
EARLIEST = datetime.min.replace(tzinfo=UTC)


def is_plausible_year(year: int) -> bool:
    """Whether anybody may look at that year and book in it; year 9999 is a mistake, and some years
    only overflow."""
    return 1990 <= year <= 2200


@dataclass(frozen=True)
class Rules:
    """What the policy looks at for one resource: its venue, windows and hours. Rows of other
    resources of the venue may be among `exceptions` and `hours`. `ignores_closed`: closed dates
    count as any other. `service`, and the `units` that it takes of the resource: where one is
    booked, whose price, buffers and starts count instead. `kept_buffers` are those that a booking
    which stays at the resource was made with."""

    resource: Resource
    venue: Venue
    primetime: Sequence[PrimetimeWindow]
    exceptions: Sequence[HoursException]
    hours: Sequence[Hours] = ()
    ignores_closed: bool = False
    service: Service | None = None
    units: int | None = None
    kept_buffers: tuple[timedelta, timedelta] | None = None

    @property
    def zone(self) -> ZoneInfo:
        return self.venue.zone

    @cached_property
    def schedule(self) -> Schedule:
        found = build_schedule(self.resource, self.hours, self.exceptions)
        return replace(found, closes=False) if self.ignores_closed else found

    @property
    def buffers(self) -> tuple[timedelta, timedelta]:
        """Before and after: the longer ones of resource and service, or those that were kept."""
        if self.kept_buffers is not None:
            return self.kept_buffers
        before, after = self.resource.buffer_before, self.resource.buffer_after
        if self.service is None:
            return before, after
        return max(before, self.service.buffer_before), max(after, self.service.buffer_after)


def list_open_intervals(rules: Rules, starts_at: datetime, ends_at: datetime) -> list[Interval]:
    """The intervals in which the hours, if the venue enforces them, and their exceptions let people
    book, as far as they touch that one; by start, those that meet joined."""
    return rules.schedule.list_open(starts_at, ends_at, enforced=rules.venue.hours_enforced)


def find_closed_between(
    rules: Rules, starts_at: datetime, ends_at: datetime
) -> tuple[date, ExceptionDays] | None:
    """The first closed date that the interval touches."""
    schedule = rules.schedule
    if not schedule.exceptions and not schedule.holidays:
        return None
    for on in iter_local_dates(rules.zone, starts_at, ends_at):
        if found := schedule.find_closed(on):
            return on, found
    return None


def iter_slots(rules: Rules, on: date) -> Iterator[Interval]:
    """The slots of one local date, counted from each opening: each begins at its wall time and
    lasts its length.

    On a day of change a wall time that does not exist has no slot, one that exists twice has two,
    and no two slots overlap."""
    length, free_from = rules.resource.slot_length, EARLIEST
    for opens, closes in rules.schedule.list_spans(on):
        since, until = rules.schedule.get_interval(on, (opens, closes))
        free_from = max(free_from, since)
        for start in _list_slot_starts(rules.zone, on, opens, closes, length):
            if start >= free_from and start + length <= until:
                free_from = start + length
                yield start, free_from


@lru_cache(maxsize=4096)  # most resources of a venue have the same
def _list_slot_starts(
    zone: ZoneInfo, on: date, opens: time, closes: time, step: timedelta
) -> list[datetime]:
    wall = datetime.combine(on, opens)
    end = datetime.combine(on if closes > opens else on + DAY, closes)
    found = set()
    while wall < end:
        if wall_time_exists(zone, wall.date(), wall.time()):
            for fold in (0, 1):
                found.add(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC))
        wall += step
    return sorted(found)


def is_primetime(rules: Rules, starts_at: datetime, ends_at: datetime) -> bool:
    """Whether the interval touches an active window (or, as the venue prefers, lies in it)."""
    for on in iter_local_dates(rules.zone, starts_at, ends_at):
        for window in rules.primetime:
            if not window.is_active or window.weekday != on.weekday():
                continue
            opens, closes = to_interval(rules.zone, on, window.starts_at, window.ends_at)
            if rules.venue.primetime_any_overlap:
                if starts_at < closes and ends_at > opens:
                    return True
            elif starts_at >= opens and ends_at <= closes:
                return True
    return False


def needs_approval(rules: Rules, primetime: bool) -> bool:
    approval = rules.venue.approval
    return approval == Approval.ALWAYS or (approval == Approval.PRIMETIME and primetime)


# refusals: each raises, with the first reason that applies, what the policy does not allow

Check: TypeAlias = Callable[[Rules, datetime, datetime, datetime, int], None]


def check_booking(
    rules: Rules, starts_at: datetime, ends_at: datetime, now: datetime, guests: int
) -> None:
    """What a new booking has to pass."""
    check_time(rules, starts_at, ends_at, now)
    check_resource(rules, starts_at, ends_at, guests)


def check_plausible(at: datetime) -> None:
    if not is_plausible_year(at.year):
        raise errors.AbsurdTime


def check_time(rules: Rules, starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    """What does not hang on the resource."""
    check_interval(starts_at, ends_at, now)
    check_notice(rules, starts_at, ends_at, now)


def check_reschedule(previous_start: datetime) -> Check:
    """What a booking that began then has to pass at its new time. A start that stays owes no notice
    again."""

    def check(
        rules: Rules, starts_at: datetime, ends_at: datetime, now: datetime, guests: int
    ) -> None:
        if starts_at != previous_start:
            check_notice(rules, starts_at, ends_at, now)
        elif ends_at <= now:
            raise errors.InThePast
        check_resource(rules, starts_at, ends_at, guests)

    return check


def check_interval(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    both = (starts_at, ends_at)
    if any(moment.tzinfo is None for moment in both):
        raise errors.AbsurdTime
    if not all(is_plausible_year(moment.year) for moment in both):
        raise errors.InThePast if max(both) < now else errors.AbsurdTime
    if ends_at <= starts_at:
        raise errors.EndsBeforeStart
    if ends_at - starts_at > MAX_LENGTH:
        raise errors.AbsurdTime("A booking cannot last longer than 31 days.")


def check_notice(rules: Rules, starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    venue, earliest = rules.venue, now + rules.venue.min_notice
    if ends_at <= now:
        raise errors.InThePast
    if starts_at < earliest - NETWORK_ALLOWANCE:
        if starts_at < now - NETWORK_ALLOWANCE and venue.min_notice >= timedelta(0):
            raise errors.InThePast(earliest=earliest)
        raise errors.TooSoon(earliest=earliest)
    here = starts_at.astimezone(rules.zone).date()
    today = now.astimezone(rules.zone).date()
    if here == today and not venue.same_day_allowed:
        raise errors.SameDayRefused
    if venue.max_advance is not None:
        check_advance(venue.max_advance, rules.zone, starts_at, now)


def check_advance(advance: timedelta, zone: ZoneInfo, starts_at: datetime, now: datetime) -> None:
    """Whole days are counted in local dates, so that "30 days ahead" is the same on both sides of
    a change of clocks; anything else is a duration."""
    if advance % DAY:
        if starts_at > now + advance:
            raise errors.TooFarAhead(latest=now + advance)
    elif starts_at.astimezone(zone).date() > now.astimezone(zone).date() + advance:
        raise errors.TooFarAhead(latest=now.astimezone(zone).date() + advance)


def check_resource(rules: Rules, starts_at: datetime, ends_at: datetime, guests: int) -> None:
    """What has to hold for as long as the booking is ahead."""
    for check in STANDING_CHECKS:
        check(rules, starts_at, ends_at, guests)


def check_bookable(rules: Rules, starts_at: datetime, ends_at: datetime, guests: int) -> None:
    if because := rules.resource.unavailable_because:
        raise errors.ResourceUnavailable(because=because)


def check_closed(rules: Rules, starts_at: datetime, ends_at: datetime, guests: int) -> None:
    if found := find_closed_between(rules, starts_at, ends_at):
        on, closed = found
        raise errors.Closed(reason=closed.reason, on=on)


def check_hours(rules: Rules, starts_at: datetime, ends_at: datetime, guests: int) -> None:
    hours = list_open_intervals(rules, starts_at, ends_at)
    if not any(opens <= starts_at and ends_at <= closes for opens, closes in hours):
        on = starts_at.astimezone(rules.zone).date()
        opens, closes = get_daily_hours(rules, on)
        spans = rules.schedule.list_spans(on)
        raise errors.OutsideHours(opens_at=opens, closes_at=closes, hours=spans, local_on=on)


def get_daily_hours(rules: Rules, on: date) -> Span:
    """From the earliest opening to the latest closing of that date; of a week where it has none."""
    schedule = rules.schedule
    spans = schedule.list_spans(on)
    whole = get_outer_span((spans,)) or get_outer_span(schedule.get_week(on))
    return whole or (time.min, time.min)


def check_slots(rules: Rules, starts_at: datetime, ends_at: datetime, guests: int) -> None:
    rule, length = rules.venue.slot_rule, rules.resource.slot_length
    if rule == SlotRule.FREE or rules.service:  # which has lengths and starts of its own
        return
    if (ends_at - starts_at) % length:
        raise errors.NotWholeSlots(slot=length)
    if rule == SlotRule.GRID:
        on = starts_at.astimezone(rules.zone).date()
        slots = (slot for day in (on, on - DAY) for slot in iter_slots(rules, day))
        if not any(start == starts_at for start, _ in slots):
            raise errors.NotWholeSlots("The start must be on the slot grid.", slot=length)


def check_capacity(rules: Rules, starts_at: datetime, ends_at: datetime, guests: int) -> None:
    if rules.venue.capacity_enforced and guests > rules.resource.capacity:
        raise errors.OverCapacity(capacity=rules.resource.capacity)


def list_service_starts(rules: Rules, on: date) -> list[datetime]:
    """When a service may begin on that date: every `slot_step` of the venue from each opening of
    the resource. Such a time must still be open for as long as the service lasts."""
    venue, found = rules.venue, []
    for opens, closes in rules.schedule.list_spans(on, enforced=venue.hours_enforced):
        since, until = rules.schedule.get_interval(on, (opens, closes))
        starts = _list_slot_starts(rules.zone, on, opens, closes, venue.slot_step)
        found += [start for start in starts if since <= start < until]
    return found


def check_service_start(rules: Iterable[Rules], starts_at: datetime) -> None:
    """Refuses `NotWholeSlots` for a start that is on the grid of none of the resources."""
    for each in rules:
        on = starts_at.astimezone(each.zone).date()
        if any(starts_at in list_service_starts(each, day) for day in (on, on - DAY)):
            return
    raise errors.NotWholeSlots("The start must be on the slot grid.", slot=each.venue.slot_step)


# in the order in which they refuse
STANDING_CHECKS = (check_bookable, check_closed, check_hours, check_slots, check_capacity)


def lies_within(inner: Interval, outer: Iterable[Interval]) -> bool:
    return any(start <= inner[0] and inner[1] <= end for start, end in outer)
