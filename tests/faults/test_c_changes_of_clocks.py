"""The days on which clocks change: slots are wall times, deadlines keep their length."""

from __future__ import annotations

from datetime import date, time, timedelta
from itertools import pairwise

import pytest

from api import errors, policy, terms
from api.models import Resource, Venue
from api.opening_hours import to_instant
from api.policy import DAY, Rules

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

# 22: the days on which clocks change, and the same days in a zone that never changes

CHANGES = [
    ("America/New_York", date(2027, 3, 14), 23 * HOUR),
    ("America/New_York", date(2027, 11, 7), 25 * HOUR),
    ("Europe/Berlin", date(2027, 3, 28), 23 * HOUR),
    ("Europe/Berlin", date(2027, 10, 31), 25 * HOUR),
    ("Australia/Lord_Howe", date(2027, 10, 3), 23.5 * HOUR),
    ("Australia/Lord_Howe", date(2027, 4, 4), 24.5 * HOUR),
    ("Asia/Kolkata", date(2027, 3, 28), 24 * HOUR),
    ("Asia/Kolkata", date(2027, 10, 31), 24 * HOUR),
]


def rules_in(zone: str, **more: object) -> Rules:
    venue = Venue(slug="x", name="x", time_zone=zone, slot_length=30 * MINUTE, **more)
    return Rules(Resource(venue=venue, name="x", capacity=4), venue, [], [])


@pytest.mark.parametrize(("zone", "on", "length"), CHANGES)
def test_22_on_a_day_of_change_no_slot_is_lost_or_doubled(zone, on, length):
    rules = rules_in(zone)
    slots = list(policy.iter_slots(rules, on))
    assert len(slots) == length / (30 * MINUTE)
    assert {end - start for start, end in slots} == {30 * MINUTE}
    assert all(end <= start for (_, end), (start, _) in pairwise(slots))
    shown = [start.astimezone(rules.zone) for start, _ in slots]
    assert {(wall.date(), wall.minute) for wall in shown} == {(on, 0), (on, 30)}


@pytest.mark.parametrize(("zone", "on", "length"), CHANGES)
@pytest.mark.parametrize("hour", [9, 15], ids=["before noon", "after noon"])
def test_22_the_same_wall_time_is_kept_across_the_change(zone, on, length, hour):
    """Adding whole days to an instant instead would move every start by the change."""
    rules = rules_in(zone)
    walls = [
        to_instant(rules.zone, on + n * DAY, time(hour)).astimezone(rules.zone)
        for n in range(-2, 3)
    ]
    assert [wall.time() for wall in walls] == [time(hour)] * 5
    grid = {start for start, _ in policy.iter_slots(rules, on)}
    assert to_instant(rules.zone, on, time(hour)) in grid


@pytest.mark.parametrize(("zone", "on", "length"), CHANGES)
def test_22_minute_by_minute_days_ahead_are_local_dates_and_deadlines_keep_their_length(
    zone, on, length
):
    rules = rules_in(zone, max_advance=timedelta(days=3), remind_before=15 * MINUTE)
    noon = [to_instant(rules.zone, on + n * DAY, time(12)) for n in (3, 4)]
    now = to_instant(rules.zone, on, time(0))
    for _ in range(int(length / MINUTE)):
        policy.check_notice(rules, noon[0], noon[0] + HOUR, now)
        with pytest.raises(errors.TooFarAhead):
            policy.check_notice(rules, noon[1], noon[1] + HOUR, now)
        start = now + HOUR
        set_for = terms.calculate_deadlines(rules.venue, start, start + HOUR, now)
        assert start - set_for["remind_at"] == 15 * MINUTE
        assert set_for["completes_at"] - start == HOUR
        assert (
            terms.get_payment_columns(rules.venue, "held", 500, now)["hold_expires_at"] - now
            == 30 * MINUTE
        )
        now += MINUTE
    assert now == to_instant(rules.zone, on + DAY, time(0))
