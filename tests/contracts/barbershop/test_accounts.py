"""Chapters "Authentication" and "Users" of the README: register, sign in, and who sees whom."""

from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from rest_framework_simplejwt.tokens import AccessToken

from api.models import User
from api.services.accounts import tokens

from .conftest import API

pytestmark = pytest.mark.django_db

NEW = {
    "username": "nina",
    "email": "Nina@Example.com",
    "password": "password123",
    "first_name": "Nina",
    "last_name": "New",
    "phone": "+49 30 12345",
}


def as_shown(user: User, **more):
    return {
        "id": user.pk,
        "username": user.username or user.email,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "phone": user.phone,
        "is_admin": False,
        "is_staff_member": False,
        "is_active": True,
    } | more


def test_registering_answers_the_account_without_a_token_or_password(at_shop):
    answer = at_shop().post(f"{API}/auth/register/", NEW)
    user = User.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": user.pk,
        "username": "nina",
        "email": "nina@example.com",
        "first_name": "Nina",
        "last_name": "New",
        "phone": "+49 30 12345",
        "is_admin": False,
        "is_staff_member": False,
        "is_active": True,
    }
    assert user.profile.profile_picture is None


def test_nobody_registers_as_an_admin(at_shop):
    flags = {"is_admin": True, "is_staff_member": True, "is_active": False}
    answer = at_shop().post(f"{API}/auth/register/", NEW | flags)
    assert answer.status_code == 201
    assert (answer.json()["is_admin"], answer.json()["is_staff_member"]) == (False, False)
    assert not User.objects.get().is_staff


def test_an_address_is_not_asked_for_and_then_nobody_writes_to_it(at_shop, reserved):
    answer = at_shop().post(f"{API}/auth/register/", {"username": "nina", "password": "x"})
    assert (answer.status_code, answer.json()["email"]) == (201, "")
    booking = reserved(User.objects.get(), hours=1)
    assert list(booking.deliveries.filter(to__contains="@absent")) == []


def test_what_is_missing_is_named(at_shop):
    answer = at_shop().post(f"{API}/auth/register/", {})
    required = ["This field is required."]
    assert answer.status_code == 400
    assert answer.json() == {"username": required, "password": required}


def test_names_and_addresses_are_taken_in_any_case(at_shop):
    at_shop().post(f"{API}/auth/register/", NEW)
    answer = at_shop().post(
        f"{API}/auth/register/", NEW | {"username": "NINA", "email": "NINA@example.com"}
    )
    assert answer.status_code == 400
    assert answer.json() == {
        "username": ["A user with that username already exists."],
        "email": ["A user with that email already exists."],
    }
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "wrong", [["x"], {"a": 1}, True, None, "a\0b", "x" * 5000], ids=lambda value: repr(value)[:20]
)
@pytest.mark.parametrize("field", ["username", "password", "email", "phone"])
def test_bad_registrations_are_refused_by_field(at_shop, field, wrong):
    answer = at_shop().post(f"{API}/auth/register/", NEW | {field: wrong})
    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert User.objects.count() == 0


@pytest.mark.parametrize("body", ["[]", "null", '"x"', "{", "", "\udcff", '{"username": NaN}'])
@pytest.mark.parametrize("path", ["auth/register/", "auth/login/", "auth/refresh/"])
def test_bodies_that_are_no_objects_are_refused(at_shop, path, body):
    raw = body.encode("utf-8", "surrogateescape")
    answer = at_shop().post(f"{API}/{path}", raw, content_type="application/json")
    assert answer.status_code == 400
    assert isinstance(answer.json(), dict)


@pytest.mark.parametrize("login", [{"username": "Ana"}, {"username": "ana@example.com"}])
def test_signing_in_by_username_or_address_answers_two_tokens(at_shop, person, login):
    ana = person("ana", username="ana")
    body = login | {"password": "correct horse 9 battery"}
    answer = at_shop().post(f"{API}/auth/login/", body)
    assert (answer.status_code, list(answer.json())) == (200, ["refresh", "access"])
    access = AccessToken(answer.json()["access"])
    assert (access["user_id"], access["contract"]) == (str(ana.pk), "barbershop")
    assert access.lifetime
    assert access["exp"] - access["iat"] == 3600
    refresh = tokens.read(answer.json()["refresh"])
    assert refresh["exp"] - refresh["iat"] == timedelta(days=1).total_seconds()


def test_the_key_email_signs_in_too(at_shop, ana):
    body = {"email": "ana@example.com", "password": "correct horse 9 battery"}
    assert at_shop().post(f"{API}/auth/login/", body).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"username": "ana@example.com", "password": "wrong"},
        {"username": "nobody", "password": "wrong"},
    ],
)
def test_wrong_credentials_read_alike(at_shop, ana, body):
    answer = at_shop().post(f"{API}/auth/login/", body)
    assert answer.status_code == 401
    assert answer.json() == {"detail": "No active account found with the given credentials"}


def test_an_empty_login_names_its_fields(at_shop):
    answer = at_shop().post(f"{API}/auth/login/", {})
    assert (answer.status_code, answer.json()) == (
        400,
        {"username": ["This field is required."], "password": ["This field is required."]},
    )


@pytest.mark.parametrize("empty", ["", None])
def test_what_is_left_empty_of_the_two_names_is_overlooked(at_shop, ana, empty):
    for named, other in (("username", "email"), ("email", "username")):
        body = {named: ana.email, other: empty, "password": "correct horse 9 battery"}
        assert at_shop().post(f"{API}/auth/login/", body).status_code == 200
    answer = at_shop().post(f"{API}/auth/login/", {"password": "x"})
    assert answer.json() == {"username": ["This field is required."]}


def test_a_refresh_token_buys_access_tokens_more_than_once(at_shop, ana):
    refresh = tokens.issue(ana, "barbershop").refresh
    for _ in range(2):
        answer = at_shop().post(f"{API}/auth/refresh/", {"refresh": refresh})
        assert (answer.status_code, list(answer.json())) == (200, ["access"])
        AccessToken(answer.json()["access"])


@pytest.mark.parametrize("kind", ["garbage", "access"])
def test_a_token_that_is_none_is_refused_as_the_library_does(at_shop, ana, kind):
    raw = "x.y.z" if kind == "garbage" else tokens.issue(ana, "barbershop").access
    answer = at_shop().post(f"{API}/auth/refresh/", {"refresh": raw})
    assert answer.status_code == 401
    assert answer.json() == {"detail": "Token is invalid", "code": "token_not_valid"}


def test_me_is_oneself_and_nobody_is_refused(at_shop, ana):
    assert at_shop(ana).get(f"{API}/auth/me/").json() == as_shown(ana)
    answer = at_shop().get(f"{API}/auth/me/")
    assert answer.status_code == 401
    assert answer.json() == {"detail": "Authentication credentials were not provided."}
    client = at_shop()
    client.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    answer = client.get(f"{API}/auth/me/")
    assert answer.status_code == 401
    assert answer.json()["code"] == "token_not_valid"
    assert answer.json()["detail"] == "Given token not valid for any token type"


def test_only_admins_list_people(at_shop, ana, sam, ada):
    everybody = at_shop(ada).get(f"{API}/users/")
    assert everybody.status_code == 200
    assert everybody.json() == [
        as_shown(ana),
        as_shown(sam, is_staff_member=True),
        as_shown(ada, is_admin=True, is_staff_member=True),
    ]
    for user in (ana, sam):
        answer = at_shop(user).get(f"{API}/users/")
        assert answer.status_code == 403
        assert answer.json() == {"detail": "You do not have permission to perform this action."}
    assert at_shop().get(f"{API}/users/").status_code == 401


def test_a_list_of_people_takes_the_same_statements_for_any_number(
    at_shop, ada, person, django_assert_max_num_queries
):
    for n in range(20):
        person(f"p{n}")
    admin = at_shop(ada)
    with django_assert_max_num_queries(3):
        assert len(admin.get(f"{API}/users/").json()) == 21


def test_people_see_themselves_and_nobody_else(at_shop, ana, ben, sam, ada):
    path = f"{API}/users/{ana.pk}/"
    assert at_shop(ana).get(path).json() == as_shown(ana)
    assert at_shop(ada).get(path).json() == as_shown(ana)
    for user in (ben, sam):
        answer = at_shop(user).get(path)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})
        assert at_shop(user).patch(path, {"first_name": "X"}).status_code == 404
        assert at_shop(user).delete(path).status_code == 403
    assert at_shop().get(path).status_code == 401
    ana.refresh_from_db()
    assert ana.first_name == "Ana"


def test_nobody_promotes_themselves(at_shop, ana, sam):
    for user in (ana, sam):
        flags = {"is_admin": True, "is_staff_member": True, "first_name": "Z"}
        answer = at_shop(user).patch(f"{API}/users/{user.pk}/", flags)
        assert (answer.status_code, answer.json()["is_admin"]) == (200, False)
        user.refresh_from_db()
        assert user.first_name == "Z"
        assert not user.memberships.filter(role="admin").exists()


def test_an_edited_password_is_hashed_and_signs_in(at_shop, ana):
    answer = at_shop(ana).patch(
        f"{API}/users/{ana.pk}/", {"password": "password123", "phone": "12", "username": "ana"}
    )
    assert answer.json() == as_shown(ana, phone="12", username="ana")
    assert authenticate(username="ana", password="password123") == ana


def test_a_put_wants_the_whole_person_but_keeps_the_password(at_shop, ana):
    path = f"{API}/users/{ana.pk}/"
    answer = at_shop(ana).put(path, {"first_name": "A"})
    assert (answer.status_code, answer.json()) == (400, {"username": ["This field is required."]})
    body = {"username": "ana", "email": "", "first_name": "A", "last_name": "", "phone": ""}
    answer = at_shop(ana).put(path, body)
    assert answer.json() == as_shown(ana, username="ana", first_name="A", last_name="")
    assert authenticate(username="ana", password="correct horse 9 battery") == ana


def test_admins_promote_and_demote(at_shop, shop, ana, ada):
    path = f"{API}/users/{ana.pk}/"
    for flags, role in (
        ({"is_staff_member": True}, "staff"),
        ({"is_admin": True}, "admin"),
        ({"is_admin": False, "is_staff_member": True}, "staff"),
        ({"is_admin": False, "is_staff_member": False}, "customer"),
        ({"is_admin": True}, "admin"),
        ({"is_admin": False}, "customer"),  # who was an admin is no staff by that
        ({"is_staff_member": True}, "staff"),
        ({"is_admin": False}, "staff"),
    ):
        answer = at_shop(ada).patch(path, flags)
        assert answer.status_code == 200, answer.json()
        assert ana.memberships.get(venue=shop).role == role
        assert answer.json()["is_admin"] == (role == "admin")


def test_the_last_admin_stays_one(at_shop, shop, person):
    eva = person("eva", "admin", is_superuser=False)
    answer = at_shop(eva).patch(f"{API}/users/{eva.pk}/", {"is_admin": False})
    assert (answer.status_code, answer.json()) == (403, {"detail": "The last admin stays one."})
    assert eva.memberships.get(venue=shop).role == "admin"


def test_admins_add_people(at_shop, ana, ada):
    body = NEW | {"is_staff_member": True, "password": "correct horse 9 battery"}
    assert at_shop(ana).post(f"{API}/users/", body).status_code == 403
    answer = at_shop(ada).post(f"{API}/users/", body)
    assert (answer.status_code, answer.json()["is_staff_member"]) == (201, True)


def test_a_deleted_person_is_gone_and_their_slots_are_free(at_shop, ana, ben, ada, reserved):
    booking = reserved(ana)
    path = f"{API}/users/{ana.pk}/"
    assert at_shop(ana).delete(path).status_code == 403
    answer = at_shop(ada).delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert at_shop(ada).get(path).status_code == 404
    assert [p["id"] for p in at_shop(ada).get(f"{API}/users/").json()] == [ben.pk, ada.pk]
    booking.refresh_from_db()
    assert booking.status == "cancelled"


def test_reservations_go_with_the_person_who_made_them(at_shop, ana, ben, ada, reserved):
    """Chapter "Reservation Model" of the README: the customer's `on_delete` is `CASCADE`."""
    gone, kept = reserved(ana), reserved(ben, hours=1)
    at_shop(ada).delete(f"{API}/users/{ana.pk}/")
    shown = at_shop(ada).get(f"{API}/reservations/").json()
    assert [row["id"] for row in shown] == [kept.pk]
    answer = at_shop(ada).get(f"{API}/reservations/{gone.pk}/")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})
    assert at_shop(ada).get(f"{API}/dashboard/stats/").json() == {
        "total_users": 2,
        "total_reservations": 1,
        "pending_reservations": 1,
    }


@pytest.mark.parametrize(
    "pk", ["0", "9" * 30, pytest.param("me", marks=pytest.mark.prefix_only), "-1", "1.5"]
)
def test_people_who_are_not_there_are_not_found(at_shop, ada, pk):
    assert at_shop(ada).get(f"{API}/users/{pk}/").status_code == 404
