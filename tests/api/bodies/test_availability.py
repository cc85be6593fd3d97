"""What is free, of a resource and of a venue by days."""

from datetime import timedelta

import pytest

from api.models import Closure, PrimetimeWindow, Venue

from .shapes import API, HOUR, z

pytestmark = pytest.mark.django_db


def test_free_intervals_are_what_opening_hours_bookings_and_now_leave(
    get, venue, court, booked, ana, soon
):
    Venue.objects.update(opens_at="06:00", closes_at="22:00")
    day = (soon + timedelta(days=1)).replace(hour=0)
    booked(ana, hours=(day + 10 * HOUR - soon) / HOUR, length=2)
    path = f"resources/{court.pk}/availability/?start={z(day)}&end={z(day + 24 * HOUR)}"
    free = [
        {"starts_at": z(day + 6 * HOUR), "ends_at": z(day + 10 * HOUR)},
        {"starts_at": z(day + 12 * HOUR), "ends_at": z(day + 22 * HOUR)},
    ]
    assert get(path, None) == {"resource": court.pk, "free": free}
    assert get(f"{path}&duration=05:00:00", None)["free"] == free[1:]
    past = f"resources/{court.pk}/availability/?start=2020-01-01T00:00:00Z"
    assert get(f"{past}&end=2020-01-02T00:00:00Z", None)["free"] == []


def test_dates_are_days_of_the_venue_both_inclusive(get, venue, court, booked, ana, soon):
    """Across a change of clocks too: in Berlin the 30th of March 2031 has 23 hours."""
    Venue.objects.update(time_zone="Asia/Tokyo")
    day = (soon + timedelta(days=7)).date()
    start = venue_time(Venue.objects.get(), day, 0)
    booking = booked(ana, hours=(start + 9 * HOUR - soon) / HOUR)
    path = f"resources/{court.pk}/availability/"
    assert get(f"{path}?start={day}&end={day + timedelta(days=1)}", None)["free"] == [
        {"starts_at": z(start), "ends_at": z(booking.starts_at)},
        {"starts_at": z(booking.ends_at), "ends_at": z(start + 48 * HOUR)},
    ]
    assert get(f"{path}?start={day}&end={day}&duration=12:00:00", None)["free"] == [
        {"starts_at": z(booking.ends_at), "ends_at": z(start + 24 * HOUR)}
    ]
    Venue.objects.update(time_zone="Europe/Berlin")
    assert get(f"{path}?start=2031-03-30&end=2031-03-30", None)["free"] == [
        {"starts_at": "2031-03-29T23:00:00Z", "ends_at": "2031-03-30T22:00:00Z"}
    ]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "invalid"),
        ("start=2030-01-01T00:00:00Z", 400, "invalid"),
        ("start=2030-01-02T00:00:00Z&end=2030-01-01T00:00:00Z", 400, "ends_before_start"),
        ("start=2030-01-01T00:00:00Z&end=2032-01-01T00:00:00Z", 400, "absurd_time"),
        ("start=0001-01-01T00:00:00Z&end=0001-01-02T00:00:00Z", 400, "absurd_time"),
        ("start=9999-12-30T00:00:00Z&end=9999-12-31T00:00:00Z", 400, "absurd_time"),
        ("start=2030-01-01&end=2030-01-02T00:00:00Z", 400, "invalid"),
        ("start=2030-01-01T00:00:00&end=2030-01-02T00:00:00Z", 400, "invalid"),
        ("start=x&end=y", 400, "invalid"),
    ],
)
def test_a_bad_range_is_refused(client_of, court, query, status, code):
    answer = client_of().get(f"{API}resources/{court.pk}/availability/?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


REQUIRED = ["This field is required."]


INSTANT_OR_DATE = (
    "Give an instant with its offset from UTC, for example 2030-05-01T09:00:00Z, or a date, for"
    " example 2030-05-01."
)


NEITHER = [INSTANT_OR_DATE]


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ("", 400, {"start": REQUIRED, "end": REQUIRED}),
        ("start=x&end=2030-01-01T00:00:00", 400, {"start": NEITHER, "end": NEITHER}),
        ("start=2030-02-30&end=2030-03-01", 400, {"start": NEITHER}),
        ("start=2030-01-01&end=2030-01-02T00:00:00Z", 400,
         {"end": ["Give `start` and `end` both as instants, or both as dates."]}),
        ("start=2030-01-02T00:00:00Z&end=2030-01-02T00:00:00Z", 400,
         "`end` must be after `start`."),
        ("start=2030-01-02&end=2030-01-01", 400, "`end` must not be before `start`."),
        ("start=2030-01-01&end=2032-01-01", 400, "From `start` to `end` at most 400 days."),
        ("start=9999-12-31&end=9999-12-31", 400, "`start` is not a time anyone can book."),
        ("start=2030-01-01&end=9999-12-31", 400, "`end` is not a time anyone can book."),
    ],
)  # fmt: skip
def test_a_bad_range_names_its_parameters(client_of, court, query, status, told):
    answer = client_of().get(f"{API}resources/{court.pk}/availability/?{query}")
    assert answer.status_code == status
    assert answer.json()["detail" if isinstance(told, str) else "errors"] == told


def test_the_calendar_of_a_venue_is_answered_whole(get, venue, court, booked, ana, ben, soon):
    Venue.objects.update(opens_at="09:00", closes_at="12:00", time_zone="Europe/Berlin")
    venue.refresh_from_db()
    PrimetimeWindow.objects.create(venue=venue, weekday=1, starts_at="10:00", ends_at="11:00")
    tuesday = (soon + timedelta(days=(8 - soon.weekday()) % 7 + 7)).date()
    start = venue_time(venue, tuesday, 9)
    booking = booked(ana, hours=(start - soon) / HOUR, title="Practice", notes="n")
    Closure.objects.create(
        venue=venue,
        first_on=tuesday + timedelta(days=1),
        last_on=tuesday + timedelta(days=1),
        reason="Cleaning",
    )
    wednesday = tuesday + timedelta(days=1)
    taken = {
        "resource": court.pk,
        "starts_at": z(start),
        "ends_at": z(start + HOUR),
        "status": "confirmed",
    }
    hours = [{"opens_at": "09:00:00", "closes_at": "12:00:00"}]
    wanted = {
        "venue": "club",
        "time_zone": "Europe/Berlin",
        "start": tuesday.isoformat(),
        "end": wednesday.isoformat(),
        "days": [
            {
                "date": tuesday.isoformat(),
                "closed": False,
                "closure": "",
                "hours": hours,
                "primetime": [{"opens_at": "10:00:00", "closes_at": "11:00:00"}],
                "slots": [
                    {
                        "resource": court.pk,
                        "starts_at": z(start + n * HOUR),
                        "ends_at": z(start + (n + 1) * HOUR),
                        "primetime": n == 1,
                    }
                    for n in (1, 2)
                ],
                "bookings": [taken],
            },
            {
                "date": wednesday.isoformat(),
                "closed": True,
                "closure": "Cleaning",
                "hours": [],
                "primetime": [],
                "slots": [],
                "bookings": [],
            },
        ],
    }
    path = f"venues/club/calendar/?start={tuesday}&end={wednesday}"
    assert get(path, ben) == wanted
    wanted["days"][0]["bookings"] = [
        taken | {"id": booking.pk, "title": "Practice", "owner": "Ana Example", "notes": "n"}
    ]
    assert get(path, ana) == wanted


def venue_time(venue, on, hour):
    from datetime import time

    from api.opening_hours import to_instant

    return to_instant(venue.zone, on, time(hour))


def test_a_calendar_of_a_venue_without_resources_has_its_days(get, db):
    Venue.objects.create(slug="empty", name="Empty")
    days = get("venues/empty/calendar/?start=2030-01-01&end=2030-01-03")["days"]
    assert [day["date"] for day in days] == ["2030-01-01", "2030-01-02", "2030-01-03"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("start=2030-01-02&end=2030-01-01", 400, "ends_before_start"),
        ("start=2030-01-01&end=2030-12-01", 400, "absurd_time"),
        ("start=0001-01-01&end=0001-01-02", 400, "absurd_time"),
        ("start=9999-12-31&end=9999-12-31", 400, "absurd_time"),
        ("start=x", 400, "invalid"),
        ("start=2030-01-01T00:00:00Z", 400, "invalid"),
        ("end=2030-02-30", 400, "invalid"),
    ],
)
def test_a_bad_calendar_range_is_refused(get, court, query, status, code):
    assert get(f"venues/club/calendar/?{query}", status=status)["code"] == code
