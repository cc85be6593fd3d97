"""README, "API Endpoints", "Authentication (users)", and "CORS and frontend" on the cookie."""

import re

import jwt
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db.models.functions import Now
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from api.models import User
from api.services.accounts import tokens

pytestmark = pytest.mark.django_db
WRONG = {"error": "Invalid credentials"}


def test_registering_answers_the_account_without_a_username_and_in_the_role_of_a_user(call):
    body = {
        "email": "New@Example.com",
        "password": "pass1234",
        "username": "newcomer",
        "first_name": "New",
        "role": "admin",
    }
    status, made = call(None)("POST", "/users/register/", body)
    user = User.objects.get(email="new@example.com")
    assert (status, made) == (
        201,
        {
            "id": user.pk,
            "email": "new@example.com",
            "username": None,
            "role": "user",
            "first_name": "New",
            "last_name": "",
        },
    )
    assert (user.username, user.is_staff) == (None, False)


def test_an_address_is_registered_once(call, ana):
    body = {"email": "ANA@example.com", "password": "testpass123"}
    taken = {"email": ["This field must be unique."]}
    assert call(None)("POST", "/users/register/", body) == (400, taken)
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"password": "x"}, {"email": ["This field is required."]}),
        ({"email": "a@b.example"}, {"password": ["This field is required."]}),
        ({"email": "a@b.example", "password": ""}, {"password": ["This field may not be blank."]}),
        ({"email": "nobody", "password": "x"}, {"email": ["Enter a valid email address."]}),
        (
            {"email": "a@b.example", "password": "a\0b"},
            {"password": ["Null characters are not allowed."]},
        ),
    ],
)
def test_what_is_missing_or_malformed_is_named(call, body, said):
    assert call(None)("POST", "/users/register/", body) == (400, said)
    assert not User.objects.exists()


def test_signing_in_answers_both_tokens_and_sets_the_cookie(call, ana):
    caller = call(None)
    body = {"email": "ana@example.com", "password": "correct horse 9 battery"}
    status, made = caller("POST", "/users/login/", body)
    pair = made.pop("tokens")
    person = {
        "id": ana.pk,
        "email": ana.email,
        "username": None,
        "role": "user",
        "first_name": "Ana",
        "last_name": "Example",
    }
    assert (status, made) == (200, {"message": "Login successful", "user": person})
    assert set(pair) == {"access", "refresh"}
    cookie = caller.client.cookies["refresh_token"]
    assert cookie.value == pair["refresh"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert cookie["max-age"] == 7 * 24 * 3600
    claims = jwt.decode(pair["access"], settings.JWT_ACCESS_SECRET, ["HS256"])
    assert claims["exp"] - claims["iat"] == 3600


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 400, {"error": "Email and password are required"}),
        ({"email": "ana@example.com"}, 400, {"error": "Email and password are required"}),
        (["ana@example.com"], 400, {"error": "Email and password are required"}),
        ("ana", 400, {"error": "Email and password are required"}),
        ({"email": "ana@example.com", "password": "wrong"}, 401, WRONG),
        ({"email": "nobody@example.com", "password": "wrong"}, 401, WRONG),
    ],
)
def test_signing_in_is_refused(call, ana, body, status, said):
    assert call(None)("POST", "/users/login/", body) == (status, said)


def signed_in(call, user):
    caller = call(None)
    caller.client.cookies["refresh_token"] = tokens.issue(user, "primetime").refresh
    return caller


def test_a_refresh_token_is_rotated_and_used_once(call, ana):
    caller = signed_in(call, ana)
    first = caller.client.cookies["refresh_token"].value
    status, made = caller("POST", "/users/refresh/")
    assert (status, set(made)) == (200, {"access"})
    second = caller.client.cookies["refresh_token"].value
    assert first != second
    caller.client.cookies["refresh_token"] = first
    revoked = {"error": "Refresh token has been revoked"}
    assert caller("POST", "/users/refresh/") == (401, revoked)
    caller.client.cookies["refresh_token"] = second
    assert caller("POST", "/users/refresh/")[0] == 200
    me = caller.client.get(
        "/primetime/api/users/me/", headers={"Authorization": f"Bearer {made['access']}"}
    )
    assert me.json()["email"] == ana.email


def test_a_tab_that_comes_second_keeps_the_cookie_that_the_first_was_given(call, ana):
    """If a refusal dropped the cookie, two tabs that refresh at once would sign each other out."""
    caller = signed_in(call, ana)
    first = caller.client.cookies["refresh_token"].value
    assert caller("POST", "/users/refresh/")[0] == 200
    caller.client.cookies["refresh_token"] = first
    answer = caller.client.post("/primetime/api/users/refresh/")
    assert (answer.status_code, dict(answer.cookies)) == (401, {})


def test_signing_out_revokes_the_token_and_drops_the_cookie_also_without_one(call, ana):
    caller = signed_in(call, ana)
    raw = caller.client.cookies["refresh_token"].value
    assert caller("POST", "/users/logout/") == (200, {"message": "Logged out"})
    assert caller.client.cookies["refresh_token"].value == ""
    caller.client.cookies["refresh_token"] = raw
    said = {"error": "Refresh token has been revoked"}
    assert caller("POST", "/users/refresh/") == (401, said)
    assert call(None)("POST", "/users/logout/") == (200, {"message": "Logged out"})


def forged(**claims):
    return jwt.encode(claims, settings.JWT_REFRESH_SECRET, "HS256")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (None, "No refresh token provided"),
        ("nonsense", "Invalid refresh token"),
        ({"token_type": "refresh", "exp": 1, "jti": "a", "user_id": "1"}, "Refresh token expired"),
        ({"token_type": "access", "exp": 2**31, "jti": "b", "user_id": "1"}, "Invalid token type"),
        ({"token_type": "refresh", "exp": 2**31, "jti": "c", "user_id": "9"}, "User not found"),
    ],
)
def test_a_refresh_token_that_is_not_good_is_refused_with_its_reason(call, db, raw, said):
    caller = call(None)
    if raw is not None:
        caller.client.cookies["refresh_token"] = raw if isinstance(raw, str) else forged(**raw)
    assert caller("POST", "/users/refresh/") == (401, {"error": said})


def test_pruning_the_blacklist_forgets_what_has_expired_and_nothing_else(call, ana):
    """README, "Notes and next steps", on `prune_blacklist`."""
    spent = []
    for _ in range(2):
        caller = signed_in(call, ana)
        spent.append(caller.client.cookies["refresh_token"].value)
        caller("POST", "/users/logout/")
    old = OutstandingToken.objects.get(jti=tokens.peek(spent[0])["jti"])
    OutstandingToken.objects.filter(pk=old.pk).update(expires_at=Now())
    call_command("prune_blacklist")
    assert list(BlacklistedToken.objects.values_list("token__jti", flat=True)) == [
        tokens.peek(spent[1])["jti"]
    ]


def test_the_blacklist_is_pruned_daily():
    job = settings.CELERY_BEAT_SCHEDULE["prune_blacklist"]
    assert (job["task"], job["schedule"].days) == ("tasks.upkeep.prune_blacklist", 1)


def test_only_admins_see_how_many_people_there_are_and_nobody_sees_who(call, ana, ben, sam, ada):
    assert call(None)("GET", "/users/") == (401, None)
    for user in (ana, sam):
        assert call(user)("GET", "/users/") == (403, None)
    counts = {"total_users": 4, "by_role": {"admin": 1, "staff": 1, "user": 2}}
    assert call(ada)("GET", "/users/") == (200, counts)


@pytest.mark.prefix_only
def test_an_account_is_read_and_edited_by_its_owner_and_by_admins(call, ana, ben, ada):
    path = f"/users/{ana.pk}/"
    assert call(None)("GET", path) == (401, None)
    assert call(ben)("GET", path) == (403, None)
    assert call(ben)("PATCH", path, {"first_name": "Mallory"}) == (403, None)
    assert call(ana)("PATCH", path, {"role": "admin"}) == (403, None)
    shown = call(ana)("GET", "/users/me/")[1]
    assert call(ana)("PUT", path, shown | {"first_name": "Ana"})[0] == 200
    ana.refresh_from_db()
    assert (ana.first_name, ana.is_staff) == ("Ana", False)
    assert call(ana)("PATCH", path, {"first_name": "Anna"})[1]["first_name"] == "Anna"
    assert call(ada)("PUT", path, {"role": "staff"})[1]["role"] == "staff"
    assert call(ada)("GET", f"/users/{2**70}/") == (404, None)
    assert call(ada)("DELETE", path) == (204, None)
    assert call(ada)("GET", path) == (404, None)


def test_a_token_that_is_not_good_is_answered_401_with_an_empty_body(call, ana):
    caller = call(None)
    caller.client.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    for path in ("/users/me/", "/reservations/", "/reservations/trades/"):
        response = caller.client.get(f"/primetime/api{path}")
        assert (response.status_code, response.content) == (401, b"")
        assert re.match("Bearer", response["WWW-Authenticate"])
