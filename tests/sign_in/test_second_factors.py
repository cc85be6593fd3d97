"""Second factors on the pages, at the staff site and over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from rest_framework.test import APIClient

from api.models import Delivery, User, UserSession
from api.services.accounts import tokens
from tests.conftest import PASSWORD
from tests.sign_in.conftest import App, build_code, sign_in

BrowserOf = Callable[[], Client]
AppOf = Callable[[User], App]
ClientOf = Callable[..., APIClient]


def signed_in_as(client: Client) -> int | None:
    found = client.session.get("_auth_user_id")
    return int(found) if found else None


@pytest.mark.parametrize("login", ["ana@example.com", "ANA@Example.COM", "Ana.Ex"])
def test_signs_in_by_address_and_username_however_spelt(
    browser_of: BrowserOf, ana: User, login: str
) -> None:
    ana.username = "ana.ex"
    ana.save()
    client = browser_of()
    response = client.post("/account/login/", {"login": login, "password": PASSWORD})
    assert (response.status_code, response["Location"]) == (302, "/account/")
    assert signed_in_as(client) == ana.pk


def test_wrong_passwords_on_page_count_with_those_of_every_door(
    browser_of: BrowserOf, client_of: ClientOf, ana: User, settings: Any
) -> None:
    settings.FAILED_LOGINS_ALLOWED, client = 2, browser_of()
    for _ in range(2):
        response = sign_in(client, ana, "wrong")
        assert "not correct" in response.content.decode()
    response = sign_in(client, ana, PASSWORD)
    assert "Too many attempts" in response.content.decode()
    assert signed_in_as(client) is None
    body = {"email": ana.email, "password": PASSWORD}
    assert client_of().post("/api/v1/auth/login/", body).status_code == 429


@pytest.mark.parametrize(
    ("path", "name"), [("/account/login/", "login"), ("/admin/login/", "username")]
)
def test_password_alone_signs_nobody_in_who_has_a_second_factor(
    browser_of: BrowserOf, app_of: AppOf, sam: User, path: str, name: str
) -> None:
    app, client = app_of(sam), browser_of()
    response = client.post(path, {name: sam.email, "password": PASSWORD})
    assert (response.status_code, response["Location"]) == (302, "/account/2fa/authenticate/")
    assert signed_in_as(client) is None
    assert client.get("/admin/").status_code == 302
    assert client.get("/account/2fa/").status_code == 302
    wrong = client.post("/account/2fa/authenticate/", {"code": "000000"})
    assert "Incorrect code" in wrong.content.decode()
    right = client.post("/account/2fa/authenticate/", {"code": app.code()})
    assert right["Location"] == "/admin/"
    assert signed_in_as(client) == sam.pk
    assert client.get("/admin/").status_code == 200
    assert UserSession.objects.get().methods == ["pwd", "otp", "mfa"]


def test_wrong_codes_are_bounded(browser_of: BrowserOf, app_of: AppOf, sam: User) -> None:
    app, client = app_of(sam), browser_of()
    sign_in(client, sam, PASSWORD)
    for _ in range(5):
        client.post("/account/2fa/authenticate/", {"code": "000000"})
    response = client.post("/account/2fa/authenticate/", {"code": app.code()})
    assert response.status_code == 200
    assert signed_in_as(client) is None


def test_recovery_code_works_once(browser_of: BrowserOf, app_of: AppOf, sam: User) -> None:
    code, first, second = app_of(sam).recovery_codes[0], browser_of(), browser_of()
    for client in (first, second):
        sign_in(client, sam, PASSWORD)
        client.post("/account/2fa/authenticate/", {"code": code})
    assert (signed_in_as(first), signed_in_as(second)) == (sam.pk, None)


def test_adding_authenticator_app_is_told_and_key_is_stored_encrypted(
    transactional_db: None, browser_of: BrowserOf, sam: User
) -> None:
    client = browser_of()
    sign_in(client, sam, PASSWORD)
    page = client.get("/account/2fa/totp/activate/")
    secret = page.context["form"].secret
    assert secret in page.content.decode()
    response = client.post("/account/2fa/totp/activate/", {"code": build_code(secret)})
    assert response["Location"] == "/account/2fa/recovery-codes/"
    row = Authenticator.objects.get(type=Authenticator.Type.TOTP)
    assert secret not in str(row.data)
    letter = Delivery.objects.get()
    assert (letter.name, letter.to) == ("second_factor_changed", sam.email)
    assert letter.payload["changed"] == "an authenticator app was added"


def test_session_that_added_a_second_factor_has_shown_it(
    transactional_db: None, browser_of: BrowserOf, sam: User
) -> None:
    client = browser_of()
    sign_in(client, sam, PASSWORD)
    secret = client.get("/account/2fa/totp/activate/").context["form"].secret
    client.post("/account/2fa/totp/activate/", {"code": build_code(secret)})
    assert client.get("/account/").context["shown"] is True


def test_old_sign_in_needs_password_again_before_second_factors_change(
    browser_of: BrowserOf, sam: User, settings: Any
) -> None:
    client = browser_of()
    sign_in(client, sam, PASSWORD)
    settings.FRESH_SIGN_IN *= 0
    response = client.get("/account/2fa/totp/activate/")
    assert response["Location"].startswith("/account/reauthenticate/?next=")
    wrong = client.post(response["Location"], {"password": "wrong"})
    assert wrong.status_code == 200
    right = client.post(response["Location"], {"password": PASSWORD})
    assert right["Location"] == "/account/2fa/totp/activate/"


def test_code_at_v1_is_in_the_tokens(app_of: AppOf, client_of: ClientOf, sam: User) -> None:
    app, client = app_of(sam), client_of()
    body = {"email": sam.email, "password": PASSWORD}
    plain = client.post("/api/v1/auth/login/", body).json()
    assert tokens.peek(plain["access"])["amr"] == ["pwd"]
    wrong = client.post("/api/v1/auth/login/", body | {"code": "000000"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_code")
    pair = client.post("/api/v1/auth/login/", body | {"code": app.code()}).json()
    assert tokens.peek(pair["access"])["amr"] == ["pwd", "otp", "mfa"]
    again = client.post("/api/v1/auth/refresh/", {"refresh": pair["refresh"]}).json()
    assert tokens.peek(again["access"])["amr"] == ["pwd", "otp", "mfa"]


def test_wrong_codes_at_v1_are_bounded(
    app_of: AppOf, client_of: ClientOf, sam: User, settings: Any
) -> None:
    settings.FAILED_LOGINS_ALLOWED, client = 2, client_of()
    app, body = app_of(sam), {"email": sam.email, "password": PASSWORD}
    for _ in range(2):
        client.post("/api/v1/auth/login/", body | {"code": "000000"})
    assert client.post("/api/v1/auth/login/", body | {"code": app.code()}).status_code == 429


@pytest.mark.parametrize(
    "path", ["/account/", "/account/2fa/", "/account/2fa/webauthn/", "/account/2fa/webauthn/add/"]
)
def test_pages_are_for_whoever_is_signed_in(browser_of: BrowserOf, ana: User, path: str) -> None:
    client = browser_of()
    assert client.get(path).status_code == 302
    sign_in(client, ana, PASSWORD)
    response = client.get(path)
    assert response.status_code == 200
    text = response.content.decode()
    assert 'name="viewport"' in text
    assert "light dark" in text
    assert "http://" not in text.replace("http://testserver", "").replace("http://www.w3.org", "")
    assert "https://" not in text


def test_staff_site_leads_to_the_other_ways(browser_of: BrowserOf) -> None:
    page = browser_of().get("/admin/login/?next=/admin/api/booking/").content.decode()
    assert 'href="/account/login/?next=/admin/api/booking/"' in page
