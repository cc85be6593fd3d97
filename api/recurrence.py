"""Recurrence rules (RFC 5545) expanded in a zone's wall time, by dateutil.

A wall time in a gap is read with the offset before it and counts; of a doubled one it is the first.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from api.errors import Unfit
from api.opening_hours import DAY, Interval, to_instant

MAX_OCCURRENCES = 366
MAX_LENGTH = timedelta(days=5 * 366)
FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")
_DATE_ONLY = re.compile(r"UNTIL=(\d{8})(?=;|$)")
_INSTANT = re.compile(r"UNTIL=(\d{8}T\d{6})Z")


def expand(
    rule: str, starts_at: datetime, ends_at: datetime, zone: ZoneInfo, *, may_be_endless: bool
) -> list[Interval]:
    """The occurrences of a rule, the first of which is the interval. Of one without an end as many
    as there may be, where that is allowed. Refuses `Unfit` for what cannot be."""
    whole, parts = _read_parts(rule)
    endless = "COUNT" not in parts and "UNTIL" not in parts
    if whole.startswith("RRULE:") or parts.get("FREQ") not in FREQUENCIES:
        raise _refuse("It repeats daily, weekly, monthly or yearly: FREQ=WEEKLY;COUNT=10.")
    if "COUNT" in parts and "UNTIL" in parts:
        raise _refuse("Give COUNT or UNTIL, not both.")
    if endless and not may_be_endless:
        raise _refuse("Say when it ends, with COUNT or UNTIL.")
    length, first = ends_at - starts_at, starts_at.astimezone(zone).replace(tzinfo=None)
    times = int(parts["COUNT"]) if parts.get("COUNT", "").isdecimal() else None
    parsed = _parse(whole, first, zone, latest=first + MAX_LENGTH + DAY)
    walls = list(islice(parsed, times or MAX_OCCURRENCES + 1))
    if not walls or walls[0] != first:
        raise _refuse("The start must be the first that the rule gives.")
    if endless:
        walls = [wall for wall in walls[:MAX_OCCURRENCES] if wall - first <= MAX_LENGTH]
    if len(walls) > MAX_OCCURRENCES or len(walls) < (times or 0) or walls[-1] - first > MAX_LENGTH:
        raise _refuse(f"At most {MAX_OCCURRENCES} times and five years.")
    starts = [starts_at, *(to_instant(zone, wall.date(), wall.time()) for wall in walls[1:])]
    if any(start + length > following for start, following in pairwise(starts)):
        raise _refuse("It overlaps itself.")
    return [(start, start + length) for start in starts]


def list_further(
    rule: str, starts_at: datetime, ends_at: datetime, zone: ZoneInfo, *, after: datetime
) -> list[Interval]:
    """Of a rule without an end the occurrences that begin after that instant, as many as `expand`
    would give at once."""
    whole, _ = _read_parts(rule)
    first, since = (at.astimezone(zone).replace(tzinfo=None) for at in (starts_at, after))
    parsed = _parse(whole, first, zone, latest=since + MAX_LENGTH)
    walls = parsed.xafter(since, count=MAX_OCCURRENCES)
    starts = [to_instant(zone, wall.date(), wall.time()) for wall in walls]
    return [(start, start + (ends_at - starts_at)) for start in starts if start > after]


def _read_parts(rule: str) -> tuple[str, dict[str, str]]:
    """The rule in one form, and its parts by name."""
    whole = ";".join(part for part in rule.strip().upper().split(";") if part)
    return whole, dict(part.partition("=")[::2] for part in whole.split(";"))


def _parse(rule: str, first: datetime, zone: ZoneInfo, *, latest: datetime) -> rrule:
    """In wall times: UNTIL too, a date through the end of that local day."""
    rule = _DATE_ONLY.sub(r"UNTIL=\1T235959", rule)
    rule = _INSTANT.sub(lambda found: _to_wall(found[1], zone), rule)
    try:
        parsed = rrulestr(rule, dtstart=first, cache=False)
    except (ValueError, OverflowError, KeyError, TypeError) as error:
        raise _refuse("This is no rule, such as FREQ=WEEKLY;COUNT=10.") from error
    if not isinstance(parsed, rrule) or parsed._interval < 1:  # which would never end
        raise _refuse("This is no rule, such as FREQ=WEEKLY;COUNT=10.")
    # of COUNT too no more is looked at: a rule that hardly ever fits is searched for centuries
    return parsed.replace(count=None, until=min(parsed._until or latest, latest))


def _to_wall(until: str, zone: ZoneInfo) -> str:
    try:
        at = datetime.strptime(until, "%Y%m%dT%H%M%S").replace(tzinfo=UTC).astimezone(zone)
    except (ValueError, OverflowError):
        return f"UNTIL={until}"
    return f"UNTIL={at:%Y%m%dT%H%M%S}"


def _refuse(message: str) -> Unfit:
    return Unfit(errors={"rule": [message]})
