"""README, "API Endpoints", "Calendar and settings", its calendar."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db.models.functions import Now

from api.models import Booking, BookingEvent, Closure, Resource
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking

from .conftest import PENDING

pytestmark = pytest.mark.django_db


def hours(start, end):
    return {"start_time": f"{start:02}:00:00", "end_time": f"{end:02}:00:00"}


def slot(hour):
    kind = "PRIMETIME" if hour >= 17 else "FREE_FOR_ALL"
    return {**hours(hour, hour + 1), "type": kind, "available": True}


def test_a_day_holds_hours_primetime_free_slots_and_what_is_taken(call, take, ana, shape, on):
    mine, request, gone = take(ana), take(ana, 17), take(ana, 12)
    cancel_booking(gone.pk, Actor.for_booking(ana, gone))
    status, made = call(ana)("GET", f"/reservations/calendar/?start_date={on}&end_date={on}")
    day = {
        "date": on.isoformat(),
        "is_primetime": True,
        "primetime_hours": hours(17, 19),
        "business_hours": hours(7, 19),
        "available_slots": [slot(hour) for hour in range(7, 19) if hour not in (10, 17)],
        "reserved_slots": [shape(mine), shape(request, **PENDING)],
    }
    assert (status, made) == (
        200,
        {"start_date": on.isoformat(), "end_date": on.isoformat(), "calendar": [day]},
    )


def test_names_and_notes_are_shown_to_their_owner_and_to_admins_alone(
    call, take, ana, ben, sam, shape, on
):
    mine = take(ana, notes="Bring balls", title="Practice")
    path = f"/reservations/calendar/?start_date={on}&end_date={on}"

    def seen(user):
        return call(user)("GET", path)[1]["calendar"][0]["reserved_slots"]

    whole = shape(mine, notes="Bring balls", booking_name="Practice")
    assert seen(ana) == seen(sam) == [whole]
    nobody = {"email": "", "first_name": "", "last_name": ""}
    veiled = whole | {"user": whole["user"] | nobody, "notes": "", "booking_name": ""}
    assert seen(ben) == [veiled]


def test_without_dates_the_calendar_begins_today_and_ends_a_week_later(call, site, ana):
    today = datetime.now(UTC).date()
    made = call(ana)("GET", "/reservations/calendar/")[1]
    assert made["start_date"] == today.isoformat()
    assert made["end_date"] == (today + timedelta(days=7)).isoformat()
    assert len(made["calendar"]) == 8


def test_a_day_without_a_window_has_no_primetime_and_a_closed_one_no_slots(call, site, ana, on):
    site.primetime.all().delete()
    Closure.objects.create(venue=site, first_on=on, last_on=on)
    next_day = on + timedelta(days=1)
    path = f"/reservations/calendar/?start_date={on}&end_date={next_day}"
    closed, free = call(ana)("GET", path)[1]["calendar"]
    assert (closed["available_slots"], closed["primetime_hours"]) == ([], None)
    assert (free["is_primetime"], len(free["available_slots"])) == (False, 12)


def test_a_slot_that_would_pass_closing_is_not_offered(call, site, ana, on):
    site.slot_length = timedelta(minutes=90)
    site.closes_at = time(11)
    site.save()
    path = f"/reservations/calendar/?start_date={on}&end_date={on}"
    slots = call(ana)("GET", path)[1]["calendar"][0]["available_slots"]
    assert [(s["start_time"], s["end_time"]) for s in slots] == [
        ("07:00:00", "08:30:00"),
        ("08:30:00", "10:00:00"),
    ]


def test_a_request_nobody_answered_in_time_blocks_nothing_before_its_sweep(call, take, ana, on):
    request = take(ana, 17)
    Booking.objects.filter(pk=request.pk).update(lapses_at=Now())
    path = f"/reservations/calendar/?start_date={on}&end_date={on}"
    day = call(ana)("GET", path)[1]["calendar"][0]
    assert day["reserved_slots"] == []
    assert slot(17) in day["available_slots"]


DATE = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."
RANGE = "From the start date on, at most 92 days."


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("start_date=tomorrow", {"start_date": [DATE]}),
        ("end_date=2030-13-01", {"end_date": [DATE]}),
        ("start_date=0001-01-01", {"start_date": ["That is not a date anyone can book."]}),
        ("start_date=2030-01-02&end_date=2030-01-01", {"end_date": [RANGE]}),
        ("start_date=2030-01-01&end_date=2031-01-01", {"end_date": [RANGE]}),
    ],
)
def test_a_malformed_range_is_refused(call, site, ana, query, said):
    assert call(ana)("GET", f"/reservations/calendar/?{query}") == (400, said)


def test_strangers_see_no_calendar(call, site):
    assert call(None)("GET", "/reservations/calendar/") == (401, None)


def test_a_month_with_a_thousand_bookings_takes_at_most_six_statements(
    call, place, site, ana, ben, on, django_assert_max_num_queries
):
    start = datetime.combine(on, time(7), UTC)
    minutes = [timedelta(days=n // 36, minutes=20 * (n % 36)) for n in range(1000)]
    Booking.objects.bulk_create(
        Booking(
            venue=site,
            resource=place,
            owner=(ana, ben)[n % 2],
            starts_at=start + after,
            ends_at=start + after + timedelta(minutes=20),
            status="confirmed",
            completes_at=start + after + timedelta(minutes=20),
        )
        for n, after in enumerate(minutes)
    )
    caller = call(ana)
    with django_assert_max_num_queries(6):
        made = caller(
            "GET", f"/reservations/calendar/?start_date={on}&end_date={on + timedelta(days=30)}"
        )[1]
    assert len(made["calendar"]) == 31
    assert sum(len(day["reserved_slots"]) for day in made["calendar"]) == 1000


def test_the_court_makes_itself(call, db, ana):
    assert call(ana)("GET", "/reservations/calendar/")[0] == 200
    assert Resource.objects.get().venue.slug == "primetime"
    assert not BookingEvent.objects.exists()


def test_a_past_day_shows_its_slots_as_any_other(call, site, ana):
    day = datetime.now(UTC).date() - timedelta(days=1)
    path = f"/reservations/calendar/?start_date={day}&end_date={day}"
    assert len(call(ana)("GET", path)[1]["calendar"][0]["available_slots"]) == 12
