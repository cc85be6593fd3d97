"""When a resource can be booked, and of every other time the rule that refuses it: the one that a
booking at that time would be refused by."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple

from api import errors, policy
from api.opening_hours import DAY, Interval, iter_local_dates, to_instant
from api.policy import Rules

from .availability import list_unit_counts, merge_intervals, subtract_intervals

_MIDNIGHT = time.min


class Free(NamedTuple):
    starts_at: datetime
    ends_at: datetime
    units: int


class Refused(NamedTuple):
    """`free_at`: when that rule refuses no more, if that is within the range."""

    starts_at: datetime
    ends_at: datetime
    refusal: errors.Refusal
    free_at: datetime | None


class _Layer(NamedTuple):
    """One rule, and the times at which it refuses, by start, not touching."""

    refusal: errors.Refusal
    times: Sequence[Interval]

    def find(self, at: datetime) -> Interval | None:
        """The time that holds the instant."""
        n = bisect_right(self.times, at, key=lambda interval: interval[0]) - 1
        return self.times[n] if n >= 0 and at < self.times[n][1] else None


def explain_times(
    rules: Rules,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    *,
    notice: bool = True,
    at_least: timedelta = timedelta(0),
) -> tuple[list[Free], list[Refused]]:
    """The range without gaps, in people's own times: when one unit at least can be had, and why not
    at all other times. What depends on a request (its length, its guests) is left out.

    Free rows are cut where the number of units changes; a booking may lie across them. Without
    `notice` it is not looked at how soon and how far ahead one may book. Between two refused times
    that are nearer than `at_least` a booking of that length is refused by what comes after."""
    counts = list_unit_counts(rules.resource, starts_at, ends_at)
    taken = [(start, end) for start, end, left in counts if left < 1]
    standing = [
        *_iter_standing(rules, starts_at, ends_at),
        _Layer(errors.SlotTaken(), merge_intervals(taken)),
    ]
    layers = [_Layer(errors.InThePast(), [(min(starts_at, now), now)])]
    layers += _iter_notice(rules, ends_at, now) if notice else ()
    layers += standing
    edges = {starts_at, ends_at}
    edges.update(edge for layer in layers for interval in layer.times for edge in interval)
    edges.update(edge for start, end, _ in counts for edge in (start, end))
    inside = sorted(edge for edge in edges if starts_at <= edge <= ends_at)
    free: list[Free] = []
    refused: list[Refused] = []
    before: object = None  # the rule, or the units, of the row before
    left = iter(counts)
    count = next(left, None)
    for start, end in pairwise(inside):
        while count and count.ends_at <= start:
            count = next(left, None)
        found = next((layer for layer in layers if layer.find(start)), None)
        if found is None:
            is_partly_taken = count and count.starts_at <= start
            units = count.units if count and is_partly_taken else rules.resource.units
            if before == units and free[-1].ends_at == start:
                free[-1] = free[-1]._replace(ends_at=end)
            else:
                free.append(Free(start, end, units))
            before = units
            continue
        if before is found:
            refused[-1] = refused[-1]._replace(ends_at=end)
        else:
            until = _find_end(found, layers, start)
            refused.append(Refused(start, end, found.refusal, until if until < ends_at else None))
        before = found
    short = list(_iter_short(free, standing, at_least, (starts_at, ends_at)))
    if short:
        places = [(row.starts_at, row.ends_at) for row in short]
        free = [r for r in free if not policy.lies_within((r.starts_at, r.ends_at), places)]
        refused = sorted([*refused, *short], key=lambda row: row.starts_at)
    return free, refused


def _iter_short(
    free: Sequence[Free], standing: Sequence[_Layer], at_least: timedelta, whole: Interval
) -> Iterator[Refused]:
    """The free times that are too short, with what comes after them; but where the range begins or
    ends one may lie across."""
    for start, end in merge_intervals((row.starts_at, row.ends_at) for row in free):
        if end - start >= at_least or start == whole[0] or end == whole[1]:
            continue
        until = start + at_least
        for layer in standing:
            in_the_way = [time for time in layer.times if time[0] < until and time[1] > end]
            if in_the_way:
                free_at = _find_end(layer, standing, in_the_way[0][0])
                yield Refused(start, end, layer.refusal, free_at if free_at < whole[1] else None)
                break


def _find_end(layer: _Layer, layers: Sequence[_Layer], at: datetime) -> datetime:
    """When what refuses with that code, which several rules may, refuses no more."""
    alike = [each for each in layers if each.refusal.code == layer.refusal.code]
    while found := next((time for each in alike if (time := each.find(at))), None):
        at = found[1]
    return at


def list_long_enough(free: Sequence[Free], at_least: timedelta) -> list[Free]:
    """The rows that belong to a time of that length, together with those that they touch."""
    whole = merge_intervals((row.starts_at, row.ends_at) for row in free)
    long = [interval for interval in whole if interval[1] - interval[0] >= at_least]
    return [row for row in free if policy.lies_within((row.starts_at, row.ends_at), long)]


# in the order in which they refuse (`policy.check_booking`)


def _iter_notice(rules: Rules, ends_at: datetime, now: datetime) -> Iterator[_Layer]:
    venue, zone = rules.venue, rules.zone
    earliest = now + venue.min_notice
    if earliest > now:
        yield _Layer(errors.TooSoon(earliest=earliest), [(now, earliest)])
    today = now.astimezone(zone).date()
    if not venue.same_day_allowed:
        midnights = [to_instant(zone, on, _MIDNIGHT) for on in (today, today + DAY)]
        yield _Layer(errors.SameDayRefused(), [(midnights[0], midnights[1])])
    if venue.max_advance is None:
        return
    if venue.max_advance % DAY:
        first = now + venue.max_advance + timedelta.resolution
    else:
        first = to_instant(zone, today + venue.max_advance + DAY, _MIDNIGHT)
    if first < ends_at:
        yield _Layer(errors.TooFarAhead(), [(first, ends_at)])


def _iter_standing(rules: Rules, starts_at: datetime, ends_at: datetime) -> Iterator[_Layer]:
    whole = (starts_at, ends_at)
    if because := rules.resource.unavailable_because:
        yield _Layer(errors.ResourceUnavailable(because=because), [whole])
    yield from _iter_closures(rules, starts_at, ends_at)
    open_ = policy.list_open_intervals(rules, starts_at, ends_at)
    yield _Layer(errors.OutsideHours(), subtract_intervals(whole, open_))


def _iter_closures(rules: Rules, starts_at: datetime, ends_at: datetime) -> Iterator[_Layer]:
    """Closed dates from midnight to midnight: they also end the night before them."""
    by_reason: dict[str, list[Interval]] = defaultdict(list)
    for on in iter_local_dates(rules.zone, starts_at, ends_at):
        if closure := rules.schedule.find_closed(on):
            midnights = [to_instant(rules.zone, day, _MIDNIGHT) for day in (on, on + DAY)]
            by_reason[closure.reason].append((midnights[0], midnights[1]))
    for reason, dates in by_reason.items():
        yield _Layer(errors.Closed(reason=reason), merge_intervals(dates))
