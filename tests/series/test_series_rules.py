"""Recurrence rules: the examples of RFC 5545 give its instants, clock changes keep wall times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from api.recurrence import count_on, end_before, expand, list_walls

NEW_YORK = ZoneInfo("America/New_York")
HOUR = timedelta(hours=1)

# Section 3.8.5.3 of RFC 5545: start, rule, the wall times that it lists (those of rules without an
# end as far as it lists them). Left out are its rules of hours, minutes and seconds, and those
# whose start is not among what they give or which last longer than five years: these are refused.
EXAMPLES = [
    ("19970902", "FREQ=DAILY;COUNT=10", " ".join(f"199709{d:02d}" for d in range(2, 12))),
    ("19970902", "FREQ=DAILY;INTERVAL=2", "19970902 19970904 19970906 19970908"),
    (
        "19970902",
        "FREQ=DAILY;INTERVAL=10;COUNT=5",
        "19970902 19970912 19970922 19971002 19971012",
    ),
    (
        "19970902",
        "FREQ=WEEKLY;COUNT=10",
        ("19970902 19970909 19970916 19970923 19970930 19971007 19971014 19971021 "
        "19971028 19971104"),
    ),
    (
        "19970902",
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
        "19970902 19970916 19970930 19971014 19971028 19971111 19971125",
    ),
    (
        "19970902",
        "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
        ("19970902 19970904 19970909 19970911 19970916 19970918 19970923 19970925 "
        "19970930 19971002"),
    ),
    (
        "19970901",
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        ("19970901 19970903 19970905 19970915 19970917 19970919 19970929 19971001 "
        "19971003 19971013 19971015 19971017 19971027 19971029 19971031 19971110 "
        "19971112 19971114 19971124 19971126 19971128 19971208 19971210 19971212 "
        "19971222"),
    ),
    (
        "19970902",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
        "19970902 19970904 19970916 19970918 19970930 19971002 19971014 19971016",
    ),
    (
        "19970905",
        "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        ("19970905 19971003 19971107 19971205 19980102 19980206 19980306 19980403 "
        "19980501 19980605"),
    ),
    (
        "19970905",
        "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR",
        "19970905 19971003 19971107 19971205",
    ),
    (
        "19970907",
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        ("19970907 19970928 19971102 19971130 19980104 19980125 19980301 19980329 "
        "19980503 19980531"),
    ),
    (
        "19970922",
        "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
        "19970922 19971020 19971117 19971222 19980119 19980216",
    ),
    (
        "19970928",
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        "19970928 19971029 19971128 19971229 19980129 19980226",
    ),
    (
        "19970902",
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
        ("19970902 19970915 19971002 19971015 19971102 19971115 19971202 19971215 "
        "19980102 19980115"),
    ),
    (
        "19970930",
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        ("19970930 19971001 19971031 19971101 19971130 19971201 19971231 19980101 "
        "19980131 19980201"),
    ),
    (
        "19970910",
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        "19970910 19970911 19970912 19970913 19970914 19970915 19990310 19990311 19990312 19990313",
    ),
    (
        "19970902",
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
        ("19970902 19970909 19970916 19970923 19970930 19971104 19971111 19971118 "
        "19971125"),
    ),
    (
        "19970610",
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        " ".join(f"{y}{m:02d}10" for y in range(1997, 2002) for m in (6, 7)),
    ),
    (
        "19970519",
        "FREQ=YEARLY;BYDAY=20MO",
        "19970519 19980518 19990517",
    ),
    (
        "19970512",
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
        "19970512 19980511 19990517",
    ),
    (
        "19970313",
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        "19970313 19970320 19970327 19980305 19980312 19980319 19980326",
    ),
    (
        "19970913",
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        "19970913 19971011 19971108 19971213 19980110",
    ),
    (
        "19970904",
        "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
        "19970904 19971007 19971106",
    ),
    (
        "19970929",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        "19970929 19971030 19971127 19971230 19980129 19980226 19980330",
    ),
    (
        "19970805",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
        "19970805 19970810 19970819 19970824",
    ),
    (
        "19970805",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
        "19970805 19970817 19970819 19970831",
    ),
    (
        "20070115",
        "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
        "20070115 20070130 20070215 20070315 20070330",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("first", "rule", "days"), EXAMPLES)
def test_the_examples_of_rfc_5545_give_its_instants(first, rule, days):
    """All begin at 9:00 in New York; EDT until the last Sunday of October, EST then."""
    start = datetime.strptime(f"{first}0900", "%Y%m%d%H%M").replace(tzinfo=NEW_YORK)
    found = expand(rule, start.astimezone(UTC), start.astimezone(UTC) + HOUR, NEW_YORK,
                   may_be_endless=True)  # fmt: skip
    days = days.split()
    expected = [
        datetime.strptime(f"{day}0900", "%Y%m%d%H%M").replace(tzinfo=NEW_YORK) for day in days
    ]
    count = len(days) if "COUNT" in rule or "UNTIL" in rule else None
    assert len(found) == (count or len(found))
    assert [at for at, _ in found[: len(days)]] == expected


ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago")
# Wall times and their number of ten years from 2026 on whose clock shows another one: those in a
# gap are read with the offset before it. Berlin's are on the last Sunday of March, New York's on
# the second of March, Lord Howe's on the first of October (half an hour), Santiago's at a midnight.
SHIFTED = {
    ("Europe/Berlin", "02:15"): ("03:15", 10),
    ("Europe/Berlin", "02:30"): ("03:30", 10),
    ("America/New_York", "02:15"): ("03:15", 10),
    ("America/New_York", "02:30"): ("03:30", 10),
    ("Australia/Lord_Howe", "02:15"): ("02:45", 10),
    ("America/Santiago", "00:30"): ("01:30", 10),
}


@pytest.mark.parametrize("at", ["00:30", "01:45", "02:15", "02:30", "09:00", "23:30"])
@pytest.mark.parametrize("name", ZONES)
def test_ten_years_of_clock_changes_keep_wall_time_and_duration(name, at):
    zone, length = ZoneInfo(name), timedelta(minutes=90)
    expected, times = SHIFTED.get((name, at), (at, 0))
    shifted = 0
    for year in range(2026, 2036):
        wall = datetime.fromisoformat(f"{year}-01-05T{at}")
        start = wall.replace(tzinfo=zone).astimezone(UTC)
        found = expand("FREQ=DAILY;COUNT=365", start, start + length, zone, may_be_endless=False)
        days = [begin.astimezone(zone) for begin, _ in found]
        assert all(end - begin == length for begin, end in found)
        assert all(two.date() - one.date() == timedelta(days=1) for one, two in pairwise(days))
        assert {day.fold for day in days} == {0}  # of a doubled one the first
        other = [f"{day:%H:%M}" for day in days if f"{day:%H:%M}" != at]
        assert set(other) <= {expected}
        shifted += len(other)
    assert shifted == times


def test_a_rule_is_cut_and_counted_on():
    first = datetime.fromisoformat("2030-01-07T09:00")
    rule = "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;COUNT=10"
    every = list_walls(rule, first, NEW_YORK, may_be_endless=False)
    for n in range(1, 10):
        before = list_walls(end_before(rule, every[n - 1]), first, NEW_YORK, may_be_endless=False)
        after = list_walls(count_on(rule, 10 - n), every[n], NEW_YORK, may_be_endless=False)
        assert before + after == every
