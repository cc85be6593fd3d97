"""Pools, services, slots, rates and blocks by a rule at the door."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api.models import Booking, Pool, Resource, Service

pytestmark = pytest.mark.django_db
API = "/api/v1/"
HOUR = timedelta(hours=1)


@pytest.fixture
def barbers(venue):
    return [Resource.objects.create(venue=venue, name=name) for name in ("Abe", "Bea")]


@pytest.fixture
def api(client_of):
    return client_of()


@pytest.fixture
def staff(client_of, sam):
    return client_of(sam)


@pytest.fixture
def customer(client_of, ana):
    return client_of(ana)


@pytest.fixture
def pool(staff, barbers):
    ids = [row.pk for row in barbers]
    answer = staff.post(f"{API}pools/", {"venue": "club", "name": "Barbers", "resources": ids})
    assert answer.status_code == 201, answer.json()
    assert answer.json() == {
        "id": answer.json()["id"], "venue": "club", "name": "Barbers", "resources": ids
    }  # fmt: skip
    return answer.json()["id"]


def cut(pool, **more):
    return {
        "venue": "club",
        "name": "Cut",
        "durations": [{"duration": "00:45:00", "price_minor": 0}],
        "needs": [{"pool": pool, "quantity": 1}],
    } | more


@pytest.fixture
def service(staff, pool):
    answer = staff.post(f"{API}services/", cut(pool))
    assert answer.status_code == 201, answer.json()
    return answer.json()["id"]


def text(at):
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def test_a_service_is_read_as_it_was_written_and_changes_by_field(staff, api, service, pool):
    body = api.get(f"{API}services/{service}/").json()
    assert body == cut(pool) | {
        "id": service, "description": "", "currency": "usd", "buffer_before": "00:00:00",
        "buffer_after": "00:00:00",
    }  # fmt: skip
    durations = [{"duration": "01:00:00", "price_minor": 5}]
    answer = staff.patch(f"{API}services/{service}/", {"durations": durations})
    assert answer.json() == body | {"durations": durations}
    assert api.get(f"{API}services/?venue=club").json()["results"] == [answer.json()]
    assert api.get(f"{API}services/?venue=other").json()["results"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"durations": []},
        {"durations": [{"duration": "00:45:00"}, {"duration": "00:45:00"}]},
        {"durations": [{"duration": "00:00:00"}]},
        {"needs": []},
        {"needs": [{"pool": 2**40}]},
        {"buffer_after": "25:00:00"},
        {"venue": "nowhere"},
    ],
)
def test_a_service_that_cannot_be_is_refused(staff, pool, wrong):
    answer = staff.post(f"{API}services/", cut(pool, **wrong))
    assert answer.status_code == 400
    assert next(iter(answer.json()["errors"])).partition(".")[0] == next(iter(wrong))
    assert not Service.objects.exists()


def test_what_is_in_use_is_only_retired(staff, customer, api, service, pool, soon):
    assert staff.delete(f"{API}pools/{pool}/").status_code == 204
    assert Pool.objects.get().retired_at is not None
    assert api.get(f"{API}pools/{pool}/").status_code == 404
    at = {"service": service, "starts_at": text(soon)}
    assert customer.post(f"{API}bookings/", at).status_code == 201
    assert staff.delete(f"{API}services/{service}/").status_code == 204
    assert Service.objects.get().retired_at is not None
    days = "start=2030-01-01&end=2030-01-01"
    assert api.get(f"{API}services/{service}/slots/?{days}").status_code == 404
    answer = customer.post(f"{API}bookings/", at)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["service"])


def test_slots_are_offered_and_booked_until_none_is_left(customer, api, service, barbers, soon):
    query = f"start={text(soon)}&end={text(soon + timedelta(minutes=15))}"
    slots = f"{API}services/{service}/slots/?{query}"
    offered = api.get(slots).json()["slots"]
    assert offered == [
        {
            "starts_at": text(soon),
            "ends_at": text(soon + timedelta(minutes=45)),
            "price_minor": 0,
            "free": 2,
            "resources": [row.pk for row in barbers],
        }
    ]
    body = {"service": service, "starts_at": text(soon), "prefer": [barbers[1].pk]}
    answer = customer.post(f"{API}bookings/", body)
    assert answer.status_code == 201, answer.json()
    shown = {n: answer.json()[n] for n in ("service", "resource", "allocations", "ends_at")}
    assert shown == {
        "service": service,
        "resource": barbers[1].pk,
        "allocations": [{"resource": barbers[1].pk, "unit": 1}],
        "ends_at": text(soon + timedelta(minutes=45)),
    }
    assert api.get(slots).json()["slots"][0]["resources"] == [barbers[0].pk]
    assert customer.post(f"{API}bookings/", body).status_code == 201
    assert api.get(slots).json()["slots"] == []
    refused = customer.post(f"{API}bookings/", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")
    assert len(refused.json()["conflicts"]) == 2 and len(refused.json()["alternatives"]) == 3


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"ends_at": "2030-01-01T10:00:00Z"}, "ends_at"),
        ({"duration": "00:30:00"}, "duration"),
        ({"resource": 1}, "resource"),
        ({"quantity": 3}, "quantity"),
        ({"quantity": 0}, "quantity"),
        ({"service": 2**40}, "service"),
        ({"prefer": [2**40]}, "prefer"),
    ],
)
def test_a_body_that_contradicts_itself_is_refused(customer, service, soon, wrong, field):
    body = {"service": service, "starts_at": text(soon)} | wrong
    answer = customer.post(f"{API}bookings/", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_only_of_a_service_there_are_durations_and_wishes(customer, barbers, soon):
    at = {"resource": barbers[0].pk, "starts_at": text(soon), "ends_at": text(soon + HOUR)}
    for more in ({"prefer": [1]}, {"duration": "01:00:00"}):
        assert customer.post(f"{API}bookings/", at | more).status_code == 400
    answer = customer.post(f"{API}bookings/", {"resource": barbers[0].pk, "starts_at": text(soon)})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["ends_at"])


def test_a_booking_of_a_service_moves_by_its_start_alone(customer, service, soon):
    made = customer.post(f"{API}bookings/", {"service": service, "starts_at": text(soon)}).json()
    answer = customer.patch(f"{API}bookings/{made['id']}/", {"starts_at": text(soon + HOUR)})
    assert answer.json()["ends_at"] == text(soon + HOUR + timedelta(minutes=45))
    answer = customer.patch(f"{API}bookings/{made['id']}/", {"starts_at": text(soon + HOUR / 7)})
    assert (answer.status_code, answer.json()["code"]) == (400, "not_whole_slots")


def test_rates_price_each_slot_by_its_start(staff, customer, api, barbers, soon):
    place = barbers[0]
    Resource.objects.filter(pk=place.pk).update(price_minor=1000)
    rates = [
        {
            "weekdays": [soon.weekday()],
            "opens_at": "10:00",
            "closes_at": "11:00",
            "price_minor": 700,
        },
        {
            "weekdays": [0, 1, 2, 3, 4, 5, 6],
            "opens_at": "10:00",
            "closes_at": "12:00",
            "first_on": f"{soon:%Y-%m-%d}",
            "last_on": f"{soon:%Y-%m-%d}",
            "price_minor": 50,
        },
    ]
    assert customer.put(f"{API}resources/{place.pk}/rates/", {"rates": rates}).status_code == 403
    answer = staff.put(f"{API}resources/{place.pk}/rates/", {"rates": rates})
    assert (answer.status_code, answer.json()) == (200, {"rates": rates})
    assert api.get(f"{API}resources/{place.pk}/rates/").json() == {"rates": rates}
    at = {"resource": place.pk, "starts_at": text(soon), "ends_at": text(soon + 4 * HOUR)}
    answer = customer.post(f"{API}bookings/", at)
    assert answer.json()["price_minor"] == 1000 + 700 + 50 + 1000
    staff.put(f"{API}resources/{place.pk}/rates/", {"rates": []})
    assert Booking.objects.get().price_minor == 2750


def test_a_weekly_block_keeps_each_of_its_times(staff, customer, barbers, soon):
    place = barbers[0].pk
    body = {"starts_at": text(soon), "ends_at": text(soon + HOUR), "rule": "FREQ=WEEKLY;COUNT=3"}
    answer = staff.post(f"{API}resources/{place}/blocks/", body)
    assert (answer.status_code, answer.json()["rule"]) == (201, "FREQ=WEEKLY;COUNT=3")
    for week in range(4):
        start = soon + timedelta(days=7 * week)
        at = {"resource": place, "starts_at": text(start), "ends_at": text(start + HOUR)}
        assert customer.post(f"{API}bookings/", at).status_code == (409 if week < 3 else 201)
    assert staff.delete(f"{API}resources/{place}/blocks/{answer.json()['id']}/").status_code == 200
    at = {"resource": place, "starts_at": text(soon), "ends_at": text(soon + HOUR)}
    assert customer.post(f"{API}bookings/", at).status_code == 201
    refused = staff.post(f"{API}resources/{place}/blocks/", body)
    assert (refused.status_code, len(refused.json()["conflicts"])) == (409, 1)
    forced = staff.post(f"{API}resources/{place}/blocks/", body | {"force": True})
    assert len(forced.json()["affected"]) == 1


def test_a_person_is_one_resource_in_the_whole_instance(staff, api, sam, ana, barbers):
    one, two = (f"{API}resources/{row.pk}/" for row in barbers)
    assert staff.patch(one, {"user": ana.pk}).json()["user"] == ana.pk
    assert "user" not in api.get(one).json() and staff.get(one).json()["user"] == ana.pk
    refused = staff.patch(two, {"user": ana.pk})
    assert (refused.status_code, refused.json()["code"]) == (409, "already_resource")
    assert staff.patch(two, {"user": 2**40}).status_code == 400
    staff.delete(one)
    assert staff.patch(two, {"user": ana.pk}).status_code == 200
