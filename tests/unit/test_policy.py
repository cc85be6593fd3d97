"""The policy as pure functions: what is refused and which deadlines are set, without a database."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from api import errors, policy, terms
from api.lifecycle import Status
from api.models import Closure, PrimetimeWindow, Resource, Venue
from api.policy import Rules

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # a Monday


def rules(
    *, windows: tuple[PrimetimeWindow, ...] = (), closures: tuple[Closure, ...] = (), **fields
) -> Rules:
    own = {k: fields.pop(k) for k in list(fields) if k in RESOURCE}
    venue = Venue(slug="club", name="Club", **fields)
    return Rules(Resource(venue=venue, name="Court", capacity=4, **own), venue, windows, closures)


RESOURCE = ("price_minor", "own_slot_length", "maintenance", "is_available")


def at(hour: float, day: int = 0) -> datetime:
    """That hour of the day after `NOW`'s, in UTC, `day` days later."""
    return datetime(2026, 3, 3, tzinfo=UTC) + timedelta(hours=hour, days=day)


def refusal(asked: Rules, starts_at: datetime, ends_at: datetime, guests: int = 1) -> str:
    """The code of the refusal, or nothing."""
    try:
        policy.check_booking(asked, starts_at, ends_at, NOW, guests)
    except errors.Refusal as refused:
        return refused.code
    return ""


@pytest.mark.parametrize(
    ("fields", "starts_at", "ends_at", "code"),
    [
        ({}, at(9), at(10), ""),
        ({}, at(9), at(9), "ends_before_start"),
        ({}, at(10), at(9), "ends_before_start"),
        ({}, at(9), at(9) + 31 * DAY, ""),
        ({}, at(9), at(9) + 31 * DAY + MINUTE, "absurd_time"),
        ({}, NOW - HOUR, NOW + HOUR, "in_the_past"),
        ({}, NOW - 2 * HOUR, NOW - HOUR, "in_the_past"),
        ({}, NOW - timedelta(seconds=1), NOW + HOUR, ""),  # spent on its way here
        ({}, NOW - timedelta(seconds=3), NOW + HOUR, "in_the_past"),
        ({"min_notice": 30 * MINUTE}, NOW + 29 * MINUTE, NOW + HOUR, "too_soon"),
        ({"min_notice": 30 * MINUTE}, NOW + 30 * MINUTE, NOW + HOUR, ""),
        ({"min_notice": -1 * HOUR}, NOW - 30 * MINUTE, NOW + HOUR, ""),
        ({"min_notice": -1 * HOUR}, NOW - 90 * MINUTE, NOW + HOUR, "too_soon"),
        ({"min_notice": -1 * DAY}, NOW - 2 * HOUR, NOW - HOUR, "in_the_past"),
        ({"max_advance": DAY}, at(23), at(24), ""),
        ({"max_advance": DAY}, at(24), at(25), "too_far_ahead"),
        ({"max_advance": 5 * HOUR}, NOW + 5 * HOUR, NOW + 6 * HOUR, ""),
        ({"max_advance": 5 * HOUR}, NOW + 6 * HOUR, NOW + 7 * HOUR, "too_far_ahead"),
        ({"same_day_allowed": False}, NOW + HOUR, NOW + 2 * HOUR, "same_day_not_allowed"),
        ({"same_day_allowed": False}, at(0), at(1), ""),
        ({"opens_at": time(9), "closes_at": time(17)}, at(9), at(17), ""),
        ({"opens_at": time(9), "closes_at": time(17)}, at(8.5), at(10), "outside_hours"),
        ({"opens_at": time(9), "closes_at": time(17)}, at(16), at(17.5), "outside_hours"),
        ({"opens_at": time(9), "closes_at": time(17)}, at(16), at(34), "outside_hours"),
        ({"opens_at": time(18), "closes_at": time(2)}, at(23), at(26), ""),
        ({"opens_at": time(18), "closes_at": time(2)}, at(1), at(2), ""),
        ({"opens_at": time(18), "closes_at": time(2)}, at(1), at(3), "outside_hours"),
        ({"opens_at": time(0), "closes_at": time(0)}, at(20), at(50), ""),
        ({"opens_at": time(9), "closes_at": time(17), "hours_enforced": False}, at(3), at(4), ""),
        ({"closed_weekdays": [1]}, at(9), at(10), "outside_hours"),
        ({"closed_weekdays": [2]}, at(9), at(10), ""),
        ({"maintenance": True}, at(9), at(10), "resource_unavailable"),
        ({"is_available": False}, at(9), at(10), "resource_unavailable"),
        ({"slot_rule": "whole"}, at(9.5), at(10.5), ""),
        ({"slot_rule": "whole"}, at(9), at(10.5), "not_whole_slots"),
        ({"slot_rule": "grid"}, at(9), at(11), ""),
        ({"slot_rule": "grid"}, at(9.5), at(10.5), "not_whole_slots"),
        ({"slot_rule": "grid", "own_slot_length": 30 * MINUTE}, at(9.5), at(10.5), ""),
    ],
)
def test_the_policy_refuses_with_a_code_that_names_the_matter(fields, starts_at, ends_at, code):
    assert refusal(rules(**fields), starts_at, ends_at) == code


@pytest.mark.parametrize("year", [1, 1989, 2201, 9999])
def test_instants_that_nobody_books_are_absurd_and_never_an_overflow(year):
    moment = datetime(year, 12, 31, 23, 30, tzinfo=UTC)
    assert refusal(rules(time_zone="Asia/Tokyo"), moment, at(9)) == "absurd_time"
    assert refusal(rules(time_zone="Asia/Tokyo"), at(9), moment) == "absurd_time"


@pytest.mark.parametrize("year", [1990, 2020, 2035])
def test_what_ends_before_it_begins_is_refused_in_any_year(year):
    moment = datetime(year, 7, 1, 12, tzinfo=UTC)
    assert refusal(rules(), moment, moment - HOUR) == "ends_before_start"


@pytest.mark.parametrize("year", [1, 1990, 2020])
def test_a_time_long_ago_is_past_as_yesterday_is(year):
    moment = datetime(year, 12, 31, 23, 30, tzinfo=UTC)
    assert refusal(rules(time_zone="Asia/Tokyo"), moment, moment + HOUR / 3) == "in_the_past"


def test_a_time_without_an_offset_is_nobodys_time():
    assert refusal(rules(), at(9), at(10).replace(tzinfo=None)) == "absurd_time"


def test_guests_beyond_the_capacity_are_refused_with_the_capacity():
    assert refusal(rules(), at(9), at(10), guests=4) == ""
    with pytest.raises(errors.OverCapacity) as refused:
        policy.check_booking(rules(), at(9), at(10), NOW, 5)
    assert refused.value.data == {"capacity": 4}


def test_a_closed_date_is_refused_with_its_reason_and_the_first_day_it_hits():
    spring = Closure(first_on=date(2026, 3, 1), last_on=date(2026, 3, 4), reason="Cleaning")
    with pytest.raises(errors.Closed) as refused:
        policy.check_booking(rules(closures=(spring,)), at(9), at(10), NOW, 1)
    assert refused.value.data == {"reason": "Cleaning", "on": date(2026, 3, 3)}


def test_a_closed_date_ends_the_night_before_it():
    closed = Closure(first_on=date(2026, 3, 4), last_on=date(2026, 3, 4))
    night = rules(closures=(closed,), opens_at=time(18), closes_at=time(2))
    assert refusal(night, at(22), at(24)) == ""
    assert refusal(night, at(23), at(25)) == "closed"
    assert [s for s, _ in policy.iter_slots(night, date(2026, 3, 3))] == [
        at(h) for h in range(18, 24)
    ]


def test_max_advance_is_the_same_number_of_days_on_both_sides_of_a_change_of_clocks():
    berlin = rules(time_zone="Europe/Berlin", max_advance=30 * DAY)
    now = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)  # 23:30 in Berlin, clocks change on the 29th
    late = datetime(2026, 3, 31, 21, 30, tzinfo=UTC)  # 23:30 in Berlin, 30 dates ahead
    policy.check_booking(berlin, late, late + 20 * MINUTE, now, 1)
    with pytest.raises(errors.TooFarAhead) as refused:
        policy.check_booking(berlin, late + HOUR, late + 2 * HOUR, now, 1)
    assert refused.value.data == {"latest": date(2026, 3, 31)}


# primetime and approval


def window(weekday: int, start: int, end: int, active: bool = True) -> PrimetimeWindow:
    return PrimetimeWindow(
        weekday=weekday, starts_at=time(start), ends_at=time(end), is_active=active
    )


@pytest.mark.parametrize(
    ("any_overlap", "starts", "ends", "primetime"),
    [
        (True, 16, 17, False),
        (True, 16, 17.5, True),
        (True, 19.5, 21, True),
        (True, 20, 21, False),
        (False, 16, 17.5, False),
        (False, 17, 20, True),
    ],
)
def test_primetime_is_what_touches_a_window_or_lies_in_it(any_overlap, starts, ends, primetime):
    asked = rules(windows=(window(1, 17, 20),), primetime_any_overlap=any_overlap)
    assert policy.is_primetime(asked, at(starts), at(ends)) is primetime


def test_a_window_of_another_weekday_or_one_switched_off_is_not_primetime():
    asked = rules(windows=(window(0, 17, 20), window(1, 17, 20, active=False)))
    assert not policy.is_primetime(asked, at(17), at(18))


def test_primetime_is_the_venues_wall_time():
    asked = rules(windows=(window(1, 17, 20),), time_zone="America/New_York")
    assert not policy.is_primetime(asked, at(17), at(18))
    assert policy.is_primetime(asked, at(22), at(23))


@pytest.mark.parametrize(
    ("approval", "primetime", "price", "status"),
    [
        ("never", True, 0, Status.CONFIRMED),
        ("never", True, 500, Status.HELD),
        ("primetime", False, 0, Status.CONFIRMED),
        ("primetime", True, 0, Status.PENDING),
        ("primetime", True, 500, Status.PENDING),
        ("primetime", False, 500, Status.HELD),
        ("always", False, 0, Status.PENDING),
        ("always", False, 500, Status.PENDING),
    ],
)
def test_approval_comes_before_payment(approval, primetime, price, status):
    assert terms.get_initial_status(rules(approval=approval), primetime, price) == status


# price and deadlines


@pytest.mark.parametrize(
    ("minutes", "price"), [(30, 500), (60, 1000), (61, 1500), (1, 500), (89, 1500), (90, 1500)]
)
def test_the_price_counts_slots_begun(minutes, price):
    asked = rules(price_minor=500, own_slot_length=30 * MINUTE)
    assert terms.calculate_price(asked, at(9), at(9) + minutes * MINUTE) == price


def test_deadlines_are_counted_from_the_slot():
    venue = Venue(
        check_in_required=True,
        check_in_opens_before=10 * MINUTE,
        check_in_closes_after=20 * MINUTE,
        no_show_grace=15 * MINUTE,
        completion_after=5 * MINUTE,
        remind_before=HOUR,
    )
    assert terms.calculate_deadlines(venue, at(9), at(11), NOW) == {
        "lapses_at": at(9),
        "check_in_opens_at": at(9) - 10 * MINUTE,
        "check_in_closes_at": at(9) + 20 * MINUTE,
        "no_show_at": at(9) + 15 * MINUTE,
        "completes_at": at(11) + 5 * MINUTE,
        "remind_at": at(8),
    }


def test_completion_may_count_from_the_start():
    venue = Venue(completion_from="start", completion_after=35 * MINUTE)
    assert (
        terms.calculate_deadlines(venue, at(9), at(9.5), NOW)["completes_at"] == at(9) + 35 * MINUTE
    )


def test_without_check_in_nobody_is_a_no_show():
    assert terms.calculate_deadlines(Venue(), at(9), at(10), NOW)["no_show_at"] is None


def test_a_slot_booked_after_it_began_has_its_grace_and_its_answer_from_then_on():
    venue = Venue(check_in_required=True, remind_before=15 * MINUTE)
    began, ends = NOW - 10 * MINUTE, NOW + HOUR
    found = terms.calculate_deadlines(venue, began, ends, NOW)
    assert found["no_show_at"] == NOW + 15 * MINUTE
    assert found["check_in_closes_at"] == NOW + 15 * MINUTE
    assert found["lapses_at"] == ends
    venue.grace_from_booking = False
    found = terms.calculate_deadlines(venue, began, ends, NOW)
    assert found["no_show_at"] == found["check_in_closes_at"] == began + 15 * MINUTE
    assert found["remind_at"] is None


def test_a_hold_begins_with_its_status_and_only_a_price_asks_for_payment():
    venue = Venue(hold_length=30 * MINUTE)
    assert terms.get_payment_columns(venue, Status.HELD, 500, NOW) == {
        "hold_expires_at": NOW + 30 * MINUTE,
        "payment_status": "pending",
    }
    assert terms.get_payment_columns(venue, Status.PENDING, 500, NOW) == {
        "hold_expires_at": None,
        "payment_status": "pending",
    }
    assert terms.get_payment_columns(venue, Status.CONFIRMED, 0, NOW) == {
        "hold_expires_at": None,
        "payment_status": "none",
    }
