"""00:00 as an end is the midnight that ends the day, at every door that takes two wall times."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from api.models import PrimetimeWindow, Resource, Venue
from api.policy import Rules
from api.queries.bookings import resource_week
from api.queries.venues import opening_hours
from api.services.venues import venues

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
API = "/api/v1/"


@pytest.fixture
def on() -> date:
    return datetime.now(UTC).date() + 3 * DAY


def at(on: date, hour: int) -> str:
    moment = datetime.combine(on, time(), UTC) + hour * HOUR
    return moment.isoformat().replace("+00:00", "Z")


@pytest.fixture
def room(db):
    """A room of the paid rooms that closes at midnight."""
    venue = venues.get_contract_venue("paidrooms")
    return Resource.objects.create(
        venue=venue, name="Studio", capacity=4, price_minor=100, opens_at="09:00", closes_at="00:00"
    )


@pytest.mark.parametrize(
    ("opens", "start", "end", "slots"),
    [
        ("09:00", "23:30", "00:00", 1),
        ("09:00", "09:00", "00:00:00", 30),
        ("00:00", "23:00", "00:00", 2),  # never closes
        ("00:00", "00:00", "00:00", 48),
    ],
)
def test_a_paid_room_sells_its_last_slot(client_of, ana, room, on, opens, start, end, slots):
    Resource.objects.filter(pk=room.pk).update(opens_at=opens)
    client = client_of(ana, "paidrooms")
    new = {"room_id": room.pk, "booking_date": str(on), "guest_count": 1}
    made = client.post("/paidrooms/api/bookings/", new | {"start_time": start, "end_time": end})
    assert made.status_code == 201, made.json()
    body = made.json()
    assert (body["end_time"], body["number_of_slots"]) == ("00:00:00", slots)
    mine = client_of(ana).get(f"{API}bookings/{body['id']}/").json()
    assert mine["ends_at"] == at(on, 24)


@pytest.mark.parametrize("end", ["09:00", "08:59", "00:01"])
def test_any_other_end_before_the_start_is_refused(client_of, ana, room, on, end):
    new = {"room_id": room.pk, "booking_date": str(on), "guest_count": 1}
    body = new | {"start_time": "09:00", "end_time": end}
    refused = client_of(ana, "paidrooms").post("/paidrooms/api/bookings/", body)
    assert refused.status_code == 400


def test_the_court_opens_until_midnight_and_is_booked_until_then(client_of, ana, ada, on):
    venues.get_contract_venue("primetime")
    path = "/primetime/api/reservations/"
    admin = client_of(ada, "primetime")
    hours = {"business_start_time": "22:00:00", "business_end_time": "00:00:00"}
    changed = admin.put(f"{path}admin/settings/", hours)
    assert changed.status_code == 200
    assert {name: changed.json()[name] for name in hours} == hours
    client = client_of(ana, "primetime")
    days = client.get(f"{path}calendar/?start_date={on}&end_date={on}").json()["calendar"]
    slots = [(slot["start_time"], slot["end_time"]) for slot in days[0]["available_slots"]]
    assert slots == [("22:00:00", "23:00:00"), ("23:00:00", "00:00:00")]
    new = {"date": str(on), "start_time": "23:00", "end_time": "00:00"}
    made = client.post(path, new)
    assert (made.status_code, made.json()["end_time"]) == (201, "00:00:00")
    whole_day = {"business_start_time": "00:00", "business_end_time": "00:00"}
    assert admin.put(f"{path}admin/settings/", whole_day).status_code == 200
    new = {"date": str(on + DAY), "start_time": "00:00", "end_time": "00:00"}
    made = client.post(path, new).json()
    assert client_of(ana).get(f"{API}bookings/{made['id']}/").json()["ends_at"] == at(on, 48)


@pytest.mark.parametrize(
    ("door", "path", "names"),
    [
        ("v1", f"{API}venues/primetime/primetime/", ("starts_at", "ends_at")),
        ("primetime", "/primetime/api/reservations/admin/primetime/", ("start_time", "end_time")),
    ],
)
@pytest.mark.parametrize("starts", ["23:00", "23:30", "00:00"])
def test_primetime_lasts_until_midnight(client_of, ana, sam, on, door, path, names, starts):
    venue = venues.get_contract_venue("primetime")
    Venue.objects.filter(pk=venue.pk).update(opens_at="00:00", closes_at="00:00")
    window = {"weekday": on.weekday(), **dict(zip(names, (starts, "00:00"), strict=True))}
    made = client_of(sam, door).post(path, window)
    assert (made.status_code, made.json()[names[1]]) == (201, "00:00:00")
    court = venues.get_only_resource(venue, "The Court")
    for hour, expected in ((23, True), (24, False)):
        body = {"resource": court.pk, "starts_at": at(on, hour), "ends_at": at(on, hour + 1)}
        assert client_of(ana).post(f"{API}bookings/", body).json()["primetime"] is expected
    day = next(day for day in resource_week.get_week(court.pk, on).days if day.on == on)
    assert day.primetime[1] == day.open[0][1] == datetime.combine(on + DAY, time(), UTC)
    refused = client_of(sam, door).post(
        path, {**window, "weekday": 0, names[0]: "00:01", names[1]: "00:01"}
    )
    assert refused.status_code in (400, 409)


def test_tables_of_hours_are_open_until_midnight(venue, court, on):
    court.opens_at, court.closes_at = time(22), time(0)
    rules = Rules(court, venue, (), ())
    end = datetime.combine(on + DAY, time(), UTC)
    assert rules.schedule.list_intervals(on) == [(end - 2 * HOUR, end)]
    clock = opening_hours.Clock("UTC", rules.schedule)
    day = clock.days(on, on)[on]
    assert (day.open_time, [hour for hour, *_ in clock.cells(day)]) == (2 * HOUR, [22, 23])


def test_the_admin_takes_a_window_until_midnight(venue):
    window = PrimetimeWindow(venue=venue, weekday=0, starts_at=time(17), ends_at=time(0))
    window.full_clean()
    window.save()
