"""Recurrence rules in wall time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from api import errors
from api.recurrence import expand, list_further

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)


def starts(rule, at, length=HOUR, zone=BERLIN, endless=False):
    start = datetime.fromisoformat(at).replace(tzinfo=zone)
    found = expand(rule, start.astimezone(UTC), start.astimezone(UTC) + length, zone,
                   may_be_endless=endless)  # fmt: skip
    assert all(end - begin == length for begin, end in found)
    return [f"{begin.astimezone(zone):%m-%d %H:%M}" for begin, _ in found]


def test_a_rule_keeps_its_wall_time_over_a_change_of_clocks():
    assert starts("FREQ=WEEKLY;COUNT=3", "2030-03-24T09:00") == [
        "03-24 09:00",
        "03-31 09:00",
        "04-07 09:00",
    ]


def test_a_time_in_a_gap_is_read_with_the_offset_before_it_and_counts():
    assert starts("FREQ=DAILY;COUNT=3", "2030-03-30T02:30") == [
        "03-30 02:30",
        "03-31 03:30",
        "04-01 02:30",
    ]


@pytest.mark.parametrize(
    ("until", "times"),
    [("20300115", 3), ("20300115T080000Z", 3), ("20300115T075959Z", 2), ("20300115T090000", 3)],
)
def test_until_is_inclusive_and_a_date_lasts_through_that_local_day(until, times):
    assert len(starts(f"FREQ=WEEKLY;UNTIL={until}", "2030-01-01T09:00")) == times


def test_an_endless_one_is_cut_where_it_is_allowed():
    assert len(starts("FREQ=WEEKLY", "2030-01-01T09:00", endless=True)) == 262
    assert len(starts("FREQ=DAILY", "2030-01-01T09:00", endless=True)) == 366


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=WEEKLY",
        "FREQ=HOURLY;COUNT=3",
        "FREQ=WEEKLY;COUNT=2;UNTIL=20300301",
        "FREQ=WEEKLY;BYDAY=WE;COUNT=3",  # the start is no such day
        "FREQ=DAILY;COUNT=367",
        "FREQ=YEARLY;COUNT=7",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=-1",
        "FREQ=DAILY;INTERVAL=0;COUNT=3",
        "FREQ=DAILY;COUNT=3;BYMONTH=2;BYMONTHDAY=30",
        "RRULE:FREQ=WEEKLY;COUNT=3",
        "weekly",
        "FREQ=WEEKLY;COUNT=x",
        "FREQ=WEEKLY;UNTIL=soon",
        "FREQ=WEEKLY;BYDAY=XX;COUNT=2",
        "FREQ=DAILY;COUNT=99999999999999999999",
        f"FREQ=DAILY;COUNT={'9' * 5000}",  # longer than int() reads
        "FREQ=MONTHLY;BYDAY=10TU;COUNT=2",
        "FREQ=MONTHLY;BYDAY=-60TU;COUNT=2",
        "FREQ=YEARLY;BYDAY=54TU;COUNT=2",
        "FREQ=YEARLY;BYMONTH=1;BYDAY=1TU,10TU;COUNT=2",
        "FREQ=YEARLY;BYDAY=99999999999999999999TU;COUNT=2",
    ],
)
def test_what_is_no_rule_of_ours_is_refused(rule):
    with pytest.raises(errors.Unfit) as refused:
        starts(rule, "2030-01-01T09:00")
    assert "rule" in refused.value.errors


def test_one_that_overlaps_itself_is_refused():
    with pytest.raises(errors.Unfit):
        starts("FREQ=DAILY;COUNT=3", "2030-01-01T09:00", length=25 * HOUR)


def further(rule, at, after, length=HOUR):
    start, since = (datetime.fromisoformat(each).replace(tzinfo=BERLIN) for each in (at, after))
    start = start.astimezone(UTC)
    found = list_further(rule, start, start + length, BERLIN, after=since.astimezone(UTC))
    assert all(end - begin == length for begin, end in found)
    return [f"{begin.astimezone(BERLIN):%Y-%m-%d %H:%M}" for begin, _ in found]


@pytest.mark.parametrize(
    ("rule", "at"),
    [
        ("FREQ=DAILY", "2030-01-01T12:00"),
        ("FREQ=WEEKLY;INTERVAL=3;BYDAY=TU,FR", "2030-01-01T12:00"),
        ("FREQ=MONTHLY;BYDAY=-1MO", "2030-01-28T12:00"),
        ("FREQ=DAILY;INTERVAL=2", "2030-03-31T02:30"),  # in the gap of Berlin's clocks
    ],
)
def test_an_endless_rule_goes_on_from_where_it_was_cut(rule, at):
    """As if it had not been: without a gap, nor twice."""
    start = datetime.fromisoformat(at).replace(tzinfo=BERLIN).astimezone(UTC)
    whole = expand(rule, start, start + HOUR, BERLIN, may_be_endless=True)
    half = whole[: len(whole) // 2]
    rest = list_further(rule, start, start + HOUR, BERLIN, after=half[-1][0])
    assert (half + rest)[: len(whole)] == whole
    assert len(half + rest) > len(whole)


def test_it_goes_on_beyond_five_years_in_wall_time():
    found = further("FREQ=DAILY", "2030-01-01T12:00", "2036-03-29T12:00")
    assert found[:2] == ["2036-03-30 12:00", "2036-03-31 12:00"]
    assert len(found) == 366


def test_a_start_within_a_second_is_that_of_all():
    start = datetime.fromisoformat("2030-05-01T09:00:00.25+00:00")
    again = ("FREQ=DAILY", start, start + HOUR, BERLIN)
    times = [begin for begin, _ in expand(*again, may_be_endless=True)]
    assert times[:3] == [start + n * timedelta(days=1) for n in range(3)]
    assert list_further(*again, after=times[1])[0][0] == times[2]
    ended = expand("FREQ=DAILY;UNTIL=20300502T090000Z", *again[1:], may_be_endless=False)
    assert [begin for begin, _ in ended] == times[:2]


@pytest.mark.parametrize("every", ["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "YEARLY;INTERVAL=7"])
@pytest.mark.parametrize("until", ["20400101", "20400101T000000Z", "99991231"])
def test_one_that_goes_on_beyond_five_years_is_refused_whatever_it_says_of_its_end(every, until):
    with pytest.raises(errors.Unfit):
        starts(f"FREQ={every};UNTIL={until}", "2030-05-01T09:00")


def test_the_end_may_be_later_than_five_years_where_nothing_comes_then():
    assert len(starts("FREQ=YEARLY;UNTIL=20351231", "2030-05-01T09:00")) == 6
