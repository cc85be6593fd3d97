"""The ten of OWASP's API Security Top 10 (2023), one test each; docs/security.md has a paragraph to
each, with the other tests that look at it more closely."""

from __future__ import annotations

import ast
import re
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from rest_framework.test import APIClient

from api.models import Booking, StripeEvent, User
from api.services.accounts import tokens
from backend.devserver import CHECKOUT

from .routes import routes

pytestmark = pytest.mark.django_db

API, PASSWORD = "/api/v1/", "correct horse 9 battery"


def hour(soon: datetime, hours: float = 0) -> dict[str, str]:
    start = soon + timedelta(hours=hours)
    return {
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=1)).isoformat(),
    }


def test_api1_somebody_elses_row_cannot_be_told_from_one_that_is_not_there(
    client_of, booked, ana, ben
):
    row, client = booked(ana), client_of(ben)
    for method, path in (
        ("get", "bookings/{}/"),
        ("patch", "bookings/{}/"),
        ("post", "bookings/{}/cancel/"),
        ("get", "bookings/{}/events/"),
        ("post", "bookings/{}/payment/"),
    ):
        theirs = getattr(client, method)(API + path.format(row.pk), {})
        nobodys = getattr(client, method)(API + path.format(10**9), {})
        assert (theirs.status_code, theirs.json()) == (nobodys.status_code, nobodys.json())
        assert theirs.status_code == 404


def test_api2_only_a_living_access_token_of_ours_opens_the_door(client_of, ana):
    pair = tokens.issue(ana)
    claims = jwt.decode(pair.access, options={"verify_signature": False})
    past = claims | {"exp": datetime.now(UTC) - timedelta(seconds=1)}
    forged = {
        "no signature": jwt.encode(claims, "", algorithm="none"),
        "another's signature": jwt.encode(claims, "x" * 64, algorithm="HS256"),
        "the other secret": jwt.encode(claims, settings.JWT_REFRESH_SECRET, algorithm="HS256"),
        "another algorithm": jwt.encode(claims, settings.JWT_ACCESS_SECRET, algorithm="HS512"),
        "expired": jwt.encode(past, settings.JWT_ACCESS_SECRET, algorithm="HS256"),
        "a refresh token": pair.refresh,
        "cut short": pair.access[:-4],
        "nothing": "",
    }
    for name, token in forged.items():
        client = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")
        assert client.get(f"{API}auth/me/").status_code == 401, name
    living = APIClient(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
    assert living.get(f"{API}auth/me/").status_code == 200
    ana.set_password("another horse 8")
    ana.save()
    assert living.get(f"{API}auth/me/").status_code == 401


def test_api3_nobody_writes_what_is_not_theirs_to_write(client_of, court, ana, ben, soon):
    extra = {"role": "admin", "is_superuser": True, "is_staff": True}
    account = {"email": "new@example.com", "password": "correct horse 9", **extra}
    assert APIClient().post(f"{API}auth/register/", account).status_code == 201
    made = User.objects.get(email="new@example.com")
    assert (made.roles, made.is_superuser) == ({}, False)
    assert client_of(ana).patch(f"{API}auth/me/", extra).status_code == 400
    body = {"resource": court.pk, **hour(soon)}
    for name, value in (
        ("status", "confirmed"),
        ("owner", ben.pk),
        ("price_minor", 0),
        ("payment_status", "succeeded"),
        ("version", 99),
    ):
        assert client_of(ana).post(f"{API}bookings/", {**body, name: value}).status_code == 400
    assert not Booking.objects.exists()


def test_api4_what_is_asked_for_is_bounded(client_of, ana, court):
    client = client_of(ana)
    assert client.get(f"{API}bookings/?page_size=100000").status_code == 400
    long = "?start=2030-01-01T00:00:00Z&end=2039-01-01T00:00:00Z"
    assert client.get(f"{API}resources/{court.pk}/availability/{long}").status_code == 400
    many = {"ids": list(range(1, 5000))}
    assert client.post(f"{API}bookings/approve/", many).status_code in (400, 403)
    large = b'{"title": "' + b"x" * 2_000_000 + b'"}'
    assert client.generic("POST", f"{API}bookings/", large, "application/json").status_code == 413


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Original-URL", "X-Rewrite-URL"])
def test_api5_no_header_turns_a_reader_into_staff(client_of, ana, booked, header):
    row, client = booked(ana), client_of(ana)
    for path in ("users/", f"users/{ana.pk}/", "automation/", "panels/", "analytics/kpi/"):
        assert client.get(f"{API}{path}", headers={header: "POST"}).status_code == 403
    path = f"{API}bookings/{row.pk}/approve/"
    assert client.post(path, {}, headers={header: "/api/v1/health/"}).status_code == 403
    assert client.get(path, headers={header: "POST"}).status_code == 405


def test_api6_nobody_buys_up_the_slots_by_holding_them(client_of, venue, court, ana, soon):
    venue.max_open_holds = 2
    venue.save()
    court.price_minor = 1000
    court.save()
    client = client_of(ana)
    body = {"resource": court.pk}
    asked = [client.post(f"{API}bookings/", body | hour(soon, n)).status_code for n in range(4)]
    assert asked == [201, 201, 429, 429]
    assert Booking.objects.filter(status="held").count() == 2


ADDRESSES = [
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1:6379/",
    "http://[::1]/",
    "https://internal.example/a.png",
]


def test_api7_no_address_that_somebody_gives_is_ever_called(
    monkeypatch, client_of, ana, sam, court
):
    """Pictures are addresses that browsers fetch. Nothing of ours calls what is not in settings."""
    called: list[Any] = []
    connect = socket.socket.connect

    def note(self: socket.socket, address: Any) -> None:
        called.append(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", note)
    staff, known = client_of(sam), APIClient()
    token = known.post(
        "/resources/api/auth/token/login/", {"username": ana.email, "password": PASSWORD}
    ).json()["auth_token"]
    known.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    for address in ADDRESSES:
        known.patch("/resources/api/profile/picture/", {"profile_picture": address})
        staff.patch(f"{API}resources/{court.pk}/", {"image_url": address})
    redis = settings.REDIS_URL
    ours = {int(port) for port in re.findall(r":(\d+)", redis)}
    ours.add(int(settings.DATABASES["default"]["PORT"]))
    assert {address[1] for address in called if isinstance(address, tuple)} <= ours
    refused = known.patch(
        "/resources/api/profile/picture/", {"profile_picture": "javascript:alert(1)"}
    )
    assert refused.status_code == 400


CLIENTS = ("requests", "httpx", "urllib.request", "http.client", "aiohttp", "urllib3", "ftplib")


def test_api7_one_module_speaks_http_to_somebody_else():
    speakers = set()
    for folder in ("api", "tasks"):
        for path in (CHECKOUT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                if any(name == c or name.startswith(f"{c}.") for name in names for c in CLIENTS):
                    speakers.add(path.name)
    assert speakers == set()  # Stripe's library does it for stripe_gateway, by settings alone


def test_api8_a_foreign_page_is_told_nothing(client_of, ana):
    client = client_of(ana)
    foreign = client.get(f"{API}auth/me/", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in foreign
    ours = client.get(f"{API}auth/me/", headers={"Origin": "http://localhost:5173"})
    assert ours["Access-Control-Allow-Origin"] == "http://localhost:5173"
    assert ours["Access-Control-Allow-Credentials"] == "true"
    assert client.generic("TRACE", f"{API}auth/me/").status_code == 405
    assert APIClient(HTTP_HOST="evil.example").get("/health/").status_code == 400
    for path in (".env", ".git/config", "static/../backend/settings.py", "debug/", "api/v1/.env"):
        assert client.get(f"/{path}").status_code == 404


def test_api9_no_path_of_our_own_is_missing_from_the_schema(client_of, ada):
    schema = client_of(ada).get(f"{API}schema/?format=json").json()
    described = {re.sub(r"\{\w+\}", "{}", path) for path in schema["paths"]}
    ours = {f"{API}{route}" for route, _ in routes(API)}
    assert ours - described == {f"{API}schema/", f"{API}docs/"}
    for version in ("v0", "v2", "beta", "internal"):
        assert APIClient().get(f"/api/{version}/bookings/").status_code == 404


def test_api10_a_webhook_that_stripe_did_not_sign_writes_nothing():
    for signature in ("", "t=1,v1=00", "t=9999999999,v1=" + "0" * 64, "nonsense"):
        answer = APIClient().post(
            f"{API}webhooks/stripe/",
            {"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}},
            headers={"Stripe-Signature": signature},
        )
        assert answer.status_code == 400
    assert not StripeEvent.objects.exists()
