"""Whole answers of our own API, with exact values; filters, pages, and the cost of a request."""

from datetime import UTC, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from api.models import Booking, BookingEvent, Closure, PrimetimeWindow, Resource, Venue

pytestmark = pytest.mark.django_db

API = "/api/v1/"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def z(moment):
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@pytest.fixture
def get(client_of, ana):
    def ask(path, user=ana, status=200):
        answer = client_of(user).get(f"{API}{path}")
        assert answer.status_code == status, answer.content
        return answer.json()

    return ask


def whole(booking):
    return {
        "id": booking.pk,
        "venue": "club",
        "resource": booking.resource_id,
        "resource_name": "Court 1",
        "service": None,
        "series": None,
        "recurrence_id": None,
        "owner": {
            "id": booking.owner_id,
            "name": booking.owner.name,
            "email": booking.owner.email,
        },
        "title": booking.title,
        "notes": booking.notes,
        "guests": booking.guests,
        "quantity": 1,
        "allocations": [{"resource": booking.resource_id, "unit": 1}],
        "attendees": sorted(booking.attendees.values_list("id", flat=True)),
        "starts_at": z(booking.starts_at),
        "ends_at": z(booking.ends_at),
        "status": booking.status,
        "primetime": booking.primetime,
        "hold_expires_at": z(booking.hold_expires_at),
        "lapses_at": z(booking.lapses_at),
        "check_in_opens_at": z(booking.check_in_opens_at),
        "check_in_closes_at": z(booking.check_in_closes_at),
        "no_show_at": z(booking.no_show_at),
        "completes_at": z(booking.completes_at),
        "price_minor": booking.price_minor,
        "currency": booking.currency,
        "payment_status": booking.payment_status,
        "approved_by": booking.approved_by_id,
        "approved_at": z(booking.approved_at),
        "rejection_reason": booking.rejection_reason,
        "checked_in_at": z(booking.checked_in_at),
        "ended_at": z(booking.ended_at),
        "version": booking.version,
        "created_at": z(booking.created_at),
        "updated_at": z(booking.updated_at),
    }


# bookings


def test_a_booking_is_answered_whole_when_it_is_made_read_listed_and_moved(
    client_of, get, ana, ben, court, soon
):
    made = client_of(ana).post(
        f"{API}bookings/",
        {
            "resource": court.pk,
            "starts_at": soon.isoformat(),
            "ends_at": (soon + HOUR).isoformat(),
            "title": "Practice",
            "notes": "Bring balls",
            "guests": 2,
            "attendees": [ben.pk],
        },
    )
    assert made.status_code == 201
    booking = Booking.objects.get()
    assert made.json() == whole(booking)
    assert (booking.starts_at, booking.title, booking.guests) == (soon, "Practice", 2)
    assert booking.contract == "v1"
    assert get(f"bookings/{booking.pk}/") == whole(booking)
    assert get("bookings/") == {"next": None, "previous": None, "results": [whole(booking)]}
    moved = client_of(ana).patch(
        f"{API}bookings/{booking.pk}/", {"ends_at": (soon + 2 * HOUR).isoformat()}
    )
    booking.refresh_from_db()
    assert moved.json() == whole(booking)
    assert booking.ends_at == soon + 2 * HOUR


def test_a_time_may_be_given_with_any_offset(client_of, ana, court, soon):
    berlin = (soon + HOUR).replace(tzinfo=None).isoformat() + "+01:00"
    answer = client_of(ana).post(
        f"{API}bookings/", {"resource": court.pk, "starts_at": berlin, "ends_at": z(soon + HOUR)}
    )
    assert answer.status_code == 201
    assert (answer.json()["starts_at"], answer.json()["ends_at"]) == (z(soon), z(soon + HOUR))
    assert Booking.objects.get().starts_at == soon


def test_the_timeline_says_who_what_when_and_why(client_of, get, booked, ana, sam):
    booking = booked(ana)
    client_of(sam).post(f"{API}bookings/{booking.pk}/reject/", {"reason": "Rain"})
    events = BookingEvent.objects.order_by("-id")
    assert get(f"bookings/{booking.pk}/events/")["results"] == [
        {
            "id": events[0].pk,
            "verb": "reject",
            "from_status": "confirmed",
            "to_status": "rejected",
            "by": "staff",
            "actor": "Sam Example",
            "details": {"reason": "Rain"},
            "at": z(events[0].at),
        },
        {
            "id": events[1].pk,
            "verb": "book",
            "from_status": "",
            "to_status": "confirmed",
            "by": "owner",
            "actor": "Ana Example",
            "details": {"initial_status": "confirmed"},
            "at": z(events[1].at),
        },
    ]


def test_many_are_answered_at_once_each_with_its_result(client_of, booked, venue, ana, sam):
    venue.approval = "always"
    venue.save()
    first, second = booked(ana), booked(ana, hours=1)
    client_of(ana).post(f"{API}bookings/{first.pk}/cancel/")
    answer = client_of(sam).post(f"{API}bookings/approve/", {"ids": [first.pk, second.pk, 10**9]})
    assert answer.json() == {
        "results": [
            {
                "id": first.pk,
                "code": "wrong_status",
                "detail": "A booking that is cancelled cannot do that.",
            },
            {"id": second.pk, "status": "confirmed"},
            {"id": 10**9, "code": "not_found", "detail": "There is no such booking."},
        ]
    }


def test_checking_in_again_gets_the_same_answer(client_of, booked, ana):
    booking = booked(ana)
    Booking.objects.update(check_in_opens_at=Now())
    path = f"{API}bookings/{booking.pk}/check-in/"
    first, again = client_of(ana).post(path), client_of(ana).post(path)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert BookingEvent.objects.filter(verb="check_in").count() == 1


# what a refusal tells


def test_a_taken_slot_says_what_blocks_and_offers_the_nearest_times(
    client_of, booked, court, ana, ben, soon
):
    booked(ana, length=2)
    refused = client_of(ben).post(
        f"{API}bookings/",
        {
            "resource": court.pk,
            "starts_at": z(soon + HOUR),
            "ends_at": z(soon + 2 * HOUR),
        },
    )
    assert refused.status_code == 409
    assert refused.json() == {
        "type": "about:blank",
        "title": "Slot taken",
        "status": 409,
        "code": "slot_taken",
        "detail": "The slot is already booked.",
        "conflicts": [{"starts_at": z(soon), "ends_at": z(soon + 2 * HOUR), "status": "confirmed"}],
        "alternatives": [
            {"starts_at": z(soon + 2 * HOUR), "ends_at": z(soon + 3 * HOUR)},
            {"starts_at": z(soon - HOUR), "ends_at": z(soon)},
            {"starts_at": z(soon + 3 * HOUR), "ends_at": z(soon + 4 * HOUR)},
        ],
    }


@pytest.mark.parametrize(
    ("fields", "hours", "code", "extra"),
    [
        ({"opens_at": "09:00", "closes_at": "09:30"}, 0, "outside_hours",
         {"opens_at": "09:00:00", "closes_at": "09:30:00"}),
        ({"slot_rule": "whole", "slot_length": 90 * MINUTE}, 0, "not_whole_slots",
         {"slot": "01:30:00"}),
    ],
)  # fmt: skip
def test_what_a_refusal_carries_keeps_its_type(
    client_of, venue, court, ana, soon, fields, hours, code, extra
):
    Venue.objects.filter(pk=venue.pk).update(**fields)
    refused = client_of(ana).post(
        f"{API}bookings/",
        {"resource": court.pk, "starts_at": z(soon), "ends_at": z(soon + HOUR)},
    )
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert {name: refused.json()[name] for name in extra} == extra


def test_a_closed_date_is_refused_with_its_reason(client_of, venue, court, ana, soon):
    on = soon.date()
    Closure.objects.create(venue=venue, first_on=on, last_on=on, reason="Cleaning")
    refused = client_of(ana).post(
        f"{API}bookings/",
        {"resource": court.pk, "starts_at": z(soon), "ends_at": z(soon + MINUTE)},
    )
    assert (refused.json()["code"], refused.json()["reason"], refused.json()["on"]) == (
        "closed",
        "Cleaning",
        on.isoformat(),
    )


# filters and pages


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["a", "b", "c"]),
        ("venue=club", ["a", "b"]),
        ("venue=nowhere", []),
        ("status=confirmed", ["a", "c"]),
        ("status=confirmed&status=cancelled", ["a", "b", "c"]),
        ("from={soon+1}", ["b", "c"]),
        ("until={soon+1}", ["a"]),
        ("from={soon}&until={soon+2}", ["a", "b"]),
        ("owner={ana}", ["a", "b"]),
        ("owner={ben}", ["c"]),
        ("resource={court}", ["a", "b"]),
        ("resource={hall}", ["c"]),
        ("resource=999999999999", []),
    ],
)
def test_bookings_are_filtered(get, booked, court, ana, ben, sam, soon, client_of, query, found):
    hall = Resource.objects.create(
        venue=Venue.objects.create(slug="hall", name="Hall"), name="Hall"
    )
    booked(ana, title="a")
    b = booked(ana, hours=1, title="b")
    booked(ben, hours=3, title="c", place=hall)
    client_of(ana).post(f"{API}bookings/{b.pk}/cancel/")
    words = {"ana": ana.pk, "ben": ben.pk, "court": court.pk, "hall": hall.pk}
    for name, value in words.items():
        query = query.replace(f"{{{name}}}", str(value))
    for n in (2, 1, 0):
        query = query.replace(f"{{soon+{n}}}", z(soon + n * HOUR)).replace("{soon}", z(soon))
    rows = get(f"bookings/?{query}", sam)["results"]
    assert sorted(row["title"] for row in rows) == found


def test_people_find_their_own_bookings_alone(get, booked, ana, ben):
    booked(ana, title="a")
    booked(ben, hours=1, title="b")
    assert [row["title"] for row in get("bookings/")["results"]] == ["a"]
    assert get(f"bookings/?owner={ben.pk}")["results"] == []


def test_pages_follow_each_other_and_come_back(client_of, get, booked, ana):
    for n in range(5):
        booked(ana, hours=n, title=str(n))
    seen, path = [], f"{API}bookings/?page_size=2"
    pages = []
    while path:
        page = client_of(ana).get(path).json()
        pages.append([row["title"] for row in page["results"]])
        seen, path = page, page["next"]
    assert pages == [["4", "3"], ["2", "1"], ["0"]]
    assert [r["title"] for r in client_of(ana).get(seen["previous"]).json()["results"]] == [
        "2",
        "1",
    ]


@pytest.mark.parametrize("size", ["0", "-1", "201", "x", "", "1.0", "٣", "9" * 40])
def test_a_page_size_out_of_bounds_is_refused(get, size):
    assert list(get(f"bookings/?page_size={size}", status=400)["errors"]) == ["page_size"]


@pytest.mark.parametrize("cursor", ["x", "%00", "cD0x", "bz0xMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA=="])
def test_a_cursor_that_never_was_is_not_a_failure(get, booked, ana, client_of, cursor):
    answer = client_of(ana).get(f"{API}bookings/?cursor={cursor}")
    assert answer.status_code in (200, 404)


@pytest.fixture
def rooms(venue, court):
    hall = Venue.objects.create(slug="hall", name="Hall")
    make = Resource.objects.create
    make(venue=hall, name="Blue", building="East", floor=1, capacity=10, amenities=["wifi", "tv"])
    make(venue=hall, name="Red", building="West", floor=2, capacity=20, amenities=["wifi"])
    make(venue=hall, name="Old", description="with a blue door", retired_at=Now())
    make(venue=hall, name="Shut", building="West", floor=2, capacity=5, maintenance=True)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Blue", "Court 1", "Red", "Shut"]),
        ("venue=hall", ["Blue", "Red", "Shut"]),
        ("search=BLUE", ["Blue"]),
        ("search=west", ["Red", "Shut"]),
        ("search=%25", []),
        ("building=west", ["Red", "Shut"]),
        ("floor=2", ["Red", "Shut"]),
        ("floor=-3", []),
        ("min_capacity=10", ["Blue", "Red"]),
        ("amenities=wifi", ["Blue", "Red"]),
        ("amenities=wifi,tv", ["Blue"]),
        ("amenities=, ,", ["Blue", "Court 1", "Red", "Shut"]),
        ("free_from={0}&free_until={1}", ["Blue", "Red"]),
        ("free_from={1}&free_until={2}", ["Blue", "Court 1", "Red"]),
        ("free_from={1}&free_until={2}&min_capacity=20", ["Red"]),
    ],
)
def test_resources_are_filtered(get, rooms, booked, ana, soon, query, names):
    booked(ana)
    times = [z(soon + n * HOUR) for n in range(3)]
    for n, moment in enumerate(times):
        query = query.replace(f"{{{n}}}", moment)
    rows = get(f"resources/?{query}", None)["results"]
    assert sorted(row["name"] for row in rows) == names


def test_a_hold_that_has_run_out_leaves_the_room_free(get, court, booked, ana, soon):
    Resource.objects.update(price_minor=500)
    booked(ana)
    query = f"resources/?free_from={z(soon)}&free_until={z(soon + HOUR)}"
    assert get(query)["results"] == []
    Booking.objects.update(hold_expires_at=Now())
    assert [row["name"] for row in get(query)["results"]] == ["Court 1"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("free_from={0}", 400, "unfit"),
        ("free_until={0}", 400, "unfit"),
        ("free_from={1}&free_until={0}", 400, "ends_before_start"),
        ("free_from=2030-01-01T00:00:00&free_until={0}", 400, "invalid"),
        ("free_from=0001-01-01T00:00:00Z&free_until=9999-12-31T23:59:59Z", 200, None),
        ("free_from=9999-12-31T23:59:59-23:00&free_until={0}", 400, "invalid"),
        ("floor=x", 400, "invalid"),
        ("floor=99999999999999999999", 400, "invalid"),
        ("min_capacity=1.5", 400, "invalid"),
        ("search=%00", 400, "invalid"),
        ("venue=%00", 400, "invalid"),
        ("amenities=%00", 400, "invalid"),
        ("search=%ED%A0%80", 200, None),
    ],
)
def test_a_bad_filter_is_refused(client_of, court, soon, query, status, code):
    for n in range(2):
        query = query.replace(f"{{{n}}}", z(soon + n * HOUR))
    answer = client_of().get(f"{API}resources/?{query}")
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.content


# availability and calendar


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


# venues and resources


def test_a_venue_is_answered_whole_and_moves_no_booking_when_its_zone_changes(
    client_of, booked, ana, ada, soon
):
    booking = booked(ana)
    answer = client_of(ada).patch(f"{API}venues/club/", {"time_zone": "Asia/Tokyo"})
    assert answer.status_code == 200
    ends_at = soon + timedelta(hours=1)
    affected = {"id": booking.pk, "starts_at": z(soon), "ends_at": z(ends_at)}
    assert answer.json()["affected"] == [affected | {"code": "time_zone_changed"}]
    booking.refresh_from_db()
    assert booking.starts_at == soon
    body = client_of(ada).get(f"{API}venues/club/").json()
    created, updated = body.pop("created_at"), body.pop("updated_at")
    assert created < updated
    assert body == {
        "slug": "club",
        "name": "The Club",
        "time_zone": "Asia/Tokyo",
        "currency": "usd",
        "opens_at": "00:00:00",
        "closes_at": "00:00:00",
        "hours_enforced": True,
        "closed_weekdays": [],
        "holidays": None,
        "slot_length": "01:00:00",
        "slot_rule": "free",
        "slot_step": "00:15:00",
        "capacity_enforced": True,
        "approval": "never",
        "primetime_any_overlap": True,
        "min_notice": "00:00:00",
        "max_advance": "1440:00:00",
        "same_day_allowed": True,
        "hold_length": "00:30:00",
        "guests": True,
        "guest_hold": "00:15:00",
        "joining": "open",
        "retention": None,
        "second_factor_required": False,
        "max_open_holds": 50,
        "max_bookings_ahead": None,
        "max_hours_a_week": None,
        "max_open_requests": None,
        "no_shows_before_pause": None,
        "pause_length": None,
        "check_in_required": False,
        "check_in_opens_before": "00:15:00",
        "check_in_closes_after": "00:15:00",
        "no_show_grace": "00:15:00",
        "grace_from_booking": True,
        "series_no_show_limit": None,
        "completion_from": "end",
        "completion_after": "00:00:00",
        "remind_before": None,
        "refund_until": "24:00:00",
        "late_refund_percent": 0,
        "send_confirmation_emails": True,
        "panel_networks": [],
        "admin_email": "",
    }


def test_a_resource_is_answered_whole_and_retired_when_deleted(client_of, booked, court, sam, ana):
    booking = booked(ana)
    client = client_of(sam)
    answer = client.patch(
        f"{API}resources/{court.pk}/",
        {"opens_at": "08:00", "closes_at": "20:00", "own_slot_length": "00:30:00"},
    )
    assert answer.json() == {
        "id": court.pk,
        "venue": "club",
        "name": "Court 1",
        "description": "",
        "building": "",
        "floor": 0,
        "capacity": 4,
        "units": 1,
        "buffer_before": "00:00:00",
        "buffer_after": "00:00:00",
        "amenities": [],
        "image_url": "",
        "is_available": True,
        "maintenance": False,
        "price_minor": 0,
        "currency": "usd",
        "opens_at": "08:00:00",
        "closes_at": "20:00:00",
        "slot_length": "00:30:00",
        "own_slot_length": "00:30:00",
        "user": None,
        "affected": [],
    }
    retired = client.delete(f"{API}resources/{court.pk}/")
    assert retired.status_code == 200
    assert [row["id"] for row in retired.json()["affected"]] == [booking.pk]
    assert client.get(f"{API}resources/{court.pk}/").status_code == 404
    booking.refresh_from_db()
    assert booking.status == "confirmed"


def test_ones_own_data_comes_whole(get, booked, ana, ben):
    booking = booked(ana, title="Practice")
    invited = booked(ben, hours=2, attendees=[ana])
    body = get("auth/me/export/")
    assert body["account"]["email"] == "ana@example.com"
    assert [row["title"] for row in body["bookings"]] == ["Practice"]
    assert [row["booking_id"] for row in body["history"]] == [booking.pk]
    assert body["invited_to"] == [invited.pk]
    assert [row["name"] for row in body["emails"]] == ["confirmed"]


def test_a_dashboard_counts_what_is_there(get, venue, booked, ana, sam):
    booked(ana)
    venue.approval = "always"
    venue.save()
    booked(ana, hours=1)
    dead = booked(ana, hours=2)
    Booking.objects.filter(pk=dead.pk).update(lapses_at=Now())
    body = get("dashboard/")
    assert (len(body["upcoming"]), body["pending"], body["held"]) == (2, 1, 0)
    assert len(body["recent"]) == 3
    body = get("dashboard/staff/", sam)
    assert (body["requests_waiting"], body["held"]) == (1, 0)
    assert len(body["recent"]) == 3


# what a request costs


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("bookings/", 6),
        ("bookings/?venue=club&status=confirmed", 6),
        ("venues/club/calendar/", 6),
        ("resources/", 6),
        ("resources/?free_from={soon}&free_until={end}", 6),
        ("venues/", 6),
        ("dashboard/", 6),
        ("dashboard/staff/", 6),
        ("bookings/{booking}/", 6),
        ("bookings/{booking}/events/", 6),
        ("resources/{court}/availability/?start={soon}&end={end}", 4),
    ],
)
def test_a_read_costs_the_same_however_many_rows_there_are(
    client_of, booked, venue, court, ana, sam, soon, path, most
):
    booking = booked(ana, attendees=[sam])
    Resource.objects.create(venue=venue, name="R0")  # of no row, nothing more is read
    client = client_of(sam)
    path = path.format(soon=z(soon), end=z(soon + 24 * HOUR), booking=booking.pk, court=court.pk)

    def cost():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(f"{API}{path}").status_code == 200
        return len(queries)

    cost()  # from here on the rules of the place are known, until the venue changes
    few = cost()
    for n in range(1, 12):
        booked(ana, hours=n, attendees=[sam])
        Resource.objects.create(venue=venue, name=f"R{n}")
    cost()
    assert cost() == few <= most


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
def test_a_booking_costs_at_most_eight_statements(
    client_of, court, ana, soon, headers, django_assert_max_num_queries
):
    """With its key: the lock, the look for an answer, keeping it, and four of savepoints, two of
    which are the test's."""
    client = client_of(ana)
    for n in range(2):  # the second time the rules of the place are known
        cache.clear()
        most = 20 if n == 0 else 8 + 4 * len(headers)
        body = {
            "resource": court.pk,
            "starts_at": z(soon + n * HOUR),
            "ends_at": z(soon + (n + 1) * HOUR),
        }
        with django_assert_max_num_queries(most):
            made = client.post(
                f"{API}bookings/", body, headers={k: f"{v}{n}" for k, v in headers.items()}
            )
        assert made.status_code == 201
