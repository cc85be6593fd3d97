"""README, "Authentication APIs": register, login, refresh by cookie, logout."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from api.models import User
from api.services.accounts import tokens
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

BASE = "/paidrooms/api/"


@pytest.fixture
def anyone():
    return APIClient()


def test_register(anyone):
    """README, "Register User"."""
    body = {"email": "New@Example.com", "password": "a", "confirm_password": "a"}
    answer = anyone.post(f"{BASE}register/", body)
    user = User.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {"message": "Registration successful", "user_id": user.pk}
    assert (user.email, user.is_staff, user.is_superuser) == ("new@example.com", False, False)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "All fields are required."),
        ({"email": "x@example.com", "password": "a"}, "All fields are required."),
        (
            {"email": "", "password": "a", "confirm_password": "a"},
            "All fields are required.",
        ),
        (
            {"email": 5, "password": ["a"], "confirm_password": {"a": 1}},
            "All fields are required.",
        ),
        (
            {"email": "x@example.com", "password": "a\0", "confirm_password": "a\0"},
            "All fields are required.",
        ),
        ([], "All fields are required."),
        (None, "All fields are required."),
        ("text", "All fields are required."),
        (
            {"email": "x@example.com", "password": "a", "confirm_password": "b"},
            "Password and confirm password do not match",
        ),
        (
            {"email": "ANA@example.com", "password": "a", "confirm_password": "a"},
            "Email already registered",
        ),
        (
            {"email": "nobody", "password": "a", "confirm_password": "a"},
            "Enter a valid email address.",
        ),
    ],
)
def test_register_refuses(anyone, ana, body, error):
    """README, "Register User"."""
    answer = anyone.post(f"{BASE}register/", body)
    assert (answer.status_code, answer.json()) == (400, {"error": error})
    assert User.objects.count() == 1


def test_login(anyone, ana, sam, ada):
    """README, "Login": the access token in the body, the refresh token in a cookie alone."""
    for person, staff, superuser in ((ana, False, False), (sam, True, False), (ada, True, True)):
        answer = anyone.post(f"{BASE}login/", {"email": person.email, "password": PASSWORD})
        assert answer.status_code == 200
        found = answer.json()
        access = found.pop("access")
        assert found == {
            "message": "Login successful",
            "user_id": person.pk,
            "email": person.email,
            "is_staff": staff,
            "is_superuser": superuser,
        }
        claims = tokens.peek(access)
        assert (claims["user_id"], claims["contract"]) == (str(person.pk), "paidrooms")
        assert claims["exp"] - claims["iat"] == 30 * 60
        cookie = answer.cookies["refresh_token"]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
        assert cookie["max-age"] == timedelta(days=7).total_seconds()
        assert bool(cookie["secure"]) == settings.REFRESH_COOKIE_SECURE


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"email": "ana@example.com"}, 400, "Email and password are required."),
        ({"password": PASSWORD}, 400, "Email and password are required."),
        ({"email": None, "password": 7}, 400, "Email and password are required."),
        ([1], 400, "Email and password are required."),
        ({"email": "ana@example.com", "password": "x"}, 401, "Invalid email or password"),
        ({"email": "no@example.com", "password": PASSWORD}, 401, "Invalid email or password"),
    ],
)
def test_login_refuses(anyone, ana, body, status, error):
    """README, "Login"."""
    answer = anyone.post(f"{BASE}login/", body)
    assert (answer.status_code, answer.json()) == (status, {"error": error})
    assert "refresh_token" not in answer.cookies


def test_login_is_not_to_be_guessed(anyone, ana):
    """README, "Security Features"; not in its words, but nobody may guess without end."""
    body = {"email": ana.email, "password": "x"}
    for _ in range(settings.FAILED_LOGINS_ALLOWED):
        assert anyone.post(f"{BASE}login/", body).status_code == 401
    answer = anyone.post(f"{BASE}login/", body | {"password": PASSWORD})
    assert (answer.status_code, answer.json()) == (
        429,
        {"error": "Too many attempts, try again later."},
    )
    assert int(answer["Retry-After"]) > 0


def test_refresh_by_cookie_does_not_rotate(anyone, ana):
    """README, "Refresh Access Token"."""
    anyone.post(f"{BASE}login/", {"email": ana.email, "password": PASSWORD})
    for _ in (1, 2):
        answer = anyone.post(f"{BASE}token/refresh-cookie/")
        assert answer.status_code == 200
        assert set(answer.json()) == {"access", "message"}
        assert answer.json()["message"] == "Token refreshed successfully"
        assert "refresh_token" not in answer.cookies
        anyone.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
        assert anyone.get(f"{BASE}bookings/1/").status_code == 404


def test_refresh_refuses(anyone, ana):
    """README, "Refresh Access Token"."""
    answer = anyone.post(f"{BASE}token/refresh-cookie/")
    assert (answer.status_code, answer.json()) == (401, {"error": "Refresh token not found"})
    anyone.cookies["refresh_token"] = "nonsense"
    answer = anyone.post(f"{BASE}token/refresh-cookie/")
    assert (answer.status_code, answer.json()) == (
        401,
        {"error": "Token refresh failed", "detail": "The refresh token is not valid."},
    )


def test_logout_ends_the_session(anyone, ana):
    """README, "Logout": the cookie goes, and the token in it is used up."""
    login = anyone.post(f"{BASE}login/", {"email": ana.email, "password": PASSWORD})
    refresh = login.cookies["refresh_token"].value
    refused = anyone.post(f"{BASE}logout/")
    assert refused.status_code == 401
    assert refused.json() == {
        "error": "Authentication required",
        "detail": "Sign in first.",
        "code": "not_authenticated",
    }
    anyone.credentials(HTTP_AUTHORIZATION=f"Bearer {login.json()['access']}")
    answer = anyone.post(f"{BASE}logout/")
    assert (answer.status_code, answer.json()) == (200, {"message": "Logout successful"})
    assert answer.cookies["refresh_token"].value == ""
    anyone.cookies["refresh_token"] = refresh
    assert anyone.post(f"{BASE}token/refresh-cookie/").status_code == 401
