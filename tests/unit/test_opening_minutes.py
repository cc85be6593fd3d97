"""Opening hours against a plain oracle, minute by minute, around changes of clocks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import holidays
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.opening_hours import DatedWeek, ExceptionDays, Schedule, build_week

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
# a change of clocks in each: an hour, an hour, half an hour, an hour at midnight
CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Havana", date(2026, 3, 8)),
    ("America/Havana", date(2026, 11, 1)),
    ("America/Santiago", date(2026, 4, 5)),
    ("America/Santiago", date(2026, 9, 6)),
    ("Africa/Casablanca", date(2026, 2, 15)),
    ("Africa/Casablanca", date(2026, 3, 22)),
]
# holidays near some of these dates: Easter in New South Wales and Brandenburg, Easter in Chile
HOLIDAYS = {"Australia/Lord_Howe": "AU-NSW", "Europe/Berlin": "DE-BB", "America/Santiago": "CL"}


@cache
def walk(zone: str, on: date) -> tuple[dict[datetime, datetime], list[datetime]]:
    """What the clock on the wall shows around that date: the first instant of each of its minutes,
    and all instants in order."""
    info, wall_of = ZoneInfo(zone), {}
    start = datetime.combine(on - 3 * DAY, time(), UTC)
    minutes = [start + n * MINUTE for n in range(7 * 24 * 60)]
    for minute in minutes:
        wall_of.setdefault(minute.astimezone(info).replace(tzinfo=None), minute)
    return wall_of, minutes


def find_instant(walls: dict[datetime, datetime], wall: datetime) -> datetime:
    """One that no clock shows is so long after the last that was shown as the clock would say."""
    late = 0
    while wall - late * MINUTE not in walls:
        late += 1
    return walls[wall - late * MINUTE] + late * MINUTE


minutes_of_day = st.integers(0, 24 * 4 - 1).map(lambda quarter: quarter * 15)


@st.composite
def daily_spans(draw: st.DrawFn) -> list[tuple[int, int]]:
    """One to three spans of a day in minutes, of which the last may reach into the next day."""
    marks = sorted(draw(st.sets(minutes_of_day, min_size=2, max_size=6)))
    spans = list(zip(marks[::2], marks[1::2], strict=False))
    if len(marks) % 2:
        spans.append((marks[-1], draw(st.integers(24 * 4, 24 * 4 + marks[0] // 15)) * 15))
    return spans


Spans = list[tuple[int, int]]  # minutes of the day from opening to closing


@dataclass
class Plan:
    """The rules as somebody would write them down. Weeks by the date from which they are valid, of
    the resource first; exceptions of the resource before those of the venue."""

    own: list[tuple[date | None, list[Spans]]]
    weeks: list[tuple[date | None, list[Spans]]]
    exceptions: list[tuple[date, date, Spans]]
    holidays: str | None

    def find_spans(self, day: date) -> Spans | None:
        """What begins on that date; None where the date is closed, which ends the night before."""
        for first_on, last_on, spans in self.exceptions:
            if first_on <= day <= last_on:
                return spans or None
        if self.holidays:
            country, _, region = self.holidays.partition("-")
            if day in holidays.country_holidays(country, subdiv=region or None, years=day.year):
                return None
        for weeks in (self.own, self.weeks):
            valid = [week for since, week in weeks if since is None or since <= day]
            if valid and any(valid[-1]):
                return valid[-1][day.weekday()]
        return []

    def list_open_minutes(self, zone: str, on: date) -> set[datetime]:
        """All minutes of about three days in which somebody who follows the rules word for word
        would say: open."""
        walls, _ = walk(zone, on)
        found = set()
        for day in (on + n * DAY for n in range(-2, 2)):
            midnight = datetime.combine(day, time())
            for opens, closes in self.find_spans(day) or ():
                minute = find_instant(walls, midnight + opens * MINUTE)
                end = find_instant(walls, midnight + closes * MINUTE)
                if self.find_spans(day + DAY) is None:
                    end = min(end, find_instant(walls, midnight + DAY))
                while minute < end:
                    found.add(minute)
                    minute += MINUTE
        return found

    def build(self, zone: str) -> Schedule:
        """The same as the venue has it."""
        return Schedule(
            ZoneInfo(zone),
            _date_weeks(self.weeks),
            own=_date_weeks(self.own),
            exceptions=tuple(
                ExceptionDays(first_on, last_on, tuple(_to_wall(spans)))
                for first_on, last_on, spans in self.exceptions
            ),
            holidays=self.holidays,
        )


def _date_weeks(weeks: list[tuple[date | None, list[Spans]]]) -> tuple[DatedWeek, ...]:
    return tuple(
        DatedWeek(since, build_week((n, *pair) for n in range(7) for pair in _to_wall(week[n])))
        for since, week in weeks
    )


def _to_wall(spans: Spans) -> list[tuple[time, time]]:
    return [
        (time(opens // 60, opens % 60), time(closes % (24 * 60) // 60, closes % 60))
        for opens, closes in spans
    ]


@st.composite
def plans(draw: st.DrawFn, zone: str, on: date) -> Plan:
    some = st.one_of(st.just([]), daily_spans())
    week = st.lists(some, min_size=7, max_size=7)
    nearby = st.integers(-2, 2).map(lambda n: on + n * DAY)

    def draw_weeks(least: int) -> list[tuple[date | None, list[Spans]]]:
        found: list[tuple[date | None, list[Spans]]] = []
        if draw(st.integers(0, 1)) or least:
            found.append((None, draw(week)))
            if draw(st.booleans()):
                found.append((draw(nearby), draw(week)))
        return found

    dates = draw(st.lists(nearby, max_size=3))
    exceptions = [(day, day + draw(st.integers(0, 1)) * DAY, draw(some)) for day in dates]
    region = HOLIDAYS.get(zone) if draw(st.booleans()) else None
    return Plan(draw_weeks(0), draw_weeks(1), exceptions, region)


def every_day(*spans: tuple[int, int], closed: date | None = None) -> Plan:
    """The same every day but for one closed date."""
    exceptions: list[tuple[date, date, Spans]] = [(closed, closed, [])] if closed else []
    return Plan([], [(None, [list(spans)] * 7)], exceptions, None)


@given(st.sampled_from(CHANGES).flatmap(lambda at: st.tuples(st.just(at), plans(*at))))
@example((CHANGES[0], every_day((90, 150), (165, 200))))
@example((CHANGES[4], every_day((60, 105), (120, 1440))))
@example((CHANGES[7], every_day((1380, 1440 + 30), closed=CHANGES[7][1])))
@settings(max_examples=120)
def test_open_time_is_what_a_plain_walk_through_the_minutes_finds(case):
    """Weeks of venue and resource, their valid-from dates, exceptions, holidays, nights."""
    (zone, on), plan = case
    _, minutes = walk(zone, on)
    # what begins three days away is not looked at
    start, end = (
        datetime.combine(on + n * DAY, time(), ZoneInfo(zone)).astimezone(UTC) for n in (-1, 2)
    )
    window = [m for m in minutes if start <= m < end]
    intervals = plan.build(zone).list_open(window[0], window[-1] + MINUTE)
    wanted = plan.list_open_minutes(zone, on)
    assert [m for m in window if any(a <= m < b for a, b in intervals)] == [
        m for m in window if m in wanted
    ]
    assert all(b < c for (_, b), (c, _) in pairwise(intervals))
