"""Chapters "Authentication" and "Authentication Endpoints (Djoser)" of the README."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.tokens import default_token_generator
from django.core.management import call_command
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from rest_framework.authtoken.models import Token

from api.models import Delivery, User, UserProfile

from .conftest import API

pytestmark = pytest.mark.django_db

AUTH = f"{API}/auth"
PASSWORD = "correct horse 9 battery"
NEW = {
    "username": "johndoe",
    "email": "John@Example.com",
    "password": "password123",
    "first_name": "John",
    "last_name": "Doe",
}
NOT_SIGNED_IN = {"detail": "Authentication credentials were not provided."}
REQUIRED = ["This field is required."]


def test_registering_answers_the_five_fields_of_the_readme(at_desk):
    answer = at_desk().post(f"{AUTH}/users/", NEW)
    user = User.objects.get()
    assert (answer.status_code, answer.json()) == (
        201,
        {
            "id": user.pk,
            "username": "johndoe",
            "email": "john@example.com",
            "first_name": "John",
            "last_name": "Doe",
        },
    )
    assert UserProfile.objects.get().user == user
    login = at_desk().post(
        f"{AUTH}/token/login/", {"username": "johndoe", "password": "password123"}
    )
    assert (login.status_code, login.json()) == (200, {"auth_token": Token.objects.get().key})


def test_what_is_taken_is_refused_in_any_case(at_desk):
    at_desk().post(f"{AUTH}/users/", NEW)
    again = NEW | {"username": "JohnDoe", "email": "JOHN@example.com"}
    answer = at_desk().post(f"{AUTH}/users/", again)
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "username": ["A user with this username already exists."],
            "email": [
                (
                    "This email is already in use. Please use another email or login to your"
                    " existing account."
                )
            ],
        },
    )
    assert User.objects.count() == 1


def test_what_is_missing_is_named(at_desk):
    answer = at_desk().post(f"{AUTH}/users/", {})
    assert (answer.status_code, answer.json()) == (
        400,
        {"username": REQUIRED, "email": REQUIRED, "password": REQUIRED},
    )


@pytest.mark.parametrize(
    "wrong", [["x"], {"a": 1}, None, "a\0b", "x" * 5000, ""], ids=lambda value: repr(value)[:20]
)
@pytest.mark.parametrize("field", ["username", "email", "password"])
def test_bad_registrations_are_refused_by_field(at_desk, field, wrong):
    answer = at_desk().post(f"{AUTH}/users/", NEW | {field: wrong})
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert User.objects.count() == 0


def test_nobody_registers_as_staff(at_desk):
    at_desk().post(f"{AUTH}/users/", NEW | {"is_staff": True, "role": "admin", "id": 5})
    assert not User.objects.get().is_staff


@pytest.mark.parametrize("key", ["username", "email"])
def test_signing_in_by_username_or_address(at_desk, person, key):
    ana = person("ana", username="ana")
    for login in ("ana", "ana@example.com"):
        answer = at_desk().post(f"{AUTH}/token/login/", {key: login, "password": PASSWORD})
        assert answer.json() == {"auth_token": ana.auth_token.key}


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": "ana@example.com", "password": "wrong"},
        {"username": "nobody", "password": PASSWORD},
        {"username": "ana@example.com"},
        {},
    ],
)
def test_wrong_credentials_are_a_400(at_desk, ana, wrong):
    answer = at_desk().post(f"{AUTH}/token/login/", wrong)
    assert (answer.status_code, answer.json()) == (
        400,
        {"non_field_errors": ["Unable to log in with provided credentials."]},
    )
    assert Token.objects.count() == 0


def test_many_wrong_passwords_are_slowed_down(at_desk, ana, settings):
    settings.FAILED_LOGINS_ALLOWED = 3
    wrong = {"username": "ana@example.com", "password": "wrong"}
    codes = [at_desk().post(f"{AUTH}/token/login/", wrong).status_code for _ in range(4)]
    assert codes == [400, 400, 400, 429]


@pytest.mark.parametrize("raw", ["[]", "null", "{", "", '"x"'])
@pytest.mark.parametrize(
    "path", ["users/", "token/login/", "users/reset_password/", "users/reset_password_confirm/"]
)
def test_bodies_that_are_no_objects_are_refused(at_desk, path, raw):
    answer = at_desk().post(f"{AUTH}/{path}", raw, content_type="application/json")
    assert answer.status_code == 400
    assert isinstance(answer.json(), dict)


def test_the_token_opens_and_signing_out_takes_it_back(at_desk, ana):
    client = at_desk(ana)
    assert client.get(f"{AUTH}/users/me/").status_code == 200
    out = client.post(f"{AUTH}/token/logout/")
    assert (out.status_code, out.content) == (204, b"")
    for answer in (client.get(f"{AUTH}/users/me/"), client.post(f"{AUTH}/token/logout/")):
        assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid token."})


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (None, "Authentication credentials were not provided."),
        ("Bearer abc", "Authentication credentials were not provided."),
        ("Token nonsense", "Invalid token."),
        ("Token a\0b", "Invalid token."),
        ("Token", "Invalid token header. No credentials provided."),
        ("Token a b", "Invalid token header. Token string should not contain spaces."),
    ],
)
def test_a_401_says_why_in_the_librarys_words(at_desk, header, words):
    client = at_desk()
    if header:
        client.credentials(HTTP_AUTHORIZATION=header)
    for path in ("auth/users/me/", "auth/users/", "bookings/"):
        answer = client.get(f"{API}/{path}")
        assert (answer.status_code, answer.json()) == (401, {"detail": words})
        assert answer["WWW-Authenticate"] == "Token"


def test_me_is_oneself(at_desk, person):
    ana = person("ana", username="ana")
    expected = {
        "id": ana.pk,
        "username": "ana",
        "email": "ana@example.com",
        "is_staff": False,
        "is_active": True,
        "profile_picture": None,
    }
    client = at_desk(ana)
    assert client.get(f"{AUTH}/users/me/").json() == expected
    answer = client.patch(f"{AUTH}/users/me/", {"username": "anna", "is_staff": True, "id": 9})
    assert (answer.status_code, answer.json()) == (200, expected | {"username": "anna"})
    whole = {"username": "an", "email": "new@example.com"}
    answer = client.put(f"{AUTH}/users/me/", whole)
    assert (answer.status_code, answer.json()) == (200, expected | whole)
    answer = client.put(f"{AUTH}/users/me/", {})
    assert (answer.status_code, answer.json()) == (400, {"username": REQUIRED})


@pytest.mark.parametrize(
    "path",
    [
        "auth/users/",
        "auth/users/me/",
        "auth/users/set_password/",
        "auth/token/login",
        "resources/",
        "bookings/",
        "profile/picture/",
    ],
)
@pytest.mark.parametrize("method", ["get", "head", "options", "post", "put", "patch", "trace"])
def test_no_method_breaks_any_path(at_desk, ana, path, method):
    """The library's own `me` answers HEAD and OPTIONS with an error of the server."""
    send = getattr(at_desk(ana), method)
    answer = send(f"{API}/{path}", **({} if method == "trace" else {"data": {}}))
    assert answer.status_code in (200, 400, 401, 403, 405)
    if answer.status_code == 405 and method != "head":
        assert answer.json() == {"detail": f'Method "{method.upper()}" not allowed.'}


def test_one_may_not_take_anothers_name_but_keep_ones_own(at_desk, person):
    ana, _ = person("ana", username="ana"), person("ben", username="ben")
    answer = at_desk(ana).patch(f"{AUTH}/users/me/", {"username": "BEN"})
    assert answer.json() == {"username": ["A user with this username already exists."]}
    assert at_desk(ana).patch(f"{AUTH}/users/me/", {"username": "ana"}).status_code == 200


def test_people_see_themselves_and_staff_see_all(
    at_desk, ana, ben, sam, django_assert_max_num_queries
):
    everybody = [ana.pk, ben.pk, sam.pk]
    client = at_desk(sam)
    with django_assert_max_num_queries(2):
        assert [u["id"] for u in client.get(f"{AUTH}/users/").json()] == everybody
    assert [u["id"] for u in at_desk(ana).get(f"{AUTH}/users/").json()] == [ana.pk]
    assert at_desk(sam).get(f"{AUTH}/users/{ana.pk}/").json()["id"] == ana.pk
    assert at_desk(ana).get(f"{AUTH}/users/{ana.pk}/").status_code == 200
    answer = at_desk(ben).get(f"{AUTH}/users/{ana.pk}/")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})
    for method in ("patch", "put", "delete"):
        assert getattr(at_desk(sam), method)(f"{AUTH}/users/{ana.pk}/").status_code == 405


def test_leaving_wants_the_password_and_frees_what_was_booked(at_desk, ana, made):
    booking = made(ana)
    client = at_desk(ana)
    for body, refusal in (
        ({}, {"current_password": REQUIRED}),
        ({"current_password": "wrong"}, {"current_password": ["Invalid password."]}),
    ):
        answer = client.delete(f"{AUTH}/users/me/", body)
        assert (answer.status_code, answer.json()) == (400, refusal)
    answer = client.delete(f"{AUTH}/users/me/", {"current_password": PASSWORD})
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(f"{AUTH}/users/me/").json() == {"detail": "Invalid token."}
    ana.refresh_from_db()
    booking.refresh_from_db()
    assert (ana.is_active, ana.first_name, booking.status) == (False, "", "cancelled")


def test_the_last_admin_cannot_leave_and_stays_signed_in(at_desk, ada):
    client = at_desk(ada)
    answer = client.delete(f"{AUTH}/users/me/", {"current_password": PASSWORD})
    assert (answer.status_code, answer.json()) == (403, {"detail": "The last admin stays one."})
    assert client.get(f"{AUTH}/users/me/").status_code == 200


def test_a_new_password_is_typed_twice(at_desk, ana):
    client, path = at_desk(ana), f"{AUTH}/users/set_password/"
    good = {
        "current_password": PASSWORD,
        "new_password": " Lantern 44 ",
        "re_new_password": " Lantern 44 ",
    }
    for change, refusal in (
        ({"current_password": "x"}, {"current_password": ["Invalid password."]}),
        (
            {"re_new_password": "x"},
            {"non_field_errors": ["The two password fields didn't match."]},
        ),
    ):
        answer = client.post(path, good | change)
        assert (answer.status_code, answer.json()) == (400, refusal)
    assert client.post(path, {}).json() == dict.fromkeys(good, REQUIRED)
    answer = client.post(path, good)
    assert (answer.status_code, answer.content) == (204, b"")
    assert authenticate(username="ana@example.com", password=" Lantern 44 ") == ana
    assert client.get(f"{AUTH}/users/me/").status_code == 200
    assert at_desk().post(path, good).json() == NOT_SIGNED_IN


def test_a_reset_answers_alike_for_known_and_unknown_addresses(at_desk, ana):
    for email in ("ANA@example.com", "nobody@example.com"):
        answer = at_desk().post(f"{AUTH}/users/reset_password/", {"email": email})
        assert (answer.status_code, answer.content) == (204, b"")
    assert Delivery.objects.get().to == "ana@example.com"
    for body, refusal in (
        ({}, {"email": REQUIRED}),
        ({"email": "x"}, {"email": ["Enter a valid email address."]}),
        ({"email": ["ana@example.com"]}, {"email": ["Enter a valid email address."]}),
    ):
        answer = at_desk().post(f"{AUTH}/users/reset_password/", body)
        assert (answer.status_code, answer.json()) == (400, refusal)


def test_the_link_of_the_email_sets_a_password_once(at_desk, ana, mailbox, settings):
    at_desk(ana)  # has a token that does not expire
    at_desk().post(f"{AUTH}/users/reset_password/", {"email": ana.email})
    (message,) = mailbox()
    assert message.subject == "Password Reset Request - Booking System"
    assert message.to == ["ana@example.com"]
    assert "1 hour" in message.body
    found = re.search(rf"{settings.FRONTEND_URL}/password-reset/(\S+?)/(\S+)", message.body)
    assert found
    assert found[0] in message.alternatives[0].content
    new = {"new_password": "Lantern 44 x", "re_new_password": "Lantern 44 x"}
    body = {"uid": found[1], "token": found[2]} | new
    path = f"{AUTH}/users/reset_password_confirm/"
    assert at_desk().post(path, body | {"re_new_password": "y"}).json() == {
        "non_field_errors": ["The two password fields didn't match."]
    }
    answer = at_desk().post(path, body)
    assert (answer.status_code, answer.content) == (204, b"")
    assert authenticate(username=ana.email, password="Lantern 44 x") == ana
    assert Token.objects.count() == 0
    answer = at_desk().post(path, body)
    assert (answer.status_code, answer.json()) == (
        400,
        {"token": ["Invalid token for given user."]},
    )


def test_the_link_lives_one_hour(at_desk, ana, monkeypatch, settings):
    assert settings.PASSWORD_RESET_TIMEOUT == 3600
    uid = urlsafe_base64_encode(force_bytes(ana.pk))
    now = default_token_generator._now()
    for age, status in ((3601, 400), (3600, 204)):
        with monkeypatch.context() as then:
            made = now - timedelta(seconds=age)
            then.setattr(default_token_generator, "_now", lambda made=made: made)
            token = default_token_generator.make_token(ana)
            then.setattr(default_token_generator, "_now", lambda: now)
            new = {"new_password": "Lantern 44 x", "re_new_password": "Lantern 44 x"}
            answer = at_desk().post(
                f"{AUTH}/users/reset_password_confirm/", {"uid": uid, "token": token} | new
            )
        assert answer.status_code == status, answer.json()


@pytest.mark.parametrize(
    ("uid", "token"),
    [
        ("", ""),
        (5, 5),
        ("AAAA", "x"),
        ("OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "x-y"),
        ("_____w", "x-y"),
        ("AA", "x-y"),
        (None, "x"),
        (["x"], {"x": 1}),
        ("é", "x"),
    ],
)
def test_bad_links_are_refused(at_desk, ana, uid, token):
    new = {"new_password": "Lantern 44 x", "re_new_password": "Lantern 44 x"}
    answer = at_desk().post(
        f"{AUTH}/users/reset_password_confirm/", {"uid": uid, "token": token} | new
    )
    assert answer.status_code == 400
    assert set(answer.json()) <= {"uid", "token"}


def test_a_number_as_token_of_a_known_person_is_refused(at_desk, ana):
    uid = urlsafe_base64_encode(force_bytes(ana.pk))
    new = {"new_password": "Lantern 44 x", "re_new_password": "Lantern 44 x"}
    answer = at_desk().post(f"{AUTH}/users/reset_password_confirm/", {"uid": uid, "token": 5} | new)
    assert (answer.status_code, answer.json()) == (
        400,
        {"token": ["Invalid token for given user."]},
    )


def test_profiles_that_are_missing_are_made_once(ana, ben, capsys):
    UserProfile.objects.filter(user=ana).delete()
    for count in (1, 0):
        call_command("create_user_profiles")
        assert capsys.readouterr().out == f"Made {count} profiles.\n"
    assert UserProfile.objects.count() == 2
