"""README, "V1 Endpoint Summary" 1.1 to 1.3, and "Why SimpleJWT?"."""

import pytest
from rest_framework.test import APIClient

from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
API = "/circletime/api"


def user_of(ana):
    return {
        "id": str(ana.pk),
        "name": "Ana Example",
        "email": "ana@example.com",
        "role": "user",
        "department": None,
    }


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_login_gives_the_tokens_and_the_user(ana, slash):
    body = {"email": "ana@example.com", "password": PASSWORD}
    answer = APIClient().post(f"{API}/auth/login{slash}", body)
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert answer.json() == {"success": True, "data": data}
    assert set(data) == {"token", "access", "refresh", "user"}
    assert data["token"] == data["access"]
    assert data["user"] == user_of(ana)


def test_missing_fields_of_a_login_are_named(db):
    answer = APIClient().post(f"{API}/auth/login", {"email": "ana@example.com"})
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "success": False,
            "message": "Missing or invalid fields",
            "code": "validation_error",
            "errors": ["password: This field is required."],
        },
    )


@pytest.mark.parametrize(
    ("email", "password"), [("ana@example.com", "wrong"), ("nobody@example.com", PASSWORD)]
)
def test_wrong_credentials_are_refused_alike(ana, email, password):
    answer = APIClient().post(f"{API}/auth/login", {"email": email, "password": password})
    assert (answer.status_code, answer.json()) == (
        401,
        {"success": False, "message": "Invalid credentials", "code": "unauthorized"},
    )


def test_refresh_rotates_and_the_old_token_is_used_up(ana):
    client = APIClient()
    login = client.post(f"{API}/auth/login", {"email": ana.email, "password": PASSWORD}).json()
    old = login["data"]["refresh"]
    first = client.post(f"{API}/auth/refresh", {"refresh": old})
    assert first.status_code == 200
    assert set(first.json()) == {"success", "data"}
    assert set(first.json()["data"]) == {"access", "refresh"}
    assert first.json()["data"]["refresh"] != old
    again = client.post(f"{API}/auth/refresh/", {"refresh": old})
    assert (again.status_code, again.json()) == (
        401,
        {
            "success": False,
            "message": "Invalid or expired refresh token",
            "code": "unauthorized",
        },
    )


@pytest.mark.parametrize("body", [{}, {"refresh": ""}, {"refresh": 7}, ["x"]])
def test_a_refresh_without_its_token_is_a_mistake(db, body):
    answer = APIClient().post(f"{API}/auth/refresh", body)
    assert (answer.status_code, answer.json()) == (
        400,
        {"success": False, "message": "Refresh token is required", "code": "validation_error"},
    )


def test_me_is_whoever_calls(as_, ana, ada):
    assert as_(ana).get(f"{API}/auth/me").json() == {"success": True, "data": user_of(ana)}
    ada.department = "Facilities"
    ada.save()
    mine = as_(ada).get(f"{API}/auth/me/").json()["data"]
    assert (mine["role"], mine["department"]) == ("admin", "Facilities")


def test_nobody_is_told_so_in_the_envelope(as_):
    answer = as_(None).get(f"{API}/auth/me")
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert (answer.status_code, answer.json()) == (
        401,
        {"success": False, "message": "Sign in first.", "code": "unauthorized"},
    )
