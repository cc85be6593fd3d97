"""Other people's samples of recurrence: what their own tests expect, our series have.

`dateutil_rules.tsv`: every rule whose list of times the tests of python-dateutil 2.9.0 spell out,
with where it begins and these times. `calendar_samples.tsv`: the repeated events of the sample
calendars of recurring-ical-events 3.8.2 by file, without what is moved by a RECURRENCE-ID: zone,
wall time of the start, rule, EXDATE, RDATE, the first instant that the library answers and the
minutes from each to the next (`10080x3` is three weeks on end). It was asked once, for all that
begins within five years; of rules without an end as many are listed as a series may have.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from api.errors import Unfit
from api.models import Series
from api.queries.series.occurrences import expand_series
from api.recurrence import FREQUENCIES, MAX_LENGTH, list_walls

UTC_ZONE = ZoneInfo("UTC")
START, LENGTH = "must be the first that the rule gives", "At most 366 times and five years"
FREQUENCY = "It repeats daily, weekly, monthly or yearly"


def read_table(name):
    lines = (Path(__file__).parent / name).read_text().splitlines()
    return [tuple(line.split("\t")) for line in lines]


def read_walls(text):
    return [datetime.fromisoformat(each) for each in text.split() if each != "-"]


def expand(start, rule, exdates=(), rdates=(), zone="UTC"):
    series = Series(
        rule=rule,
        first_on=start.date(),
        first_at=start.time(),
        zone_name=zone,
        duration=timedelta(seconds=1),
        exdates=list(exdates),
        rdates=list(rdates),
    )
    return [each.starts_at for each in expand_series(series)]


def get_refusal(rule, start):
    with pytest.raises(Unfit) as refused:
        list_walls(rule, start, UTC_ZONE, may_be_endless=True)
    return refused.value.errors["rule"][0]


def test_rules_of_dateutil_give_the_times_that_its_tests_expect():
    """A series begins with its first occurrence, so that a rule which begins before it is refused
    there, and gives the same from it on."""
    outcomes = {"same": 0, "frequency": 0, "length": 0, "start": 0}
    for start, rule, times in read_table("dateutil_rules.tsv"):
        first, expected = datetime.fromisoformat(start), read_walls(times)
        if rule.partition(";")[0].partition("=")[2] not in FREQUENCIES or "BYEASTER" in rule:
            assert FREQUENCY in get_refusal(rule, expected[0]), rule
            outcomes["frequency"] += 1
        elif expected[-1] - expected[0] > MAX_LENGTH:
            assert LENGTH in get_refusal(rule, expected[0]), rule
            outcomes["length"] += 1
        else:
            found = expand(expected[0], rule)
            assert found == [wall.replace(tzinfo=UTC) for wall in expected], rule
            outcomes["same"] += 1
            if first != expected[0]:
                assert START in get_refusal(rule, first), rule
                outcomes["start"] += 1
    assert outcomes == {"same": 126, "frequency": 102, "length": 6, "start": 98}


# of its sets those that are one rule with dates: start, rule, EXDATE, RDATE, what there is
SETS = [
    (
        "19970902T0900",
        "FREQ=YEARLY;COUNT=1;BYDAY=TU",
        "",
        "19970904T0900Z 19970909T0900Z",
        "19970902T0900Z 19970904T0900Z 19970909T0900Z",
    ),
    (
        "19970902T0900",
        "FREQ=YEARLY;COUNT=6;BYDAY=TU,TH",
        "19970904T0900Z 19970911T0900Z 19970918T0900Z",
        "",
        "19970902T0900Z 19970909T0900Z 19970916T0900Z",
    ),
    (
        "20040110T0900",
        "FREQ=MONTHLY;COUNT=5;BYMONTHDAY=10",
        "20040410T0900Z 20040210T0900Z",
        "",
        "20040110T0900Z 20040310T0900Z 20040510T0900Z",
    ),
    (
        "19970902T0900",
        "FREQ=YEARLY;COUNT=4;BYDAY=TU,TH",
        "19970902T0900Z 19970909T0900Z",
        "",
        "19970904T0900Z 19970911T0900Z",
    ),
    (
        "19970902T0900",
        "FREQ=DAILY;COUNT=1",
        "19970904T0900Z 19970911T0900Z 19970918T0900Z",
        "19970904T0900Z 19970909T0900Z 19970911T0900Z 19970916T0900Z 19970918T0900Z",
        "19970902T0900Z 19970909T0900Z 19970916T0900Z",
    ),
]


@pytest.mark.parametrize(("start", "rule", "exdates", "rdates", "expected"), SETS)
def test_sets_of_dateutil_give_the_times_that_its_tests_expect(
    start, rule, exdates, rdates, expected
):
    found = expand(datetime.fromisoformat(start), rule, read_walls(exdates), read_walls(rdates))
    assert found == read_walls(expected)


def test_sample_calendars_give_what_recurring_ical_events_answers():
    samples = read_table("calendar_samples.tsv")
    assert len(samples) == 167
    for name, zone, start, rule, exdates, rdates, first, gaps in samples:
        expected = read_walls(first)
        for gap in gaps.split():
            minutes, _, times = gap.partition("x")
            for _ in range(int(times or 1) if minutes != "-" else 0):
                expected.append(expected[-1] + timedelta(minutes=int(minutes)))
        wall = datetime.fromisoformat(start)
        found = expand(wall, rule, read_walls(exdates), read_walls(rdates), zone)
        assert found == expected, (name, rule)


@pytest.mark.parametrize(
    ("start", "rule", "reason"),
    [
        # none at all, COUNT=-1 besides UNTIL, 594 times (twice)
        ("20231002", "FREQ=WEEKLY;UNTIL=20231001;INTERVAL=2;BYDAY=MO", START),
        ("20231002", "FREQ=WEEKLY;UNTIL=20240331;COUNT=-1;INTERVAL=4;BYDAY=MO", "not both"),
        ("20130803T1900", "FREQ=DAILY;UNTIL=20150320T030000Z", LENGTH),
        ("20140803T1900", "FREQ=DAILY;UNTIL=20160320T030000Z", LENGTH),
    ],
)
def test_sample_calendars_that_are_no_series_are_refused(start, rule, reason):
    assert reason in get_refusal(rule, datetime.fromisoformat(start))


def test_until_with_a_date_is_through_that_day():
    """The only sample that differs (issue_75): the library reads the date as its midnight, which
    leaves that day's occurrence out; ours are through that local day."""
    found = expand(datetime.fromisoformat("20240901T1200"), "FREQ=DAILY;UNTIL=20250920;INTERVAL=2")
    assert found[-2:] == [
        datetime(2025, 9, 18, 12, tzinfo=UTC),
        datetime(2025, 9, 20, 12, tzinfo=UTC),
    ]
    assert {two - one for one, two in pairwise(found)} == {timedelta(days=2)}
