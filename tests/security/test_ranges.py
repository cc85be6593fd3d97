"""No report and no calendar looks at as long a range as anybody likes to name, at any door."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils.dateparse import parse_date

from api.models import Resource, Venue
from api.models.users import Role
from api.queries.bookings import calendar
from api.services.venues import venues

pytestmark = pytest.mark.django_db
FIRST, LAST = "2010-01-01", "2199-12-31"
FIGURES = ("kpi", "utilization", "ghosting", "capacity")
DOORS = [
    *(f"/api/v1/analytics/{name}/?start={{}}&end={{}}" for name in (*FIGURES, "heat-map")),
    *(f"/api/v1/analytics/{name}/?format=csv&start={{}}&end={{}}" for name in FIGURES),
    "/api/v1/venues/club/calendar/?start={}&end={}",
    "/api/v1/resources/{{court}}/availability/?start={}&end={}",
    "/api/v1/resources/{{court}}/availability/?start={}T00:00:00Z&end={}T00:00:00Z",
    *(f"/circletime/api/analytics/{name}?start_date={{}}&end_date={{}}" for name in FIGURES),
    *(f"/circletime/api/analytics/{name}?startDate={{}}&endDate={{}}" for name in FIGURES),
    "/primetime/api/reservations/calendar/?start_date={}&end_date={}",
]


@pytest.mark.parametrize("door", DOORS)
def test_a_range_has_a_bound(door: str, ada: Any, court: Resource, client_of: Any) -> None:
    """Circle Time's figures took ten seconds of a thread for 190 years."""
    contract = "v1" if door.startswith("/api") else door.split("/")[1]
    path = door.replace("{{court}}", str(court.pk))
    client = client_of(ada, contract)
    assert client.get(path.format(FIRST, LAST)).status_code in (400, 409)
    some_days = str((parse_date(FIRST) or date.min) + timedelta(days=30))
    assert client.get(path.format(FIRST, some_days)).status_code == 200


def test_a_calendar_has_a_bound_on_its_slots_too(
    venue: Venue, person: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar, "MAX_SLOTS", 100)
    Resource.objects.bulk_create(Resource(venue=venue, name=f"Room {n}") for n in range(2))
    client = client_of(person("stef", Role.STAFF))
    path = "/api/v1/venues/club/calendar/?start=2030-01-01&end=2030-01-0"
    assert client.get(f"{path}2").status_code == 200  # two days of 24 slots of two rooms
    refused = client.get(f"{path}3")
    assert (refused.status_code, refused.json()["code"]) == (400, "absurd_time")
    assert refused.json()["detail"] == "At most 2 days of so many slots."


def test_a_single_day_is_always_shown(
    venue: Venue, ana: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar, "MAX_SLOTS", 10)
    Resource.objects.create(venue=venue, name="Room")
    path = "/api/v1/venues/club/calendar/?start=2030-01-01&end=2030-01-01"
    assert client_of(ana).get(path).status_code == 200


def test_the_calendar_of_a_court_has_the_bound(
    ana: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar, "MAX_SLOTS", 100)
    venues.get_only_resource(venues.get_contract_venue("primetime"), "The Court")
    path = "/primetime/api/reservations/calendar/?start_date=2030-01-01&end_date=2030-01-31"
    answer = client_of(ana, "primetime").get(path)
    assert (answer.status_code, answer.json()) == (
        400,
        {"non_field_errors": ["At most 4 days of so many slots."]},
    )
