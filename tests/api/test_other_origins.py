"""Browsers on other origins: what a preflight allows, what may be read, and the cookie's attributes
in development, behind HTTPS, and for a frontend at another site."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.test import Client
from rest_framework.test import APIClient

from backend.devserver import CHECKOUT

PASSWORD = "correct horse 9 battery"
FRONTEND = "http://localhost:5173"
SENT = (
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "x-contract",
    "x-csrftoken",
    "x-device-token",
    "x-request-id",
    "x-requested-with",
)
READ = {
    "content-disposition",
    "etag",
    "idempotency-replayed",
    "location",
    "retry-after",
    "x-contract",
    "x-request-id",
}
PATHS = (
    "/api/reservations/",
    "/primetime/api/users/refresh/",
    "/api/auth/login",
    "/api/v1/bookings/7/",
    "/api/nothing/here",
)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_preflight_allows_what_the_frontends_send(path, method):
    answer = Client().options(
        path,
        headers={
            "Origin": FRONTEND,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": ", ".join(SENT),
        },
    )
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == FRONTEND
    assert answer["Access-Control-Allow-Credentials"] == "true"
    assert method in answer["Access-Control-Allow-Methods"]
    assert set(SENT) <= set(answer["Access-Control-Allow-Headers"].split(", "))


@pytest.mark.django_db
@pytest.mark.parametrize("path", [*PATHS, "/api/rooms/", "/health/"])
def test_an_answer_may_be_read_with_its_headers_also_when_it_is_a_refusal(path):
    answer = Client().get(path, headers={"Origin": FRONTEND})
    assert answer["Access-Control-Allow-Origin"] == FRONTEND
    assert answer["Access-Control-Allow-Credentials"] == "true"
    assert set(answer["Access-Control-Expose-Headers"].split(", ")) == READ
    assert "origin" in answer["Vary"]


@pytest.mark.django_db
@pytest.mark.parametrize("origin", ["https://stranger.example", "null", "http://localhost.evil.io"])
def test_a_strangers_page_may_read_nothing(origin):
    answer = Client().get("/api/rooms/", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer


def test_what_depends_on_who_asks_is_not_shared_by_caches(db):
    vary = APIClient().get("/api/rooms/")["Vary"]
    assert {"X-Contract", "Authorization", "origin"} <= set(vary.split(", "))


# the cookie


LOGINS = {
    "/api/users/login/": "/api/users/logout/",
    "/api/login/": "/api/logout/",
    "/api/v1/auth/login/": "/api/v1/auth/logout/",
}


def cookies(ana, login, logout):
    """The cookie as set by the one and taken back by the other."""
    client = APIClient()
    given = client.post(login, {"email": ana.email, "password": PASSWORD})
    assert given.status_code == 200, given.content
    body = given.json()
    access = body.get("access") or body["tokens"]["access"]
    gone = client.post(logout, headers={"Authorization": f"Bearer {access}"})
    return given.cookies["refresh_token"], gone.cookies["refresh_token"]


@pytest.mark.parametrize(("login", "logout"), LOGINS.items())
@pytest.mark.parametrize(
    ("same_site", "secure"), [("Lax", ""), ("Lax", True), ("Strict", True), ("None", True)]
)
def test_the_cookie_is_kept_from_scripts_and_other_sites(
    ana, settings, login, logout, same_site, secure
):
    settings.REFRESH_COOKIE_SAMESITE, settings.REFRESH_COOKIE_SECURE = same_site, secure
    given, gone = cookies(ana, login, logout)
    assert (given["httponly"], given["secure"], given["samesite"], given["path"]) == (
        True,
        secure,
        same_site,
        "/",
    )
    assert given["max-age"] == 7 * 24 * 3600
    assert (gone.value, gone["max-age"], gone["samesite"]) == ("", 0, same_site)
    assert bool(gone["secure"]) == (same_site == "None")  # else browsers would not take it back


REFRESHES = {
    "/api/users/login/": "/api/users/refresh/",
    "/api/login/": "/api/token/refresh-cookie/",
    "/api/v1/auth/login/": "/api/v1/auth/refresh/",
}


@pytest.mark.parametrize(("login", "refresh"), REFRESHES.items())
def test_the_cookie_counts_only_from_our_pages(ana, login, refresh):
    """Cookies are sent along by any page: without `is_untrusted_origin` the
    stranger's uses the token up."""
    client = APIClient()
    client.post(login, {"email": ana.email, "password": PASSWORD})
    for origin in ("https://stranger.example", "null"):
        assert client.post(refresh, headers={"Origin": origin}).status_code == 401
    for origin in (FRONTEND, "http://testserver"):
        assert client.post(refresh, headers={"Origin": origin}).status_code == 200


# settings


ASK = """
import json
from backend import settings as s
print(json.dumps([s.HTTPS, s.REFRESH_COOKIE_SECURE, s.REFRESH_COOKIE_SAMESITE,
    s.SECURE_PROXY_SSL_HEADER, s.CORS_ALLOWED_ORIGINS, s.CORS_ALLOWED_ORIGIN_REGEXES]))
"""
BASE = {"SECRET_KEY": "x" * 50, "DATABASE_URL": "postgres://x@127.0.0.1/x", "PATH": os.defpath}


def start(tmp_path, **environment):
    return subprocess.run(
        [sys.executable, "-c", ASK],
        env=BASE | {"DATA_DIR": str(tmp_path)} | environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_outside_development_cookies_need_https_and_origins_are_listed(tmp_path):
    named = "https://shop.example/,https://www.shop.example"
    done = start(tmp_path, CORS_ALLOWED_ORIGINS=named, FRONTEND_URL="https://app.example")
    assert json.loads(done.stdout) == [
        True,
        True,
        "Lax",
        ["HTTP_X_FORWARDED_PROTO", "https"],
        ["https://app.example", "https://shop.example", "https://www.shop.example"],
        [],
    ]


def test_in_development_any_local_port_may_call(tmp_path):
    done = start(tmp_path, DEBUG="1", COOKIE_SAMESITE="strict", CODESPACE_NAME="my-space")
    https, secure, same_site, proxy, origins, patterns = json.loads(done.stdout)
    assert (https, secure, same_site, proxy) == (False, False, "Strict", None)
    assert {FRONTEND, "http://127.0.0.1:5173", "http://localhost:3000"} <= set(origins)
    assert patterns == [
        r"^https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$",
        r"^https://my-space-\d+\.app\.github\.dev$",
    ]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"COOKIE_SAMESITE": "no"}, "COOKIE_SAMESITE is Lax, Strict or None."),
        ({"COOKIE_SAMESITE": "None", "HTTPS": "0"}, "COOKIE_SAMESITE=None needs HTTPS"),
    ],
)
def test_a_cookie_that_browsers_would_drop_stops_the_start(tmp_path, environment, said):
    done = start(tmp_path, **environment)
    assert done.returncode != 0
    assert said in done.stderr
    assert start(tmp_path, COOKIE_SAMESITE="none").returncode == 0
