"""The bare root: a test for each collision, and what is nobody's."""

from pathlib import Path

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from api.dispatch import RULES
from api.management.commands import contracts
from api.services import tokens

pytestmark = [pytest.mark.django_db, pytest.mark.prefix_only]


def answers(method="get", path="", body=None, user=None, contract="", **headers):
    """The contract that answers."""
    client = APIClient()
    if user:
        access = tokens.issue(user, contract).access
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    response = getattr(client, method)(f"/api/{path}", body, headers=headers)
    assert response.status_code < 500
    return response["X-Contract"]


CASES = [
    # path, method, body, contract of the token ("" is nobody) -> who answers
    ("reservations/", "get", None, "primetime", "primetime"),
    ("reservations/", "get", None, "barbershop", "barbershop"),
    ("reservations/", "get", None, "", "primetime"),
    ("reservations/", "post", {"date": "2030-01-01", "start_time": "10:00"}, "", "primetime"),
    ("reservations/", "post", {"start_time": "2030-01-01T10:00:00Z"}, "", "barbershop"),
    ("reservations/1/", "get", None, "primetime", "primetime"),
    ("reservations/1/", "patch", {}, "barbershop", "barbershop"),
    ("reservations/calendar/", "get", None, "barbershop", "primetime"),
    ("users/", "get", None, "primetime", "primetime"),
    ("users/", "get", None, "barbershop", "barbershop"),
    ("users/", "get", None, "v1", "primetime"),
    ("users/?view=list", "get", None, "v1", "barbershop"),
    ("users/1/", "get", None, "v1", "barbershop"),
    ("users/1/", "get", None, "primetime", "primetime"),
    ("users/login/", "post", {}, "", "primetime"),
    ("auth/login/", "post", {"username": "x", "password": "y"}, "", "barbershop"),
    ("auth/login/", "post", {"email": "x", "password": "y"}, "", "circletime"),
    ("auth/login/", "post", {"username": "a@b.cd", "email": "a@b.cd"}, "", "barbershop"),
    ("auth/login", "post", {}, "", "circletime"),
    ("auth/refresh", "post", {}, "", "circletime"),
    ("auth/me/", "get", None, "barbershop", "barbershop"),
    ("auth/me", "get", None, "circletime", "circletime"),
    ("auth/me/", "get", None, "circletime", "circletime"),
    ("auth/users/me/", "get", None, "", "resources"),
    ("rooms/", "get", None, "", "paidrooms"),
    ("rooms/", "get", None, "circletime", "circletime"),
    ("rooms", "get", None, "", "circletime"),
    ("bookings/", "post", {"roomId": "1"}, "", "circletime"),
    ("bookings/", "post", {"room_id": 1}, "", "paidrooms"),
    ("bookings/", "post", {"resource": 1}, "", "resources"),
    ("bookings/", "post", {"resource": 1}, "circletime", "circletime"),
    ("bookings/", "get", None, "paidrooms", "resources"),
    ("bookings/1/", "get", None, "paidrooms", "paidrooms"),
    ("bookings/1/", "delete", None, "circletime", "circletime"),
    ("bookings/all/", "get", None, "circletime", "paidrooms"),
]


@pytest.mark.parametrize(("path", "method", "body", "contract", "who"), CASES)
def test_a_collision_is_decided_as_the_table_says(path, method, body, contract, who, ana):
    user = ana if contract else None
    assert answers(method, path, body, user=user, contract=contract) == who


def test_every_collision_has_a_rule_and_a_case():
    ruled = {path for rule in RULES for path in rule.paths}
    table = contracts.table()
    shared = {path for path, methods in table.items() if any(len(w) > 1 for w in methods.values())}
    assert shared == ruled
    tried = {path.partition("?")[0].rstrip("/").replace("/1", "/{}") for path, *_ in CASES}
    assert ruled <= tried


def test_the_scheme_of_djoser_means_resources(ana):
    assert answers("get", "bookings/1/", Authorization="Token nonsense") == "resources"


def test_a_refresh_token_in_the_body_says_whose_it_is(ana):
    for contract in ("barbershop", "circletime"):
        raw = tokens.issue(ana, contract).refresh
        assert answers("post", "auth/refresh/", {"refresh": raw}) == contract


def test_a_header_decides_before_everything_else(ana):
    headers = {"X-Contract": "circletime"}
    assert answers("get", "rooms/", user=ana, contract="paidrooms", **headers) == "circletime"


def test_a_host_of_the_settings_belongs_to_its_contract(settings):
    settings.CONTRACT_HOSTS, settings.ALLOWED_HOSTS = {"shop.example": "barbershop"}, ["*"]
    assert answers("get", "reservations/", Host="shop.example") == "barbershop"


def test_a_booking_is_asked_of_the_contract_of_its_venue(ana, court, booked):
    booking = booked(ana)
    for name in ("barbershop", "primetime"):
        type(court.venue).objects.filter(pk=court.venue_id).update(slug=name)
        assert answers("get", f"reservations/{booking.pk}/", user=ana, contract="v1") == name


def test_an_unknown_path_names_who_knows_it_with_another_slash(db):
    missing = APIClient().post("/api/users/register", {})
    assert missing.status_code == 404
    assert missing["Content-Type"] == "application/problem+json"
    assert missing.json()["code"] == "not_found"
    assert missing.json()["known_by"] == {"primetime": "/api/users/register/"}
    assert APIClient().get("/api/nothing/here").json()["known_by"] == {}
    assert APIClient().get("/api/v1/users").json()["known_by"] == {}


def test_the_page_of_contracts_is_up_to_date():
    page = Path(settings.BASE_DIR, "docs", "contracts.md").read_text()
    assert page == contracts.page(), "print it again: manage.py contracts > docs/contracts.md"
