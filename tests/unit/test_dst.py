"""Days on which the clocks change: a slot keeps its wall time and its length, and none is lost or
doubled. The rule of a gap: a wall time that no clock shows has no slot; of a fold: one that is
shown twice has two."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from api import policy
from api.models import Resource, Venue
from api.opening_hours import to_instant, wall_time_exists
from api.policy import Rules

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "Asia/Tokyo",  # never
    "Africa/Cairo",  # at midnight
    "Asia/Beirut",
    "America/Havana",
    "Asia/Kathmandu",  # offset of 5:45
    "Pacific/Apia",
    "Africa/Casablanca",
]
HALF_HOUR, HOUR, DAY = timedelta(minutes=30), timedelta(hours=1), timedelta(days=1)
NIGHT = (time(0), time(6))


def rules(
    zone: str, opens: time = time(0), closes: time = time(0), length: timedelta = HOUR
) -> Rules:
    venue = Venue(
        time_zone=zone, opens_at=opens, closes_at=closes, slot_length=length, slot_rule="grid"
    )
    return Rules(Resource(venue=venue, name="Court"), venue, (), ())


def walls(asked: Rules, on: date) -> list[str]:
    """The wall times at which the slots of that date begin."""
    return [f"{start.astimezone(asked.zone):%H:%M}" for start, _ in policy.iter_slots(asked, on)]


@pytest.mark.parametrize(
    ("zone", "on", "length", "starts"),
    [
        # Berlin springs from 02:00 to 03:00
        ("Europe/Berlin", date(2026, 3, 29), HOUR, "00:00 01:00 03:00 04:00 05:00"),
        (
            "Europe/Berlin",
            date(2026, 3, 29),
            HALF_HOUR,
            "00:00 00:30 01:00 01:30 03:00 03:30 04:00 04:30 05:00 05:30",
        ),
        # and falls from 03:00 back to 02:00
        (
            "Europe/Berlin",
            date(2026, 10, 25),
            HOUR,
            "00:00 01:00 02:00 02:00 03:00 04:00 05:00",
        ),
        ("America/New_York", date(2026, 3, 8), HOUR, "00:00 01:00 03:00 04:00 05:00"),
        (
            "America/New_York",
            date(2026, 11, 1),
            HOUR,
            "00:00 01:00 01:00 02:00 03:00 04:00 05:00",
        ),
        # Lord Howe springs from 02:00 to 02:30: the hour from 02:00 cannot begin
        ("Australia/Lord_Howe", date(2026, 10, 4), HOUR, "00:00 01:00 03:00 04:00 05:00"),
        (
            "Australia/Lord_Howe",
            date(2026, 10, 4),
            HALF_HOUR,
            "00:00 00:30 01:00 01:30 02:30 03:00 03:30 04:00 04:30 05:00 05:30",
        ),
        # and falls from 02:00 back to 01:30: the half hour from 01:30 is there twice
        (
            "Australia/Lord_Howe",
            date(2026, 4, 5),
            HALF_HOUR,
            "00:00 00:30 01:00 01:30 01:30 02:00 02:30 03:00 03:30 04:00 04:30 05:00 05:30",
        ),
        ("Australia/Lord_Howe", date(2026, 4, 5), HOUR, "00:00 01:00 02:00 03:00 04:00 05:00"),
        ("Asia/Tokyo", date(2026, 3, 29), HOUR, "00:00 01:00 02:00 03:00 04:00 05:00"),
    ],
)
def test_the_slots_of_a_night_on_which_the_clocks_change(zone, on, length, starts):
    assert " ".join(walls(rules(zone, *NIGHT, length), on)) == starts


@pytest.mark.parametrize(
    ("zone", "on", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Asia/Tokyo", date(2026, 3, 29), 24),
    ],
)
def test_an_open_day_is_as_long_as_its_clocks_say(zone, on, hours):
    [(opens, closes)] = rules(zone).schedule.list_intervals(on)
    assert closes - opens == timedelta(hours=hours)


def test_a_slot_of_the_morning_after_keeps_its_wall_time():
    """What a fixed offset would get wrong: 09:00 in Berlin is another instant after the change."""
    asked = rules("Europe/Berlin", time(9), time(11))
    before, after = date(2026, 3, 28), date(2026, 3, 29)
    assert walls(asked, before) == walls(asked, after) == ["09:00", "10:00"]
    assert next(policy.iter_slots(asked, before))[0] == datetime(2026, 3, 28, 8, tzinfo=UTC)
    assert next(policy.iter_slots(asked, after))[0] == datetime(2026, 3, 29, 7, tzinfo=UTC)


def test_a_wall_time_in_a_gap_does_not_exist_and_moves_on_by_the_gap():
    berlin = ZoneInfo("Europe/Berlin")
    assert not wall_time_exists(berlin, date(2026, 3, 29), time(2, 30))
    assert wall_time_exists(berlin, date(2026, 3, 29), time(3, 30))
    assert to_instant(berlin, date(2026, 3, 29), time(2, 30)) == datetime(
        2026, 3, 29, 1, 30, tzinfo=UTC
    )


def test_a_wall_time_in_a_fold_is_the_first_of_the_two():
    berlin = ZoneInfo("Europe/Berlin")
    assert to_instant(berlin, date(2026, 10, 25), time(2, 30)) == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )


# properties, over zones and days


zones = st.sampled_from(ZONES)
any_day = st.dates(date(2024, 1, 1), date(2032, 12, 31))
lengths = st.sampled_from([15, 20, 30, 45, 60, 90, 120]).map(lambda m: timedelta(minutes=m))
hours = st.tuples(st.integers(0, 23), st.integers(0, 23)).map(lambda p: (time(p[0]), time(p[1])))


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, date]:
    """A zone with a date on which its clocks change."""
    zone = draw(zones)
    on, info = draw(any_day), ZoneInfo(zone)
    for _ in range(366):
        before = datetime.combine(on, time(0), info).utcoffset()
        if before != datetime.combine(on + DAY, time(0), info).utcoffset():
            return zone, on
        on += DAY
    assume(False)
    raise AssertionError("unreachable")


def check_slots(asked: Rules, on: date, length: timedelta) -> None:
    opens = asked.venue.opens_at
    slots, [whole] = list(policy.iter_slots(asked, on)), asked.schedule.list_intervals(on)
    assert all(end - start == length for start, end in slots)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(slots))
    assert all(whole[0] <= start and end <= whole[1] for start, end in slots)
    for start, _ in slots:
        wall = start.astimezone(asked.zone).replace(tzinfo=None)
        assert (wall - datetime.combine(on, opens)) % length == timedelta(0)


@given(changes(), hours, lengths)
def test_slots_keep_wall_time_and_length_and_never_overlap(change, hours, length):
    zone, on = change
    check_slots(rules(zone, *hours, length), on, length)


@given(changes(), hours, lengths)
def test_no_slot_is_lost_on_a_day_of_change(change, hours, length):
    """Every instant at which a clock there shows a time of the grid begins a slot, lies inside
    one that began before, or has too little left before closing."""
    zone, on = change
    asked = rules(zone, *hours, length)
    slots = list(policy.iter_slots(asked, on))
    [(_, closes)] = asked.schedule.list_intervals(on)
    opens = datetime.combine(on, hours[0])
    last = datetime.combine(on + DAY if hours[1] <= hours[0] else on, hours[1])
    wall = opens
    while wall < last:
        for fold in (0, 1):
            aware = wall.replace(tzinfo=asked.zone, fold=fold)
            instant = aware.astimezone(UTC)
            if instant.astimezone(asked.zone).replace(tzinfo=None) == wall:
                inside = any(start <= instant < end for start, end in slots)
                assert inside or instant + length > closes or instant < slots[0][0]
        wall += length


@given(zones, any_day, hours, lengths)
def test_a_day_without_a_change_has_exactly_the_slots_that_fit(zone, on, hours, length):
    info = ZoneInfo(zone)
    offsets = {datetime.combine(on + n * DAY, time(12), info).utcoffset() for n in (-1, 0, 1, 2)}
    assume(len(offsets) == 1)
    open_for = (datetime.combine(on, hours[1]) - datetime.combine(on, hours[0])) % DAY or DAY
    assert len(list(policy.iter_slots(rules(zone, *hours, length), on))) == open_for // length


@given(changes(), hours, lengths)
def test_every_slot_of_the_grid_may_be_booked(change, hours, length):
    zone, on = change
    asked = rules(zone, *hours, length)
    now = to_instant(asked.zone, on, time(0)) - 2 * DAY
    for start, end in policy.iter_slots(asked, on):
        policy.check_booking(asked, start, end, now, 1)


@given(zones, any_day, st.times())
def test_a_wall_time_that_exists_is_read_back_as_it_was_written(zone, on, at):
    info = ZoneInfo(zone)
    shown = to_instant(info, on, at).astimezone(info).replace(tzinfo=None)
    assert wall_time_exists(info, on, at) == (shown == datetime.combine(on, at))
    assert abs(shown - datetime.combine(on, at)) <= DAY


@given(zones, any_day)
def test_days_that_meet_at_midnight_are_one_open_stretch(zone, on):
    asked = rules(zone)
    start = to_instant(asked.zone, on, time(0))
    assert len(policy.list_open_intervals(asked, start, start + 3 * DAY)) == 1
