"""Weeks, exceptions and holidays as intervals of instants, also where clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from api import opening_hours
from api.models import Hours, HoursException, Resource, Venue
from api.opening_hours import DatedWeek, ExceptionDays, Schedule, build_week, find_bad_row

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
MONDAY = date(2026, 3, 2)


def at(text: str) -> time:
    return time.fromisoformat(text)


def span(text: str) -> tuple[time, time]:
    opens, closes = text.split("-")
    return at(opens), at(closes)


def rows(*texts: str) -> list[tuple[int, time, time]]:
    """Of "0 09:00-12:30"."""
    return [(int(text[0]), *span(text[2:])) for text in texts]


def schedule(*texts: str, **fields) -> Schedule:
    return Schedule(ZoneInfo("UTC"), (DatedWeek(None, build_week(rows(*texts))),), **fields)


def shown(found: Schedule, first_on: date = MONDAY, days: int = 7) -> str:
    """The open intervals of some days in UTC, days of the month before the hours."""
    start = datetime.combine(first_on, time(), UTC)
    intervals = found.list_open(start, start + days * DAY)
    return " ".join(f"{a:%-d/%H:%M}-{b:%-d/%H:%M}" for a, b in intervals)


# weeks


@pytest.mark.parametrize(
    ("given_rows", "intervals"),
    [
        (["0 09:00-12:30", "0 13:30-18:00"], "2/09:00-2/12:30 2/13:30-2/18:00"),
        (["0 09:00-12:00", "0 12:00-18:00"], "2/09:00-2/18:00"),
        (["0 20:00-00:00"], "2/20:00-3/00:00"),
        (["0 20:00-02:00"], "2/20:00-3/02:00"),
        (["0 20:00-00:00", "1 00:00-02:00"], "2/20:00-3/02:00"),
        (["0 00:00-00:00", "1 00:00-00:00"], "2/00:00-4/00:00"),
        (["6 22:00-03:00", "0 03:00-04:00"], "1/22:00-2/04:00 8/22:00-9/03:00"),
        ([], ""),
    ],
)
def test_rows_are_intervals_and_those_that_meet_are_one(given_rows, intervals):
    assert find_bad_row(rows(*given_rows)) is None
    assert shown(schedule(*given_rows)) == intervals


@pytest.mark.parametrize(
    ("given_rows", "index"),
    [
        (["0 09:00-12:00", "0 11:59-13:00"], 1),
        (["0 09:00-12:00", "0 09:00-12:00"], 1),
        (["0 22:00-03:00", "1 02:00-05:00"], 1),
        (["0 00:00-00:00", "0 08:00-09:00"], 1),
        (["0 02:00-05:00", "6 22:00-03:00"], 0),
        (["3 09:00-09:00"], 0),
    ],
)
def test_rows_that_overlap_or_take_no_time_are_found(given_rows, index):
    assert find_bad_row(rows(*given_rows))[0] == index


def test_a_night_on_each_of_several_dates_must_not_reach_into_the_next_morning():
    night = [(0, *span("22:00-06:00")), (0, *span("05:00-09:00"))]
    assert find_bad_row(night) is None
    assert find_bad_row(night, days=1) is not None


def test_a_week_is_valid_from_its_date_until_the_next():
    summer, winter = (build_week(rows(text)) for text in ("0 09:00-20:00", "0 10:00-17:00"))
    weeks = (DatedWeek(None, summer), DatedWeek(MONDAY + 7 * DAY, winter))
    found = Schedule(ZoneInfo("UTC"), weeks)
    assert shown(found, days=14) == "2/09:00-2/20:00 9/10:00-9/17:00"


@pytest.mark.parametrize(
    ("given_rows", "uniform", "outer"),
    [
        ([f"{n} 09:00-18:00" for n in range(7)], "09:00-18:00", "09:00-18:00"),
        (["0 09:00-18:00", "3 09:00-18:00"], "09:00-18:00", "09:00-18:00"),
        (["0 09:00-12:00", "0 13:00-18:00"], None, "09:00-18:00"),
        (["0 09:00-18:00", "1 08:00-00:00"], None, "08:00-00:00"),
        (["0 09:00-18:00", "1 20:00-02:00"], None, "09:00-02:00"),
        ([], None, None),
    ],
)
def test_a_week_as_one_pair_of_times(given_rows, uniform, outer):
    week = build_week(rows(*given_rows))
    assert opening_hours.get_uniform_span(week) == (uniform and span(uniform))
    assert opening_hours.get_outer_span(week) == (outer and span(outer))


# exceptions and holidays


def on(day: int, *spans: str, until: int = 0, reason: str = "") -> ExceptionDays:
    dates = (date(2026, 3, day), date(2026, 3, until or day))
    return ExceptionDays(*dates, tuple(span(text) for text in spans), reason)


def test_an_exception_replaces_what_begins_on_its_dates():
    found = schedule("1 18:00-02:00", "2 18:00-02:00", exceptions=(on(4, "10:00-12:00"),))
    assert shown(found) == "3/18:00-4/02:00 4/10:00-4/12:00"


def test_a_closed_date_also_ends_the_night_before_at_midnight():
    found = schedule("1 18:00-02:00", "2 18:00-02:00", exceptions=(on(4),))
    assert shown(found) == "3/18:00-4/00:00"


def test_an_exception_opens_a_day_that_the_week_closes():
    assert shown(schedule(exceptions=(on(4, "22:00-04:00", until=5),))) == (
        "4/22:00-5/04:00 5/22:00-6/04:00"
    )


def test_what_comes_first_decides():
    own = (DatedWeek(None, build_week(rows("0 08:00-09:00", "1 08:00-09:00"))),)
    found = schedule("0 10:00-11:00", "2 10:00-11:00", own=own)
    assert shown(found) == "2/08:00-2/09:00 3/08:00-3/09:00"
    theirs = (on(2, "12:00-13:00", until=4),)
    found = schedule("0 10:00-11:00", own=own, exceptions=theirs)
    assert shown(found) == "2/12:00-2/13:00 3/12:00-3/13:00 4/12:00-4/13:00"
    found = schedule("0 10:00-11:00", own=own, exceptions=(on(3), *theirs))
    assert shown(found) == "2/12:00-2/13:00 4/12:00-4/13:00"


def test_an_empty_week_of_a_resource_means_that_of_its_venue():
    own = (
        DatedWeek(None, build_week(rows("0 08:00-09:00"))),
        DatedWeek(MONDAY + 7 * DAY, opening_hours.NEVER_OPEN),
    )
    found = schedule("0 10:00-11:00", own=own)
    assert shown(found, days=14) == "2/08:00-2/09:00 9/10:00-9/11:00"


def test_an_exception_goes_before_a_public_holiday():
    week = [f"{n} 09:00-10:00" for n in range(7)]
    christmas = date(2026, 12, 25)
    found = schedule(*week, holidays="DE-BY")
    assert shown(found, christmas - DAY, 4) == "24/09:00-24/10:00 27/09:00-27/10:00"
    assert found.find_closed(christmas).reason == "Christmas Day"
    opened = ExceptionDays(christmas, christmas, (span("12:00-13:00"),))
    found = schedule(*week, holidays="DE-BY", exceptions=(opened,))
    assert shown(found, christmas, 1) == "25/12:00-25/13:00"
    assert opening_hours.find_holiday("US-CA", date(2026, 3, 31)) == "Cesar Chavez Day"
    assert opening_hours.find_holiday("DE", date(2026, 6, 4)) is None  # of Bavaria alone


@pytest.mark.parametrize(
    ("region", "known"), [("DE", True), ("US-CA", True), ("XX", False), ("DE-XX", False)]
)
def test_regions_that_are_known(region, known):
    assert opening_hours.is_region(region) is known


def test_hours_that_are_not_enforced_leave_exceptions_in_force():
    found = schedule("0 10:00-11:00", exceptions=(on(3), on(4, "12:00-13:00")))
    start = datetime(2026, 3, 2, tzinfo=UTC)
    intervals = found.list_open(start, start + 4 * DAY, enforced=False)
    assert [(a - start, b - start) for a, b in intervals] == [
        (0 * DAY, DAY),
        (2 * DAY + timedelta(hours=12), 2 * DAY + timedelta(hours=13)),
        (3 * DAY, 4 * DAY),
    ]


def test_a_schedule_is_built_of_the_rows_of_the_resource_and_its_venue():
    venue = Venue(pk=1, time_zone="UTC", opens_at=None, closes_at=None, holidays="DE")
    court = Resource(pk=7, venue=venue)
    hours = [
        Hours(weekday=0, opens_at=at("09:00"), closes_at=at("12:00")),
        Hours(weekday=0, opens_at=at("13:00"), closes_at=at("18:00")),
        Hours(valid_from=MONDAY + 7 * DAY),
        Hours(resource_id=7, weekday=1, opens_at=at("01:00"), closes_at=at("02:00")),
        Hours(resource_id=8, weekday=2, opens_at=at("01:00"), closes_at=at("02:00")),
    ]
    exceptions = [
        HoursException(first_on=MONDAY, last_on=MONDAY),
        HoursException(first_on=MONDAY, last_on=MONDAY, resource_id=7, hours=[["05:00", "06:00"]]),
        HoursException(first_on=MONDAY, last_on=MONDAY, resource_id=8, hours=[["07:00", "08:00"]]),
    ]
    theirs = opening_hours.build_schedule(court, hours, exceptions)
    assert shown(theirs) == "2/05:00-2/06:00 3/01:00-3/02:00"
    whole = opening_hours.build_schedule(Resource(venue=venue), hours, exceptions[1:])
    assert shown(whole, days=14) == "2/09:00-2/12:00 2/13:00-2/18:00"
