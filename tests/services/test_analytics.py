"""What each figure means, in exact numbers. docs/analytics.md says the same in words."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.models import Closure, Resource, Venue
from api.queries.analytics import aggregates, analytics
from tests.support.past_bookings import MINUTE, at, meeting

pytestmark = pytest.mark.django_db

MONDAY = date(2024, 1, 15)
SUNDAY = MONDAY + timedelta(days=6)


@pytest.fixture
def office(db: None) -> Venue:
    """Twelve hours a day."""
    return Venue.objects.create(
        slug="office",
        name="Office",
        time_zone="Europe/Berlin",
        opens_at=time(7),
        closes_at=time(19),
    )


@pytest.fixture
def room(office: Venue) -> Resource:
    return Resource.objects.create(venue=office, name="Ada", building="North", capacity=4)


def of(figures, room):
    return next(row for row in figures if row["resource_id"] == room.pk)


def rate(room, first_on=MONDAY, last_on=MONDAY):
    return of(analytics.compute_utilization(room.venue, first_on, last_on), room)[
        "utilization_rate"
    ]


# utilization


def test_utilization_is_booked_time_over_open_time_of_every_day(room, office, ana):
    meeting(room, ana, at(room, MONDAY), 180)
    meeting(room, ana, at(room, MONDAY, "14:00"), 90)
    meeting(room, ana, at(room, SUNDAY, "09:30"), 60)
    assert analytics.compute_utilization(office, MONDAY, SUNDAY) == [
        {
            "resource_id": room.pk,
            "name": "Ada",
            "utilization_rate": 6.5,  # 5.5 of 84 hours
            "total_bookings": 3,
            "total_hours": 5.5,
            "peak_hours": ["09:00", "14:00"],
        }
    ]


def test_a_room_without_bookings_is_there_with_zeros(room, office):
    assert analytics.compute_utilization(office, MONDAY, MONDAY) == [
        {
            "resource_id": room.pk,
            "name": "Ada",
            "utilization_rate": 0.0,
            "total_bookings": 0,
            "total_hours": 0.0,
            "peak_hours": [],
        }
    ]


def test_time_outside_opening_hours_is_not_counted(room, ana):
    meeting(room, ana, at(room, MONDAY, "06:00"), 120)
    meeting(room, ana, at(room, MONDAY, "18:00"), 300)
    figures = of(analytics.compute_utilization(room.venue, MONDAY, MONDAY), room)
    assert (figures["total_hours"], figures["total_bookings"]) == (2.0, 2)
    assert figures["utilization_rate"] == 16.7


def test_time_counts_on_the_dates_in_which_it_falls_and_the_booking_where_it_starts(room, ana):
    meeting(room, ana, at(room, MONDAY, "18:00"), 60 * 14)  # until 08:00 on Tuesday
    tuesday = MONDAY + timedelta(days=1)
    monday = of(analytics.compute_utilization(room.venue, MONDAY, MONDAY), room)
    after = of(analytics.compute_utilization(room.venue, tuesday, tuesday), room)
    assert (monday["total_hours"], monday["total_bookings"]) == (1.0, 1)
    assert (after["total_hours"], after["total_bookings"], after["peak_hours"]) == (1.0, 0, [])


def test_a_rate_is_never_above_a_hundred(room, ana):
    for _ in range(3):
        meeting(room, ana, at(room, MONDAY, "07:00"), 12 * 60)
    assert rate(room) == 100.0


def test_a_closed_date_and_a_closed_weekday_have_no_open_time(room, office, ana):
    Closure.objects.create(venue=office, first_on=MONDAY, last_on=MONDAY + timedelta(days=1))
    office.closed_weekdays = [5, 6]
    office.save()
    meeting(room, ana, at(room, MONDAY, "09:00"), 60)
    meeting(room, ana, at(room, MONDAY + timedelta(days=2), "09:00"), 180)
    assert rate(room, MONDAY, SUNDAY) == 8.3  # 3 of 36 hours
    assert rate(room, MONDAY, MONDAY) == 0.0


def test_a_room_may_have_hours_of_its_own(room, ana):
    room.opens_at, room.closes_at = time(9), time(13)
    room.save()
    meeting(room, ana, at(room, MONDAY, "08:00"), 120)
    assert rate(room) == 25.0


def test_hours_past_midnight_belong_to_the_date_in_which_they_fall(room, ana):
    room.opens_at, room.closes_at = time(20), time(2)
    room.save()
    tuesday = MONDAY + timedelta(days=1)
    meeting(room, ana, at(room, MONDAY, "23:00"), 120)
    assert rate(room, MONDAY, MONDAY) == 16.7  # 1 of 6: 00-02 and 20-24
    assert rate(room, tuesday, tuesday) == 16.7
    assert rate(room, MONDAY, tuesday) == 16.7  # 2 of 12


@pytest.mark.parametrize(
    ("on", "hours"), [(date(2024, 3, 31), 23), (date(2024, 10, 27), 25), (date(2024, 5, 1), 24)]
)
def test_a_day_on_which_clocks_change_is_as_long_as_it_is(room, ana, on, hours):
    room.opens_at = room.closes_at = time(0)
    room.save()
    meeting(room, ana, at(room, on, "12:00"), 60 * hours / 10)
    assert rate(room, on, on) == 10.0


def test_a_booking_over_the_repeated_hour_takes_both(room, ana):
    on = date(2024, 10, 27)
    room.opens_at = room.closes_at = time(0)
    room.save()
    meeting(room, ana, at(room, on, "01:00"), 180)  # until 03:00 of the wall clock
    figures = of(analytics.compute_utilization(room.venue, on, on), room)
    assert figures["total_hours"] == 3.0
    assert analytics.compute_heat_map(room.venue, on, on)[6][:4] == [0.0, 1.0, 2.0, 0.0]


def test_an_ended_meeting_counts_until_it_was_ended(room, ana):
    start = at(room, MONDAY)
    meeting(room, ana, start, 120, ended_at=start + 30 * MINUTE)
    meeting(room, ana, start + 180 * MINUTE, 60, ended_at=start)  # ended before it began
    figures = of(analytics.compute_utilization(room.venue, MONDAY, MONDAY), room)
    assert (figures["total_hours"], figures["total_bookings"]) == (0.5, 2)


def test_a_no_show_took_the_room_until_it_was_released(room, ana):
    start = at(room, MONDAY)
    meeting(room, ana, start, 120, "no_show", no_show_at=start + 15 * MINUTE)
    assert (
        of(analytics.compute_utilization(room.venue, MONDAY, MONDAY), room)["total_hours"] == 0.25
    )


@pytest.mark.parametrize("status", ["cancelled", "rejected", "expired"])
def test_what_never_took_place_is_not_counted(room, ana, status):
    meeting(room, ana, at(room, MONDAY), status=status)
    figures = of(analytics.compute_utilization(room.venue, MONDAY, MONDAY), room)
    assert (figures["total_bookings"], figures["total_hours"]) == (0, 0.0)


def test_dead_holds_and_unanswered_requests_count_no_more_before_any_sweep(room, ana):
    meeting(room, ana, at(room, MONDAY, "08:00"), status="held")
    meeting(room, ana, at(room, MONDAY, "10:00"), status="pending")
    far = datetime.now(UTC) + timedelta(days=9)
    meeting(room, ana, at(room, MONDAY, "12:00"), status="held", hold_expires_at=far)
    meeting(room, ana, at(room, MONDAY, "14:00"), status="pending", lapses_at=far)
    meeting(room, ana, at(room, MONDAY, "16:00"), status="checked_in")
    figures = of(analytics.compute_utilization(room.venue, MONDAY, MONDAY), room)
    assert figures["peak_hours"] == ["12:00", "14:00", "16:00"]
    assert figures["total_bookings"] == 3


def test_peak_hours_are_the_three_most_frequent_starts_earlier_ones_first(room, ana):
    for clock in ("15:00", "15:30", "09:00", "09:45", "11:00", "08:00", "08:20", "08:40"):
        meeting(room, ana, at(room, MONDAY, clock), 10)
    figures = of(analytics.compute_utilization(room.venue, MONDAY, MONDAY), room)
    assert figures["peak_hours"] == ["08:00", "09:00", "15:00"]


def test_rooms_of_a_building_alone(room, office, ana):
    Resource.objects.create(venue=office, name="Bob", building="South")
    names = [row["name"] for row in analytics.compute_utilization(office, MONDAY, MONDAY, "nORTH")]
    assert names == ["Ada"]
    assert analytics.compute_utilization(office, MONDAY, MONDAY, "Elsewhere") == []


def test_a_retired_room_is_left_out(room, office):
    room.retired_at = datetime.now(UTC)
    room.save()
    assert analytics.compute_utilization(office, MONDAY, MONDAY) == []
    assert analytics.compute_kpi(office, MONDAY, MONDAY)["total_rooms"] == 0


# ghosting


def test_ghosting_is_the_share_of_no_shows_and_their_mean_length(room, office, ana):
    meeting(room, ana, at(room, MONDAY, "08:00"), 60)
    meeting(room, ana, at(room, MONDAY, "10:00"), 30, "no_show")
    meeting(room, ana, at(room, MONDAY, "12:00"), 45, "no_show")
    assert analytics.compute_ghosting(office, MONDAY, MONDAY) == [
        {
            "resource_id": room.pk,
            "name": "Ada",
            "ghosting_rate": 66.7,
            "no_shows": 2,
            "total_bookings": 3,
            "average_wasted_minutes": 37.5,
        }
    ]


def test_what_should_have_been_released_is_a_no_show_before_any_sweep(room, office, ana):
    start = at(room, MONDAY)
    meeting(room, ana, start, 60, "confirmed", no_show_at=start + 15 * MINUTE)
    figures = of(analytics.compute_ghosting(office, MONDAY, MONDAY), room)
    assert (figures["no_shows"], figures["ghosting_rate"]) == (1, 100.0)
    assert of(analytics.compute_utilization(office, MONDAY, MONDAY), room)["total_hours"] == 0.25


# capacity


def test_capacity_counts_the_people_listed_and_the_organizer(room, office, ana, ben, sam, ada):
    alone = meeting(room, ana, at(room, MONDAY, "08:00"))  # 1 of 4: over half empty
    pair = meeting(room, ana, at(room, MONDAY, "10:00"), guests=9)
    pair.attendees.set([ben])  # 2 of 4; the list counts, not the guess
    crowd = meeting(room, ana, at(room, MONDAY, "12:00"), guests=7)
    assert (alone.guests, crowd.guests) == (1, 7)
    assert analytics.compute_capacity(office, MONDAY, MONDAY) == [
        {
            "resource_id": room.pk,
            "name": "Ada",
            "capacity": 4,
            "average_attendees": 3.3,
            "capacity_utilization": 83.3,
            "oversized": 1,
            "undersized": 1,
        }
    ]


def test_a_room_for_nobody_divides_by_nothing(room, office, ana):
    Resource.objects.filter(pk=room.pk).update(capacity=0)
    meeting(room, ana, at(room, MONDAY))
    figures = of(analytics.compute_capacity(office, MONDAY, MONDAY), room)
    assert (figures["capacity_utilization"], figures["undersized"]) == (0.0, 1)


# key figures


def test_key_figures_and_their_change_against_the_preceding_range(room, office, ana):
    Resource.objects.create(venue=office, name="Bob")
    before, week = MONDAY - timedelta(days=7), timedelta(days=7)
    for day in range(4):
        meeting(room, ana, at(room, before + timedelta(days=day)), 126)
    for day in range(5):
        status = "no_show" if day == 0 else "completed"
        meeting(room, ana, at(room, before + week + timedelta(days=day)), 252, status)
    assert analytics.compute_kpi(office, MONDAY, SUNDAY) == {
        "total_rooms": 2,
        "avg_utilization": 12.5,  # 21 of 168 hours
        "utilization_change": 7.5,  # from 8.4 hours, 5 %
        "ghosting_rate": 20.0,
        "ghosting_change": 20.0,
        "total_bookings": 5,
        "bookings_change": 25.0,
    }


def test_a_change_from_nothing_is_no_percentage(room, office, ana):
    meeting(room, ana, at(room, MONDAY))
    figures = analytics.compute_kpi(office, MONDAY, MONDAY)
    assert (figures["total_bookings"], figures["bookings_change"]) == (1, None)


def test_all_venues_each_in_its_own_zone(room, ana):
    tokyo = Venue.objects.create(slug="tokyo", name="Tokyo", time_zone="Asia/Tokyo")
    desk = Resource.objects.create(venue=tokyo, name="Desk")
    meeting(room, ana, at(room, MONDAY, "08:00"))
    meeting(desk, ana, at(desk, MONDAY, "08:00"))  # still Sunday in Berlin
    figures = analytics.compute_utilization(None, MONDAY, MONDAY)
    assert [(row["name"], row["peak_hours"]) for row in figures] == [
        ("Ada", ["08:00"]),
        ("Desk", ["08:00"]),
    ]
    assert analytics.compute_kpi(None, MONDAY, MONDAY)["total_bookings"] == 2


def test_the_heat_map_has_booked_hours_by_weekday_and_hour_within_opening_hours(room, office, ana):
    meeting(room, ana, at(room, MONDAY, "06:30"), 90)  # open from 07:00
    meeting(room, ana, at(room, SUNDAY, "10:15"), 90)
    table = analytics.compute_heat_map(office, MONDAY, SUNDAY)
    assert [len(row) for row in table] == [24] * 7
    assert {(d, h): v for d, row in enumerate(table) for h, v in enumerate(row) if v} == {
        (0, 7): 1.0,
        (6, 10): 0.75,
        (6, 11): 0.75,
    }


@pytest.mark.parametrize(
    "figure",
    [
        analytics.compute_kpi,
        analytics.compute_utilization,
        analytics.compute_ghosting,
        analytics.compute_capacity,
        analytics.compute_heat_map,
    ],
)
def test_a_figure_takes_as_many_statements_for_one_room_as_for_many(figure, office, room, ana):
    with CaptureQueriesContext(connection) as one:
        figure(None, MONDAY, SUNDAY)
    other = Venue.objects.create(slug="other", name="Other", opens_at=time(8), closes_at=time(9))
    for number in range(5):
        place = Resource.objects.create(
            venue=(office, other)[number % 2],
            name=f"{number}",
            opens_at=time(number),
            closes_at=time(20),
        )
        meeting(place, ana, at(place, MONDAY))
    with CaptureQueriesContext(connection) as many:
        figure(None, MONDAY, SUNDAY)
    assert len(many) == len(one) <= 13
    with CaptureQueriesContext(connection) as straight:
        figure(None, MONDAY, SUNDAY, source=aggregates)
    assert len(straight) <= 5
