"""Filters and pages of bookings and resources."""

import pytest
from django.db.models.functions import Now

from api.models import Booking, Resource, Venue

from .shapes import API, HOUR, z

pytestmark = pytest.mark.django_db


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


def test_what_staff_have_blocked_is_not_listed_as_free(get, court, client_of, sam, soon):
    body = {"starts_at": z(soon), "ends_at": z(soon + HOUR), "reason": "Paint"}
    blocked = client_of(sam).post(f"{API}resources/{court.pk}/blocks/", body)
    assert blocked.status_code == 201
    for hours, names in ((0, []), (1, ["Court 1"])):
        start = soon + hours * HOUR
        query = f"resources/?free_from={z(start)}&free_until={z(start + HOUR)}"
        assert [row["name"] for row in get(query)["results"]] == names


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
