"""Frontends in a real browser, on a page from another origin, at their READMEs' literal paths.

A page can do what CORS and cookies let it: each registers, signs in, refreshes, books, signs out.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page

from api.models import Booking, Resource
from api.services.venues import venues

pytestmark = pytest.mark.slow

# fetch as the frontends use it; what a page may not read of an answer is null here as there
ASK = """async ([url, method, body, headers]) => {
    const sent = body === null ? {} : {"Content-Type": "application/json"};
    try {
        const answer = await fetch(url, {
            method, headers: {...sent, ...headers}, credentials: "include",
            body: body === null ? undefined : JSON.stringify(body),
        });
        const text = await answer.text();
        return {
            status: answer.status, body: text ? JSON.parse(text) : null,
            contract: answer.headers.get("X-Contract"),
            retry: answer.headers.get("Retry-After"),
            replayed: answer.headers.get("Idempotency-Replayed"),
        };
    } catch (error) { return {status: 0, body: String(error)}; }
}"""
PASSWORD = "Granite 81 lantern"


class Frontend:
    """A page that asks the API, with the token it was given last."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base, self.headers = page, base, {}

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.page.evaluate(ASK, [self.base + path, method, body, {**self.headers, **named}])

    def ok(self, status: int, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = self(method, path, body, **headers)
        assert answer["status"] == status, answer
        return answer["body"]

    def carry(self, token: str, scheme: str = "Bearer") -> None:
        self.headers = {"Authorization": f"{scheme} {token}"}

    def cookie(self) -> Any:
        found = self.page.context.cookies(self.base)
        return next((one for one in found if one["name"] == "refresh_token"), None)


@pytest.fixture
def ask(abroad, site):
    return Frontend(abroad(), site.url("/api/"))


def day() -> datetime:
    """Ten o'clock, the day after tomorrow."""
    return datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(2)


def place_of(contract: str, **fields: Any) -> Resource:
    return Resource.objects.create(
        venue=venues.get_contract_venue(contract), name="Aquarium", capacity=8, **fields
    )


def check_cookie(ask: Frontend) -> str:
    """The cookie in development, over plain HTTP; a script cannot read it. Its value."""
    cookie = ask.cookie()
    kept = {name: cookie[name] for name in ("httpOnly", "secure", "sameSite", "path", "domain")}
    assert kept == {
        "httpOnly": True,
        "secure": False,
        "sameSite": "Lax",
        "path": "/",
        "domain": "127.0.0.1",
    }
    assert ask.page.evaluate("document.cookie") == ""
    return str(cookie["value"])


def test_primetime(ask):
    me = {"email": "ana@example.com", "password": PASSWORD}
    ask.ok(201, "POST", "users/register/", me)
    ask.carry(ask.ok(200, "POST", "users/login/", me)["tokens"]["access"])
    first = check_cookie(ask)
    ask.carry(ask.ok(200, "POST", "users/refresh/")["access"])
    assert check_cookie(ask) != first
    on = {"date": f"{day():%F}", "start_time": "10:00:00", "end_time": "11:00:00"}
    made = ask.ok(201, "POST", "reservations/", on)
    assert made["status"] == "CONFIRMED"
    ask.ok(204, "DELETE", f"reservations/{made['id']}/")
    assert ask("GET", "reservations/")["contract"] == "primetime"
    ask.ok(200, "POST", "users/logout/")
    assert ask.cookie() is None
    ask.ok(401, "POST", "users/refresh/")


def test_barbershop(ask):
    me = {"username": "ana", "email": "ana@example.com", "password": PASSWORD}
    ask.ok(201, "POST", "auth/register/", me)
    pair = ask.ok(200, "POST", "auth/login/", {"username": "ana", "password": PASSWORD})
    ask.carry(ask.ok(200, "POST", "auth/refresh/", {"refresh": pair["refresh"]})["access"])
    times = {"start_time": day().isoformat(), "end_time": (day() + timedelta(hours=1)).isoformat()}
    made = ask.ok(201, "POST", "reservations/", times)
    assert made["status"] == "pending"
    changed = ask.ok(200, "PATCH", f"reservations/{made['id']}/", {"status": "canceled"})
    assert changed["status"] == "canceled"
    assert ask("GET", "reservations/")["contract"] == "barbershop"
    assert ask.cookie() is None


def test_circletime(ask):
    """Nobody registers there: an account of our own API is good everywhere."""
    room = place_of("circletime", building="North", floor=2)
    me = {"email": "ana@example.com", "password": PASSWORD}
    ask.ok(201, "POST", "v1/auth/register/", me)
    given = ask.ok(200, "POST", "auth/login", me)["data"]
    renewed = ask.ok(200, "POST", "auth/refresh", {"refresh": given["refresh"]})["data"]
    ask.carry(renewed["access"])
    times = {"startTime": day().isoformat(), "endTime": (day() + timedelta(hours=1)).isoformat()}
    body = {"roomId": str(room.pk), "title": "Standup", **times}
    made = ask.ok(201, "POST", "bookings", body)["data"]
    assert ask("POST", "bookings", body)["status"] == 409
    assert ask.ok(200, "DELETE", f"bookings/{made['id']}")["data"] == {"cancelled": True}
    state = ask("GET", f"panel/rooms/{room.pk}/state", X_Device_Token="nobody's")
    assert (state["status"], state["contract"]) == (401, "circletime")


def test_resources(ask):
    room = place_of("resources")
    me = {"username": "ana", "email": "ana@example.com", "password": PASSWORD}
    ask.ok(201, "POST", "auth/users/", me)
    ask.carry(ask.ok(200, "POST", "auth/token/login/", me)["auth_token"], "Token")
    times = {"start_time": day().isoformat(), "end_time": (day() + timedelta(hours=1)).isoformat()}
    made = ask.ok(201, "POST", "bookings/", {"resource": room.pk, **times})
    ask.ok(200, "PATCH", f"bookings/{made['id']}/", {"notes": "with chairs"})
    ask.ok(204, "DELETE", f"bookings/{made['id']}/")
    assert ask("GET", "bookings/")["contract"] == "resources"
    ask.ok(204, "POST", "auth/token/logout/")
    ask.ok(401, "GET", "auth/users/me/")


def test_paidrooms(ask):
    room = place_of("paidrooms", price_minor=5000)
    me = {"email": "ana@example.com", "password": PASSWORD}
    ask.ok(201, "POST", "register/", {**me, "confirm_password": PASSWORD})
    ask.ok(200, "POST", "login/", me)
    check_cookie(ask)
    ask.carry(ask.ok(200, "POST", "token/refresh-cookie/")["access"])
    on = {"booking_date": f"{day():%F}", "start_time": "10:00:00", "end_time": "11:00:00"}
    made = ask.ok(201, "POST", "bookings/", {"room_id": room.pk, "guest_count": 2, **on})
    assert (made["status"], made["total_amount"]) == ("pending", 100)
    assert ask("GET", f"bookings/{made['id']}/")["contract"] == "paidrooms"
    ask.ok(200, "POST", "logout/")
    assert ask.cookie() is None
    ask.ok(401, "POST", "token/refresh-cookie/")


def test_our_own_api_lets_a_page_send_and_read_what_it_needs(ask):
    room, me = place_of("circletime"), {"email": "ana@example.com", "password": PASSWORD}
    ask.ok(201, "POST", "v1/auth/register/", me)
    ask.carry(ask.ok(200, "POST", "v1/auth/login/", me)["access"])
    check_cookie(ask)
    times = {"starts_at": day().isoformat(), "ends_at": (day() + timedelta(hours=1)).isoformat()}
    for replayed in (None, "true"):
        headers = {"Idempotency_Key": "one", "X_Contract": "v1", "X_Requested_With": "fetch"}
        answer = ask("POST", "v1/bookings/", {"resource": room.pk, **times}, **headers)
        assert (answer["status"], answer["replayed"]) == (201, replayed)
    assert Booking.objects.count() == 1


def test_a_page_of_an_origin_that_was_named_is_answered(abroad, site):
    ask = Frontend(abroad("frontend.example"), site.url("/api/"))
    assert ask("GET", "rooms/")["body"] == {"count": 0, "rooms": []}


def test_an_untrusted_page_reads_nothing_and_its_visitors_cookie_is_not_used(abroad, ask, site):
    """Its requests arrive, whatever it may read of the answers; the cookie stays at home."""
    me = {"email": "ana@example.com", "password": PASSWORD}
    ask.ok(201, "POST", "users/register/", me)
    ask.ok(200, "POST", "users/login/", me)
    kept = ask.cookie()["value"]
    stranger = Frontend(abroad("stranger.example"), site.url("/api/"))
    for method, path in (("POST", "users/refresh/"), ("POST", "users/logout/"), ("GET", "rooms/")):
        assert stranger(method, path) == {"status": 0, "body": "TypeError: Failed to fetch"}
    assert ask.cookie()["value"] == kept
    ask.ok(200, "POST", "users/refresh/")


@pytest.mark.parametrize(("host", "status"), [("localhost", 401), ("127.0.0.1", 200)])
def test_localhost_and_its_number_are_two_sites_to_the_cookie(abroad, site, host, status):
    """Which is why `make up` prints the name that the frontend's default address has."""
    ask = Frontend(abroad(host), site.url("/api/"))
    me = {"email": "ana@example.com", "password": PASSWORD}
    ask.ok(201, "POST", "users/register/", me)
    ask.ok(200, "POST", "users/login/", me)
    ask.ok(status, "POST", "users/refresh/")
