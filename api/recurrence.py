"""Recurrence rules (RFC 5545) expanded in a zone's wall time, by dateutil.

A wall time in a gap is read with the offset before it and counts; of a doubled one it is the first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from dateutil.rrule import MONTHLY, rrule, rrulestr

from api.errors import Unfit
from api.opening_hours import DAY, Interval, to_instant

MAX_OCCURRENCES = 366
MAX_LENGTH = timedelta(days=5 * 366)
FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")
ENDS = ("COUNT", "UNTIL")
_DATE_ONLY = re.compile(r"UNTIL=(\d{8})(?=;|$)")
_INSTANT = re.compile(r"UNTIL=(\d{8}T\d{6})Z")


def expand(
    rule: str, starts_at: datetime, ends_at: datetime, zone: ZoneInfo, *, may_be_endless: bool
) -> list[Interval]:
    """The occurrences of a rule, the first of which is the interval. Of one without an end as many
    as there may be, where that is allowed. Refuses `Unfit` for what cannot be."""
    first = get_first_wall(starts_at, zone)
    walls = list_walls(rule, first, zone, may_be_endless=may_be_endless)
    intervals = build_intervals([read_wall(wall, zone) for wall in walls], ends_at - starts_at)
    check_apart(intervals)
    return intervals


def get_first_wall(starts_at: datetime, zone: ZoneInfo) -> datetime:
    """The wall time at which a rule begins; refuses `Unfit` for the second one of a doubled."""
    first = starts_at.astimezone(zone).replace(tzinfo=None, fold=0)
    if read_wall(first, zone) != starts_at:
        raise refuse("The start must be the first that the rule gives.")
    return first


def list_walls(
    rule: str, first: datetime, zone: ZoneInfo, *, may_be_endless: bool
) -> list[datetime]:
    """The wall times of a rule that begins at `first`, by time; refuses as `expand` does. Rules
    know whole seconds: a fraction of one is that of all of them."""
    fraction = timedelta(microseconds=first.microsecond)
    walls = _list_seconds(rule, first - fraction, zone, may_be_endless=may_be_endless)
    return [wall + fraction for wall in walls]


def _list_seconds(
    rule: str, first: datetime, zone: ZoneInfo, *, may_be_endless: bool
) -> list[datetime]:
    parts = _split(rule)
    endless = parts.keys().isdisjoint(ENDS)
    if parts.get("FREQ") not in FREQUENCIES or "BYEASTER" in parts:
        raise refuse("It repeats daily, weekly, monthly or yearly: FREQ=WEEKLY;COUNT=10.")
    if all(name in parts for name in ENDS):
        raise refuse("Give COUNT or UNTIL, not both.")
    if endless and not may_be_endless:
        raise refuse("Say when it ends, with COUNT or UNTIL.")
    times = _read_count(parts.get("COUNT", ""))
    if times == 0:
        raise refuse("COUNT is 1 or more.")
    walls = _iterate(_parse(_join(parts), first, zone), first, times or MAX_OCCURRENCES + 1)
    if not walls or walls[0] != first:
        raise refuse("The start must be the first that the rule gives.")
    if endless:
        walls = [wall for wall in walls[:MAX_OCCURRENCES] if wall - first <= MAX_LENGTH]
    if len(walls) < (times or 0):
        raise _refuse_length()
    check_length(walls)
    return walls


def _read_count(count: str) -> int | None:
    """COUNT as far as it matters: one more than there may be, however long the number is."""
    if not count.isdecimal():
        return None
    return int(count) if len(count) < 5 else MAX_OCCURRENCES + 1


def check_length(walls: Sequence[datetime]) -> None:
    """Refuses `Unfit` for more of them than there may be; they are by time."""
    if len(walls) > MAX_OCCURRENCES or walls[-1] - walls[0] > MAX_LENGTH:
        raise _refuse_length()


def read_wall(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a wall time."""
    return to_instant(zone, wall.date(), wall.time())


def build_intervals(starts: Sequence[datetime], length: timedelta) -> list[Interval]:
    return [(start, start + length) for start in starts]


def check_apart(intervals: Sequence[Interval]) -> None:
    """Refuses `Unfit` for intervals that overlap; they are by start."""
    if any(end > start for (_, end), (start, _) in pairwise(intervals)):
        raise refuse("It overlaps itself.")


def end_before(rule: str, last: datetime) -> str:
    """The same rule until its occurrence at that wall time, inclusive."""
    kept = {name: value for name, value in _split(rule).items() if name not in ENDS}
    return _join(kept | {"UNTIL": f"{last:%Y%m%dT%H%M%S}"})


def count_on(rule: str, times: int) -> str:
    """The same rule with so many times, if it counts them."""
    parts = _split(rule)
    return _join(parts | {"COUNT": str(times)} if "COUNT" in parts else parts)


def list_further(
    rule: str, starts_at: datetime, ends_at: datetime, zone: ZoneInfo, *, after: datetime
) -> list[Interval]:
    """Of a rule without an end the occurrences that begin after that instant, as many as `expand`
    would give at once."""
    first, since = (at.astimezone(zone).replace(tzinfo=None) for at in (starts_at, after))
    fraction = timedelta(microseconds=first.microsecond)
    since -= fraction
    latest = since + MAX_LENGTH
    parsed = _parse(_join(_split(rule)), first - fraction, zone)
    parsed = parsed.replace(count=None, until=min(parsed._until or latest, latest))
    walls = [wall + fraction for wall in parsed.xafter(since, count=MAX_OCCURRENCES)]
    starts = [to_instant(zone, wall.date(), wall.time()) for wall in walls]
    return [(start, start + (ends_at - starts_at)) for start in starts if start > after]


def _split(rule: str) -> dict[str, str]:
    parts = [part for part in rule.strip().upper().split(";") if part]
    found = dict(part.partition("=")[::2] for part in parts)
    if len(found) < len(parts):
        raise refuse("A part of it is there twice.")
    return found


def _join(parts: dict[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _parse(rule: str, first: datetime, zone: ZoneInfo) -> rrule:
    """In wall times: UNTIL too, a date through the end of that local day."""
    rule = _DATE_ONLY.sub(r"UNTIL=\1T235959", rule)
    rule = _INSTANT.sub(lambda found: _to_wall(found[1], zone), rule)
    try:
        parsed = rrulestr(rule, dtstart=first, cache=False)
    except (ValueError, OverflowError, KeyError, TypeError) as error:
        raise refuse("This is no rule, such as FREQ=WEEKLY;COUNT=10.") from error
    if not isinstance(parsed, rrule) or parsed._interval < 1:  # which would never end
        raise refuse("This is no rule, such as FREQ=WEEKLY;COUNT=10.")
    # dateutil looks for the tenth Monday of a month beyond the end of its tables
    within_month = parsed._freq == MONTHLY or parsed._bymonth
    if any(abs(nth) > (5 if within_month else 53) for _, nth in parsed._bynweekday or ()):
        raise refuse("A month has five of a weekday at most, a year 53.")
    return parsed


def _iterate(rule: rrule, first: datetime, times: int) -> list[datetime]:
    """So many of its first wall times. dateutil looks for one that never comes (30 February) until
    the year 9999: 14 seconds from now, less than one from the same day of the calendar's last
    cycle of 400 years."""
    cycles = 400 * ((MAXYEAR - 10 - first.year) // 400)
    # of COUNT too no more is looked at; up to UNTIL whether one comes later than may be
    until = rule._until or first + MAX_LENGTH + DAY
    moved = rule.replace(
        dtstart=first.replace(year=first.year + cycles),
        until=(
            datetime.combine(date.max, time.min)
            if until.year + cycles > MAXYEAR
            else until.replace(year=until.year + cycles)
        ),
        count=None,
    )
    return [wall.replace(year=wall.year - cycles) for wall in islice(moved, times)]


def _to_wall(until: str, zone: ZoneInfo) -> str:
    try:
        at = datetime.strptime(until, "%Y%m%dT%H%M%S").replace(tzinfo=UTC).astimezone(zone)
    except (ValueError, OverflowError):
        return f"UNTIL={until}"
    return f"UNTIL={at:%Y%m%dT%H%M%S}"


def _refuse_length() -> Unfit:
    return refuse(f"At most {MAX_OCCURRENCES} times and five years.")


def refuse(message: str) -> Unfit:
    return Unfit(errors={"rule": [message]})
