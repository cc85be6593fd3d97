"""The bare root: a test for each collision, and what is nobody's."""

from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test.client import encode_multipart
from rest_framework.test import APIClient

from api.dispatch.view import RULES
from api.management.commands import contracts
from api.services.accounts import tokens

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


IN_OWN = "/api/v1/bookings/7/check-in/"
SHOP_JOIN = "/barbershop/api/auth/register/"
SAME_AT_OTHERS = {
    "circletime": "/circletime/api/bookings",
    "paidrooms": "/paidrooms/api/bookings/",
    "v1": "/api/v1/bookings/",
}

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
    ("reservations/", "put", {}, "barbershop", "barbershop"),
    ("bookings/", "put", {}, "paidrooms", "paidrooms"),
    ("users/", "get", None, "primetime", "primetime"),
    ("users/", "get", None, "barbershop", "barbershop"),
    ("users/", "get", None, "v1", "primetime"),
    ("users/?view=list", "get", None, "v1", "barbershop"),
    ("users/?view=list", "get", None, "primetime", "barbershop"),
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
    # a contract that knows the path says itself that the method is none of its own
    ("bookings/", "get", None, "paidrooms", "paidrooms"),
    ("bookings/1/", "get", None, "paidrooms", "paidrooms"),
    ("bookings/1/", "delete", None, "paidrooms", "paidrooms"),
    ("bookings/1/", "patch", {}, "paidrooms", "paidrooms"),
    ("bookings/1/", "get", None, "circletime", "circletime"),
    ("bookings/1/", "delete", None, "circletime", "circletime"),
    ("bookings/1/", "put", {}, "circletime", "circletime"),
    ("bookings/1", "put", {}, "", "circletime"),
    # without its last slash: whoever writes it so, unless a key, a token or a scheme says other
    ("rooms", "get", None, "paidrooms", "paidrooms"),
    ("auth/login", "post", {"username": "x", "password": "y"}, "", "barbershop"),
    ("auth/login", "post", {"email": "x", "password": "y"}, "", "circletime"),
    ("auth/me", "get", None, "barbershop", "barbershop"),
    ("bookings", "post", {"title": "x"}, "", "circletime"),
    ("bookings", "post", {"room_id": 1}, "", "paidrooms"),
    ("bookings", "post", {"room_id": 1}, "circletime", "circletime"),
    ("bookings", "get", None, "circletime", "circletime"),
    ("bookings/1", "get", None, "paidrooms", "paidrooms"),
    ("users/register", "post", {}, "", "primetime"),
    ("stripe-webhook", "post", {}, "", "paidrooms"),
    ("dashboard/stats", "get", None, "", "barbershop"),
    ("reservations", "get", None, "", "primetime"),
    ("reservations", "get", None, "barbershop", "barbershop"),
    ("reservations", "post", {"start_time": "2030-01-01T10:00:00Z"}, "", "barbershop"),
    ("reservations/1", "patch", {}, "barbershop", "barbershop"),
    ("users", "get", None, "barbershop", "barbershop"),
    # a token of no contract, and a row that is not there
    ("bookings/1/", "get", None, "v1", "paidrooms"),
    ("bookings/1/", "delete", None, "v1", "resources"),
    ("bookings/1/", "get", None, "", "resources"),
    # an id to one, a path of its own to another
    ("bookings/all/", "get", None, "circletime", "paidrooms"),
]


@pytest.mark.parametrize(("path", "method", "body", "contract", "who"), CASES)
def test_a_collision_is_decided_as_the_table_says(path, method, body, contract, who, ana):
    user = ana if contract else None
    assert answers(method, path, body, user=user, contract=contract) == who


def test_a_method_that_the_paid_rooms_lack_is_not_a_missing_token(ana):
    """There is no way to cancel a booking there, and nobody is sent to sign in again for it."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.issue(ana, 'paidrooms').access}")
    for method, path in (("delete", "bookings/1/"), ("patch", "bookings/1/"), ("get", "bookings/")):
        answer = getattr(client, method)(f"/api/{path}")
        assert (answer.status_code, answer.json()) == (
            405,
            {"error": "This method is not allowed here."},
        )


def test_every_collision_has_a_rule_and_a_case():
    ruled = {path for rule in RULES for path in rule.paths}
    table = contracts.build_table()
    shared = {path for path, methods in table.items() if any(len(w) > 1 for w in methods.values())}
    assert shared == ruled
    tried = {path.partition("?")[0].rstrip("/").replace("/1", "/{}") for path, *_ in CASES}
    assert ruled <= tried


def test_the_scheme_of_djoser_means_resources(ana):
    assert answers("get", "bookings/1/", Authorization="Token nonsense") == "resources"


def test_a_refresh_token_in_the_body_says_whose_it_is(ana):
    for contract in ("barbershop", "circletime"):
        for path in ("auth/refresh/", "auth/refresh"):
            raw = tokens.issue(ana, contract).refresh
            assert answers("post", path, {"refresh": raw}) == contract


FORMS = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x")


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_read_as_json_is_at_the_root_and_at_the_prefix(form, ana):
    """As the contracts' first backends did. Our own API takes JSON alone."""
    client, login = APIClient(), {"username": "nobody@example.com", "password": "wrong"}
    ask = {"data": encode_multipart("x", login) if form[-1] == "x" else urlencode(login)}
    ask["content_type"] = form
    at_root = client.post("/api/auth/login/", **ask)
    assert (at_root.status_code, at_root["X-Contract"]) == (401, "barbershop")
    for path in ("barbershop/api/auth/login/", "barbershop/api/auth/login"):
        assert client.post(f"/{path}", **ask).content == at_root.content
    assert client.post("/circletime/api/auth/login", **ask).status_code == 400
    assert client.post("/api/v1/auth/login/", **ask).status_code == 415
    ask["headers"] = {"Origin": "https://elsewhere.example"}
    assert client.post("/barbershop/api/auth/login/", **ask).status_code == 415
    ask["headers"] = {"Origin": "http://testserver"}
    assert client.post("/barbershop/api/auth/login/", **ask).status_code == 401


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("body", ["", "a=%FF&b", "\0", "&".join(f"a{n}=1" for n in range(2000))])
def test_a_form_that_cannot_be_read_is_refused_and_breaks_nothing(form, body):
    for path in ("/api/auth/login/", "/api/bookings/", "/paidrooms/api/register/"):
        answer = APIClient().post(path, body, content_type=form)
        assert 400 <= answer.status_code < 500, path


def test_a_header_decides_before_everything_else(ana):
    headers = {"X-Contract": "circletime"}
    assert answers("get", "rooms/", user=ana, contract="paidrooms", **headers) == "circletime"
    assert answers("get", "bookings/", user=ana, contract="v1", **headers) == "circletime"
    headers = {"X-Contract": "nobody"}
    assert answers("get", "rooms/", user=ana, contract="paidrooms", **headers) == "paidrooms"


def test_a_host_of_the_settings_belongs_to_its_contract(settings):
    settings.CONTRACT_HOSTS, settings.ALLOWED_HOSTS = {"shop.example": "barbershop"}, ["*"]
    assert answers("get", "reservations/", Host="shop.example") == "barbershop"


def test_a_booking_is_asked_of_the_contract_of_its_venue(ana, court, booked):
    booking = booked(ana)
    for name in ("barbershop", "primetime"):
        type(court.venue).objects.filter(pk=court.venue_id).update(slug=name)
        assert answers("get", f"reservations/{booking.pk}/", user=ana, contract="v1") == name


def known_by(path, **headers):
    """Who would know it, as the 404 says."""
    missing = APIClient().post(path, {}, headers=headers)
    assert missing.status_code == 404
    assert missing["Content-Type"] == "application/problem+json"
    body = missing.json()
    assert body == {
        "type": "about:blank",
        "title": "Not found",
        "status": 404,
        "code": "not_found",
        "detail": "There is nothing at this address.",
        "known_by": body["known_by"],
    }
    return body["known_by"]


UNKNOWN = [
    # nothing at all
    ("/api/nothing/here", {}),
    ("/api/reservations/abc/", {}),
    # one slash more
    ("/api/users//register/", {"primetime": "/api/users/register/"}),
    # the end of a path, and our own API beside it
    ("/api/trades/", {"primetime": "/api/reservations/trades/", "v1": "/api/v1/trades/"}),
    ("/api/trades/7/", {"primetime": "/api/reservations/trades/7/", "v1": "/api/v1/trades/7/"}),
    ("/api/webhooks/stripe/", {"v1": "/api/v1/webhooks/stripe/"}),
    # another spelling
    ("/api/bookings/7/check-in", {"circletime": "/api/bookings/7/checkin", "v1": IN_OWN}),
    ("/api/auth/users/set-password/", {"resources": "/api/auth/users/set_password/"}),
    ("/api/Token/Refresh_Cookie/", {"paidrooms": "/api/token/refresh-cookie/"}),
    ("/api/auth/token/login//", {"resources": "/api/auth/token/login/"}),
    # something that stands before it
    ("/api/api/payment-intent/", {"paidrooms": "/api/payment-intent/"}),
    ("/api/v2/reservations/calendar/", {"primetime": "/api/reservations/calendar/"}),
    ("/api/primetime/reservations/calendar/", {"primetime": "/api/reservations/calendar/"}),
    # our own
    ("/api/v1/users", {"v1": "/api/v1/users/"}),
    ("/api/v1/nothing/", {}),
    # at the prefix of a contract that does not have it
    (
        "/barbershop/api/reservations/trades/",
        {"primetime": "/primetime/api/reservations/trades/"},
    ),
    (
        "/barbershop/api/trades/",
        {"primetime": "/primetime/api/reservations/trades/", "v1": "/api/v1/trades/"},
    ),
    ("/paidrooms/api/auth/register/", {"barbershop": SHOP_JOIN, "v1": "/api/v1/auth/register/"}),
    ("/resources/api/bookings//", {"resources": "/resources/api/bookings/", **SAME_AT_OTHERS}),
]


@pytest.mark.parametrize(("path", "known"), UNKNOWN)
def test_an_unknown_path_names_who_would_know_it(path, known, db):
    assert known_by(path) == known


def test_a_path_of_somebody_else_is_unknown_to_the_contract_that_was_named(db):
    known = {"circletime": "/api/rooms", "paidrooms": "/api/rooms/"}
    assert known_by("/api/rooms/", **{"X-Contract": "barbershop"}) == known


def test_a_method_of_nobody_is_unknown_to_somebody_elses_credentials(ana):
    access = tokens.issue(ana, "barbershop").access
    missing = known_by("/api/reservations/calendar/", Authorization=f"Bearer {access}")
    assert missing == {"primetime": "/api/reservations/calendar/"}


def test_circle_time_says_who_knows_a_path_in_its_own_envelope(ana):
    access = tokens.issue(ana, "circletime").access
    for path, address in (
        ("/circletime/api/payment-intent/", "/paidrooms/api/payment-intent/"),
        ("/api/payment_intent", "/api/payment-intent/"),
    ):
        missing = APIClient().get(path, headers={"Authorization": f"Bearer {access}"})
        assert (missing.status_code, missing["X-Contract"]) == (404, "circletime")
        assert missing.json() == {
            "success": False,
            "message": "There is nothing at this address.",
            "code": "not_found",
            "errors": [f"paidrooms answers {address}"],
        }


def test_the_page_of_contracts_is_up_to_date():
    page = Path(settings.BASE_DIR, "docs", "contracts.md").read_text()
    assert page == contracts.build_page(), "print it again: manage.py contracts > docs/contracts.md"
