"""Units, several resources and blocks at our own API."""

from datetime import timedelta

import pytest

from api import errors
from api.models import Resource
from api.rest.exceptions import get_status

pytestmark = pytest.mark.django_db
API = "/api/v1/"
HOUR = timedelta(hours=1)
UNFIT = get_status(errors.Unfit())


def instant(at):
    return at.isoformat().replace("+00:00", "Z")


@pytest.fixture
def times(soon):
    return {"starts_at": instant(soon), "ends_at": instant(soon + HOUR)}


def test_units_are_booked_and_answered_one_row_each(client_of, ana, venue, times):
    bikes = Resource.objects.create(venue=venue, name="Bikes", units=3, price_minor=100)
    client = client_of(ana)
    body = {"resource": bikes.pk, **times}
    made = client.post(f"{API}bookings/", body | {"quantity": 2}).json()
    assert (made["quantity"], made["price_minor"], len(made["allocations"])) == (2, 200, 2)
    assert {row["resource"] for row in made["allocations"]} == {bikes.pk}
    assert client.get(f"{API}bookings/{made['id']}/").json()["allocations"] == made["allocations"]
    refused = client.post(f"{API}bookings/", body | {"quantity": 2})
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")
    for quantity in (0, 4):
        wrong = client.post(f"{API}bookings/", body | {"quantity": quantity})
        assert wrong.status_code == (400 if quantity < 1 else UNFIT)
        assert "quantity" in wrong.json()["errors"]


def test_several_are_booked_at_once_and_found_by_any(client_of, ana, venue, court, times):
    beamer = Resource.objects.create(venue=venue, name="Beamer")
    client = client_of(ana)
    made = client.post(f"{API}bookings/", {"resources": [court.pk, beamer.pk], **times})
    assert made.status_code == 201, made.content
    body = made.json()
    assert body["resource"] == court.pk
    assert [row["resource"] for row in body["allocations"]] == [court.pk, beamer.pk]
    for pk in (court.pk, beamer.pk):
        found = client.get(f"{API}bookings/?resource={pk}").json()["results"]
        assert [row["id"] for row in found] == [body["id"]]
    for wrong in (
        {"resources": [court.pk, court.pk]},
        {"resources": [court.pk, 10**9]},
        {"resource": court.pk, "resources": [beamer.pk]},
        {"resource": 10**9},
        {},
    ):
        assert client.post(f"{API}bookings/", wrong | times).status_code == UNFIT


def test_staff_block_and_lift(client_of, ana, sam, court, booked, times, soon):
    row = booked(ana)
    path, staff = f"{API}resources/{court.pk}/blocks/", client_of(sam)
    assert client_of(ana).post(path, times).status_code == 403
    body = times | {"reason": "Paint"}
    refused = staff.post(path, body)
    assert refused.status_code == 409
    assert [each["id"] for each in refused.json()["conflicts"]] == [row.pk]
    dry = staff.post(f"{path}?dry_run=1", body | {"force": True})
    assert (dry.status_code, dry.json()["id"]) == (200, None)
    made = staff.post(path, body | {"force": True})
    assert made.status_code == 201
    assert [(a["id"], a["code"]) for a in made.json()["affected"]] == [(row.pk, "slot_taken")]
    assert staff.post(f"{API}bookings/{row.pk}/cancel/", {}).status_code == 200
    taken = client_of(ana).post(f"{API}bookings/", {"resource": court.pk, **times})
    (conflict,) = taken.json()["conflicts"]
    assert conflict == times | {"status": "blocked"}
    told = staff.post(f"{API}bookings/", {"resource": court.pk, **times}).json()["conflicts"]
    assert told == [times | {"status": "blocked", "reason": "Paint"}]
    (listed,) = staff.get(path).json()["results"]
    assert staff.delete(f"{path}{listed['id']}/").json() == {"affected": []}
    assert (
        client_of(ana).post(f"{API}bookings/", {"resource": court.pk, **times}).status_code == 201
    )
