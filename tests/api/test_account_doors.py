"""One rule for names, addresses, passwords and credentials, at all six doors."""

import re
import unicodedata

import pytest
from django.test import Client
from rest_framework.test import APIClient

from api.contracts import CONTRACTS
from api.models import Delivery, User
from api.services.accounts import tokens
from api.services.messages import mailer
from api.services.venues import venues

pytestmark = pytest.mark.django_db

PASSWORD, STRONG = "correct horse 9 battery", "another hörse 8 staple"
SIGN_UPS = {
    "v1": ("/api/v1/auth/register/", {}),
    "primetime": ("/primetime/api/users/register/", {}),
    "barbershop": ("/barbershop/api/auth/register/", {"username": "new"}),
    "resources": ("/resources/api/auth/users/", {"username": "new"}),
    "paidrooms": ("/paidrooms/api/register/", {"confirm_password": ""}),
}
SIGN_INS = {
    "v1": ("/api/v1/auth/login/", "email"),
    "primetime": ("/primetime/api/users/login/", "email"),
    "barbershop": ("/barbershop/api/auth/login/", "username"),
    "circletime": ("/circletime/api/auth/login", "email"),
    "resources": ("/resources/api/auth/token/login/", "username"),
    "paidrooms": ("/paidrooms/api/login/", "email"),
}


@pytest.fixture(autouse=True)
def doors(db):
    for name in CONTRACTS:
        venues.get_contract_venue(name)


def sign_up(door, email, password=STRONG, **more):
    path, body = SIGN_UPS[door]
    body = body | {"email": email, "password": password} | more
    if "confirm_password" in body:
        body["confirm_password"] = unicodedata.normalize("NFD", password)
    return APIClient().post(path, body).status_code


def sign_in(door, login, password=STRONG):
    path, key = SIGN_INS[door]
    return APIClient().post(path, {key: login, "password": password})


@pytest.mark.parametrize("door", SIGN_UPS)
@pytest.mark.parametrize(
    "email",
    [
        "a" * 64 + "@example.com",
        "a.b.c.d.e.f@mail.a.b.c.d.e.f.example.com",
        "new@" + "b" * 63 + ".example",
        "new@bücher.example",
        "new@xn--bcher-kva.example",
        '"new one"@example.com',
    ],
)
def test_an_address_that_one_door_takes_signs_in_at_all(door, email):
    assert sign_up(door, email) == 201
    for other in SIGN_INS:
        shouted = email.upper().replace("Ü", "u\u0308")
        answer = sign_in(other, shouted, unicodedata.normalize("NFD", STRONG))
        assert answer.status_code == 200, (other, answer.content)
    for path in ("/api/v1/auth/password/reset/", "/resources/api/auth/users/reset_password/"):
        assert APIClient().post(path, {"email": email.upper()}).status_code == 204
    assert Delivery.objects.filter(name__endswith="password_reset").count() == 2


@pytest.mark.parametrize("door", SIGN_UPS)
@pytest.mark.parametrize(
    "email", ["a" * 65 + "@example.com", "new@" + "b" * 64 + ".example", "new@b", "ſam@example.com"]
)
def test_an_address_that_one_door_refuses_all_do(door, email):
    assert sign_up(door, email) == 400
    assert not User.objects.exists()


@pytest.mark.parametrize("door", SIGN_UPS)
def test_one_address_has_one_account_however_it_is_spelt(door, person):
    User.objects.filter(pk=person("ana").pk)
    for email in ("ana@exaⅿple.com", "ANA@example。com"):
        assert sign_up(door, email) in (400, 409)
    assert User.objects.count() == 1


@pytest.mark.parametrize("door", ["v1", "barbershop", "resources"])
def test_a_username_is_one_however_it_is_spelt_and_no_address_of_others(door, person):
    person("ana", username="missis")
    for name in ("miſsis", "ＭＩＳＳＩＳ", "bob@example.com"):
        assert sign_up(door, "new@example.com", username=name) in (400, 409)
    assert User.objects.count() == 1


@pytest.mark.parametrize("door", SIGN_UPS)
def test_a_password_has_at_most_128_characters_however_they_are_written(door):
    long = "ä9" + "x " * 63
    assert sign_up(door, "new@example.com", "x" * 129) == 400
    assert sign_up(door, "new@example.com", unicodedata.normalize("NFD", long)) == 201
    for other in SIGN_INS:
        assert sign_in(other, "new@example.com", long).status_code == 200


@pytest.mark.parametrize("door", SIGN_INS)
def test_a_password_that_was_longer_once_still_signs_in(door, ana):
    ana.set_password("x" * 10_000)
    ana.save()
    assert sign_in(door, ana.email, "x" * 10_000).status_code == 200


@pytest.mark.parametrize("door", SIGN_INS)
def test_failures_are_counted_for_the_account_and_not_for_a_spelling(door, person, settings):
    settings.FAILED_LOGINS_ALLOWED = 3
    person("ana", username="Annie")
    logins = ["ana@example.com", "ANA@EXAMPLE.COM", "ana@exaⅿple.com"]
    if door in ("barbershop", "resources", "v1"):
        logins[1:] = ["annie", "ANNIE"]
    for login in logins:
        assert sign_in(door, login, "wrong").status_code in (400, 401)
    assert sign_in(door, "ana@example.com", PASSWORD).status_code == 429


# who changes an account

CHANGES = {
    "v1": ("patch", "/api/v1/auth/me/", {"email": "new@example.com"}),
    "primetime": ("put", "/primetime/api/users/{pk}/", {"email": "new@example.com"}),
    "primetime-password": ("patch", "/primetime/api/users/{pk}/", {"password": STRONG}),
    "barbershop": ("patch", "/barbershop/api/users/{pk}/", {"email": "new@example.com"}),
    "barbershop-password": ("patch", "/barbershop/api/users/{pk}/", {"password": "weak"}),
    "resources": ("patch", "/resources/api/auth/users/me/", {"email": "new@example.com"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_stolen_token_does_not_take_the_account(change, ana, settings):
    method, path, body = CHANGES[change]
    path = path.format(pk=ana.pk)
    client = APIClient()
    contract = change.partition("-")[0]
    if contract == "resources":
        token = APIClient().post(
            "/resources/api/auth/token/login/", {"username": ana.email, "password": PASSWORD}
        )
        client.credentials(HTTP_AUTHORIZATION=f"Token {token.json()['auth_token']}")
    else:
        access = tokens.issue(ana, contract).access
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    send = getattr(client, method)
    if contract != "v1":
        settings.FRESH_SIGN_IN *= 0
    for proof in ({}, {"current_password": "wrong"}, {"current_password": ""}):
        answer = send(path, body | proof)
        assert answer.status_code == 400, answer.content
        assert "current_password" in answer.json().get("errors", answer.json())
    ana.refresh_from_db()
    assert (ana.email, ana.check_password(PASSWORD)) == ("ana@example.com", True)
    answer = send(path, body | {"current_password": PASSWORD})
    assert answer.status_code == 200, answer.content
    assert "current_password" not in answer.json()
    assert Delivery.objects.get().to == "ana@example.com"


@pytest.mark.parametrize("change", [name for name in CHANGES if name[:2] in ("pr", "ba")])
def test_a_contract_takes_a_fresh_sign_in_instead(change, ana):
    method, path, body = CHANGES[change]
    pair = tokens.issue(ana, change.partition("-")[0])
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
    assert getattr(client, method)(path.format(pk=ana.pk), body).status_code == 200


def test_refreshing_is_no_fresh_sign_in(ana):
    old = tokens.read(tokens.issue(ana, "primetime").refresh)
    old["auth_time"] -= 3600
    again = tokens.rotate(str(old))
    for raw in (again.access, again.refresh):
        assert tokens.peek(raw)["auth_time"] == old["auth_time"]


def test_the_page_of_a_letter_changes_nothing_until_its_button_is_pressed(ana, client_of):
    body = {"email": "thief@example.com", "current_password": PASSWORD}
    assert client_of(ana).patch("/api/v1/auth/me/", body).status_code == 200
    text = str(mailer.compose(Delivery.objects.get(), None).body)
    path = re.search(r"http://localhost:8000(/account/undo/\S+)", text)[1]
    browser = Client(enforce_csrf_checks=True)
    page = browser.get(path)
    assert (page.status_code, page["Referrer-Policy"]) == (200, "no-referrer")
    assert b'method="post"' in page.content
    assert User.objects.get().email == "thief@example.com"
    assert browser.post(path).status_code == 200
    assert User.objects.get().email == "ana@example.com"
    for method in (browser.get, browser.post):
        assert method(path).status_code == method(path[:-9] + "/").status_code == 404


# headers and tokens


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
@pytest.mark.parametrize("path", ["/api/v1/auth/me/", "/primetime/api/users/me/", "/api/auth/me"])
def test_a_scheme_is_read_in_any_case(ana, scheme, path):
    access = tokens.issue(ana, "circletime").access
    answer = APIClient().get(path, headers={"Authorization": f"{scheme} {access}"})
    assert answer.status_code == 200


def test_two_credentials_are_none(ana):
    one = f"Bearer {tokens.issue(ana).access}"
    for header in (f"{one},{one}", f"{one} x", one.replace(" ", "\t"), "Bearer"):
        answer = APIClient().get("/api/v1/auth/me/", headers={"Authorization": header})
        assert answer.status_code == 401, header


def test_the_figures_are_behind_a_bearer_in_any_case(settings):
    settings.METRICS_TOKEN = "figures-99"
    for header, status in (
        ("bearer figures-99", 200),
        ("Bearer figures-98", 401),
        ("figures-99", 401),
        ("Bearer figures-99 x", 401),
    ):
        assert Client().get("/metrics", headers={"Authorization": header}).status_code == status


def test_a_refresh_token_is_good_at_the_door_that_gave_it(ana):
    """A door that does not rotate would renew another's for ever, and nobody would notice."""
    doors = {
        "v1": "/api/v1/auth/refresh/",
        "barbershop": "/barbershop/api/auth/refresh/",
        "circletime": "/circletime/api/auth/refresh",
    }
    for given, own in doors.items():
        raw = tokens.issue(ana, given).refresh
        for path in doors.values():
            if path != own:
                assert APIClient().post(path, {"refresh": raw}).status_code == 401
        assert APIClient().post(own, {"refresh": raw}).status_code == 200
    for given, path in (
        ("v1", "/paidrooms/api/token/refresh-cookie/"),
        ("paidrooms", "/primetime/api/users/refresh/"),
    ):
        client = APIClient()
        client.cookies["refresh_token"] = tokens.issue(ana, given).refresh
        assert client.post(path).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
@pytest.mark.parametrize("path", ["/api/v1/auth/logout/", "/primetime/api/users/logout/"])
def test_a_strangers_page_signs_nobody_out(ana, path, headers):
    client = APIClient()
    contract = "v1" if "v1" in path else "primetime"
    raw = client.cookies["refresh_token"] = tokens.issue(ana, contract).refresh
    answer = client.post(path, headers=headers)
    assert answer.status_code in (200, 204)
    assert not answer.cookies
    assert tokens.rotate(raw).user == ana


def test_a_cookie_may_be_quoted(ana):
    raw = tokens.issue(ana, "primetime").refresh
    answer = APIClient().post(
        "/primetime/api/users/refresh/", headers={"Cookie": f'a=b; refresh_token="{raw}"'}
    )
    assert answer.status_code == 200
