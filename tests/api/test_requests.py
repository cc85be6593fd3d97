"""What every request has in common: sessions and their cookie, keys, throttles, and what happens
when something is broken."""

import threading
from datetime import timedelta
from functools import partial

import pytest
from django.conf import settings as configured
from django.contrib.auth.tokens import default_token_generator
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test.utils import override_settings
from django.urls import path
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.throttling import SimpleRateThrottle

from api.models import Booking, Delivery, IdempotencyKey, PrimetimeWindow, User
from api.rest.idempotency import IdempotentAPIView
from api.rest.permissions import Scope
from api.services.accounts import tokens
from api.services.operations import idempotency
from tests.support.kinds import of_every_kind

pytestmark = pytest.mark.django_db

API = "/api/v1/"
PASSWORD = "correct horse 9 battery"
HOUR = timedelta(hours=1)


@pytest.fixture
def new(bookable, soon):
    return lambda: bookable.body(soon, soon + HOUR)


def problem(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert answer["Content-Type"] == "application/problem+json"
    return answer


# sessions


def sign_in(client, email="ana@example.com", password=PASSWORD):
    return client.post(f"{API}auth/login/", {"email": email, "password": password})


def test_signing_in_answers_tokens_the_person_and_a_cookie_no_script_can_read(ana):
    answer = sign_in(APIClient())
    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh", "user"}
    joined = ana.date_joined.isoformat().replace("+00:00", "Z")
    assert answer.json()["user"] == {
        "id": ana.pk,
        "email": "ana@example.com",
        "username": None,
        "first_name": "Ana",
        "last_name": "Example",
        "name": "Ana Example",
        "phone": "",
        "department": "",
        "operator": False,
        "memberships": [],
        "is_active": True,
        "date_joined": joined,
    }
    cookie = answer.cookies["refresh_token"]
    assert cookie.value == answer.json()["refresh"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert cookie["max-age"] == 7 * 24 * 3600
    assert bool(cookie["secure"]) is configured.REFRESH_COOKIE_SECURE


def test_the_cookie_travels_over_https_alone_where_it_is_spoken(ana, settings):
    settings.REFRESH_COOKIE_SECURE = True
    assert sign_in(APIClient()).cookies["refresh_token"]["secure"] is True


def test_a_refresh_comes_from_the_cookie_or_the_body_and_is_used_up(ana):
    client = APIClient()
    first = sign_in(client).json()["refresh"]
    second = client.post(f"{API}auth/refresh/")
    assert second.status_code == 200
    assert set(second.json()) == {"access", "refresh"}
    assert second.cookies["refresh_token"].value == second.json()["refresh"] != first
    problem(APIClient().post(f"{API}auth/refresh/", {"refresh": first}), 401, "token_refused")
    third = APIClient().post(f"{API}auth/refresh/", {"refresh": second.json()["refresh"]})
    assert third.status_code == 200
    access = third.json()["access"]
    me = APIClient().get(f"{API}auth/me/", headers={"Authorization": f"Bearer {access}"})
    assert me.json()["email"] == "ana@example.com"


def test_without_a_refresh_token_there_is_no_session(db):
    problem(APIClient().post(f"{API}auth/refresh/"), 401, "token_refused")


def test_signing_out_ends_the_session_and_drops_the_cookie(ana):
    client = APIClient()
    refresh = sign_in(client).json()["refresh"]
    answer = client.post(f"{API}auth/logout/")
    assert (answer.status_code, answer.cookies["refresh_token"]["max-age"]) == (204, 0)
    problem(APIClient().post(f"{API}auth/refresh/", {"refresh": refresh}), 401, "token_refused")
    assert APIClient().post(f"{API}auth/logout/", {"refresh": refresh}).status_code == 204


def test_a_new_password_leaves_this_session_and_ends_the_others(ana, client_of):
    elsewhere, here = client_of(ana), client_of(ana)
    answer = here.post(
        f"{API}auth/password/",
        {"current_password": PASSWORD, "new_password": "another horse 8 staple"},
    )
    assert answer.status_code == 200
    problem(elsewhere.get(f"{API}auth/me/"), 401, "not_authenticated")
    access = answer.json()["access"]
    me = APIClient().get(f"{API}auth/me/", headers={"Authorization": f"Bearer {access}"})
    assert me.status_code == 200
    problem(sign_in(APIClient()), 401, "wrong_credentials")


def test_a_reset_answers_alike_for_known_and_unknown_addresses(ana):
    answers = [
        APIClient().post(f"{API}auth/password/reset/", {"email": email})
        for email in ("ana@example.com", "nobody@example.com")
    ]
    assert [(a.status_code, a.content) for a in answers] == [(204, b"")] * 2


def test_nobody_registers_with_a_role(db):
    body = {
        "email": "eve@example.com",
        "password": "correct horse 9",
        "role": "admin",
        "is_superuser": True,
        "is_staff": True,
    }
    answer = APIClient().post(f"{API}auth/register/", body)
    assert (answer.status_code, answer.json()["operator"]) == (201, False)
    assert answer.json()["memberships"] == []
    assert not User.objects.get().is_staff


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer x", "Bearer a.b.c", "Bearer  ", "Basic YTpi", "Token abc", "Bearer a b"],
)
def test_credentials_that_are_none_are_401_wherever_they_are_needed(db, header):
    answer = APIClient().get(f"{API}auth/me/", headers={"Authorization": header})
    problem(answer, 401, "not_authenticated")
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


# throttles


@pytest.fixture
def slow(monkeypatch):
    """Two a minute for everybody."""
    monkeypatch.setattr(
        SimpleRateThrottle,
        "THROTTLE_RATES",
        {"auth": "2/min", "anonymous": "2/min", "account": None},
    )


def test_sign_in_is_limited_per_minute(ana, slow):
    client = APIClient()
    assert [sign_in(client).status_code for _ in range(2)] == [200, 200]
    answer = problem(sign_in(client), 429, "throttled")
    assert 0 < int(answer["Retry-After"]) <= 61
    assert sign_in(APIClient(REMOTE_ADDR="10.0.0.9")).status_code == 200


def test_the_forwarded_address_is_believed_from_a_proxy_of_ours_alone(ana, slow):
    client = APIClient()
    for n in range(2):
        client.post(f"{API}auth/login/", {}, headers={"X-Forwarded-For": f"10.0.0.{n}"})
    problem(sign_in(client), 429, "throttled")


def test_anonymous_readers_are_counted_and_people_are_not(client_of, ana, venue, slow):
    client = client_of()
    assert [client.get(f"{API}venues/").status_code for _ in range(3)] == [200, 200, 429]
    assert [client_of(ana).get(f"{API}venues/").status_code for _ in range(3)] == [200] * 3


def test_guessing_a_password_is_stopped_with_a_time_to_wait(ana, settings):
    settings.FAILED_LOGINS_ALLOWED = 1
    problem(sign_in(APIClient(), password="wrong"), 401, "wrong_credentials")
    answer = problem(sign_in(APIClient()), 429, "throttled")
    assert answer["Retry-After"] == "900"


# Idempotency-Key


KEY = {"Idempotency-Key": "key-1"}


@of_every_kind
def test_the_same_key_and_body_get_the_same_answer_and_happen_once(client_of, ana, new):
    first, again = (client_of(ana).post(f"{API}bookings/", new(), headers=KEY) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert ("Idempotency-Replayed" in first, again["Idempotency-Replayed"]) == (False, "true")
    assert Booking.objects.count() == 1


@of_every_kind
def test_another_body_method_or_path_with_the_same_key_is_422(client_of, ana, new):
    client = client_of(ana)
    made = client.post(f"{API}bookings/", new(), headers=KEY).json()
    one = f"{API}bookings/{made['id']}/"
    for call in (
        partial(client.post, f"{API}bookings/", new() | {"title": "x"}),
        partial(client.patch, one, new()),
        partial(client.post, f"{one}cancel/", {}),
        partial(client.post, f"{API}bookings/?x=1", new()),
    ):
        problem(call(headers=KEY), 422, "idempotency_key_reused")
    assert Booking.objects.get().version == 1


@of_every_kind
def test_a_key_belongs_to_whoever_used_it(client_of, ana, ben, new):
    """Without the person in the key's scope Ben is given Ana's booking."""
    assert client_of(ana).post(f"{API}bookings/", new(), headers=KEY).status_code == 201
    refused = client_of(ben).post(f"{API}bookings/", new(), headers=KEY)
    problem(refused, 409, "slot_taken")


def test_an_answer_without_a_body_is_given_again(client_of, sam, venue):
    window = PrimetimeWindow.objects.create(
        venue=venue, weekday=0, starts_at="17:00", ends_at="20:00"
    )
    for _ in range(2):
        path = f"{API}venues/club/primetime/{window.pk}/"
        answer = client_of(sam).delete(path, headers=KEY)
        assert (answer.status_code, answer.content) == (204, b"")


def test_a_stranger_may_use_a_key_too(db):
    body = {"email": "eve@example.com", "password": "correct horse 9"}
    answers = [APIClient().post(f"{API}auth/register/", body, headers=KEY) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert "correct horse" not in str(IdempotencyKey.objects.values())


@of_every_kind
def test_refusals_are_not_kept(client_of, ana, ben, new):
    rival = client_of(ben).post(f"{API}bookings/", new()).json()
    problem(client_of(ana).post(f"{API}bookings/", new(), headers=KEY), 409, "slot_taken")
    assert not IdempotencyKey.objects.exists()
    client_of(ben).post(f"{API}bookings/{rival['id']}/cancel/")
    assert client_of(ana).post(f"{API}bookings/", new(), headers=KEY).status_code == 201


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "with blank", "tab\there", "ü"])
def test_a_key_that_is_none_is_refused(client_of, ana, new, key):
    answer = client_of(ana).post(f"{API}bookings/", new(), HTTP_IDEMPOTENCY_KEY=key)
    assert list(problem(answer, 400, "invalid").json()["errors"]) == ["Idempotency-Key"]
    assert not Booking.objects.exists()


def test_answers_with_tokens_are_never_kept(ana):
    client = APIClient()
    for _ in range(2):
        body = {"email": "ana@example.com", "password": PASSWORD}
        assert client.post(f"{API}auth/login/", body, headers=KEY).status_code == 200
    assert not IdempotencyKey.objects.exists()


def test_a_reset_requested_again_is_one_email(ana):
    """Unkeyed, as it was, each retry sent a letter, and a retried new password was refused."""
    client, reset = APIClient(), f"{API}auth/password/reset/"
    for replayed in (None, "true"):
        answer = client.post(reset, {"email": ana.email}, headers=KEY)
        assert (answer.status_code, answer.get("Idempotency-Replayed")) == (204, replayed)
    assert Delivery.objects.filter(name="password_reset").count() == 1
    other = client.post(reset, {"email": "ben@example.com"}, headers=KEY)  # somebody else's key
    assert (other.status_code, other.get("Idempotency-Replayed")) == (204, None)
    link = {
        "uid": urlsafe_base64_encode(force_bytes(ana.pk)),
        "token": default_token_generator.make_token(ana),
        "new_password": "another horse 8 staple",
    }
    for _ in range(2):
        key = {"Idempotency-Key": "key-2"}
        assert client.post(f"{reset}confirm/", link, headers=key).status_code == 204
    assert "staple" not in str(list(IdempotencyKey.objects.values()))


@of_every_kind
@pytest.mark.django_db(transaction=True)
def test_while_the_first_is_running_the_second_has_to_wait(client_of, ana, new, at_once):
    """The first holds the key in a transaction that has not ended."""
    held, told = threading.Event(), threading.Event()
    client, slot = client_of(ana), new()

    def first():
        from django.db import transaction

        with transaction.atomic():
            path = f"{API}bookings/"
            raw, _ = client._encode_data(slot, "json")
            mark = idempotency.hash_request("POST", path, raw)
            assert idempotency.get_response(f"user:{ana.pk}", "key-1", mark) is None
            held.set()
            told.wait(20)

    def second():
        held.wait(20)
        try:
            return client.post(f"{API}bookings/", slot, headers=KEY)
        finally:
            told.set()

    _, answer = at_once(first, second)
    problem(answer, 409, "idempotency_key_in_use")
    assert answer["Retry-After"] == "1"
    assert not Booking.objects.exists()
    assert client.post(f"{API}bookings/", slot, headers=KEY).status_code == 201


@of_every_kind
@pytest.mark.django_db(transaction=True)
def test_of_many_with_one_key_at_once_one_books(client_of, ana, new, at_once):
    clients, slot = [client_of(ana) for _ in range(6)], new()
    answers = at_once(*[partial(c.post, f"{API}bookings/", slot, headers=KEY) for c in clients])
    assert {a.status_code for a in answers} <= {201, 409}
    codes = {a.json()["code"] for a in answers if a.status_code == 409}
    assert codes <= {"idempotency_key_in_use"}
    assert Booking.objects.count() == 1
    assert len({a.json()["id"] for a in answers if a.status_code == 201}) == 1


@of_every_kind
def test_a_crash_before_the_commit_leaves_nothing_behind(client_of, ana, new):
    """Neither the booking nor the answer: the client may ask again with the same key."""
    from api.signals import booking_created as signal

    def crash(**_):
        raise RuntimeError("the process died here")

    client = client_of(ana)
    client.raise_request_exception = False
    signal.connect(crash)
    try:
        problem(client.post(f"{API}bookings/", new(), headers=KEY), 500, "internal_error")
    finally:
        signal.disconnect(crash)
    assert (Booking.objects.count(), IdempotencyKey.objects.count()) == (0, 0)
    assert client.post(f"{API}bookings/", new(), headers=KEY).status_code == 201


def test_old_answers_are_forgotten(client_of, ana, new):
    client_of(ana).post(f"{API}bookings/", new(), headers=KEY)
    assert idempotency.prune() == 0
    IdempotencyKey.objects.update(created_at="2020-01-01T00:00:00Z")
    assert idempotency.prune() == 1


# what is broken


class Broken(IdempotentAPIView):
    scope = Scope.ANYONE
    authentication_classes = ()
    permission_classes = ()

    def get(self, request):
        raise RuntimeError("a bug")

    def post(self, request):
        return Response({"done": True}, status=201)


class Away(Broken):
    def get(self, request):
        raise OperationalError("the server closed the connection unexpectedly")


urlpatterns = [path("broken/", Broken.as_view()), path("away/", Away.as_view())]
handler404 = "api.rest.exceptions.not_found"
handler500 = "api.rest.exceptions.server_error"


@override_settings(ROOT_URLCONF=__name__)
def test_a_bug_is_a_problem_that_tells_nothing(db):
    client = APIClient(raise_request_exception=False)
    answer = problem(client.get("/broken/"), 500, "internal_error")
    assert "bug" not in answer.content.decode()


@override_settings(ROOT_URLCONF=__name__)
def test_a_database_that_is_away_is_503_with_a_time_to_come_back(db):
    answer = problem(APIClient().get("/away/"), 503, "unavailable")
    assert answer["Retry-After"] == "5"


@override_settings(ROOT_URLCONF=__name__)
def test_a_database_that_is_away_before_anything_began_is_503_too(db, monkeypatch):
    """With a key the transaction is opened before the view has read the request."""

    def away(*_, **__):
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "savepoint", away)
    monkeypatch.setattr(connection, "set_autocommit", away)
    answer = APIClient().post("/broken/", {}, headers=KEY)
    monkeypatch.undo()
    assert problem(answer, 503, "unavailable")["Retry-After"] == "5"


def test_without_the_cache_everything_works(client_of, ana, new, servers):
    """Redis is away: nothing is counted, and nobody is turned away."""
    servers.valkey.stop()
    try:
        assert sign_in(APIClient()).status_code == 200
        problem(sign_in(APIClient(), password="wrong"), 401, "wrong_credentials")
        assert client_of(ana).post(f"{API}bookings/", new(), headers=KEY).status_code == 201
        assert client_of().get(f"{API}venues/").status_code == 200
    finally:
        servers.valkey.start()
    cache.clear()


def test_health_names_what_is_up(db):
    answer = APIClient().get("/health/")
    assert answer.status_code == 200
    assert {k: answer.json()[k] for k in ("status", "process", "database", "broker")} == {
        "status": "ok",
        "process": "up",
        "database": "up",
        "broker": "up",
    }


def test_a_host_that_is_not_ours_is_refused_in_json(db):
    answer = APIClient().get(f"{API}venues/", headers={"Host": "evil.example"})
    problem(answer, 400, "bad_request")


def test_more_parameters_than_anybody_needs_are_refused_in_json(db):
    query = "&".join(f"a{n}=1" for n in range(2000))
    problem(APIClient().get(f"{API}venues/?{query}"), 400, "bad_request")


def test_a_token_of_another_face_is_the_same_person(ana, client_of):
    assert client_of(ana, "primetime").get(f"{API}auth/me/").status_code == 200
    assert tokens.issue(ana, "primetime").max_age > 0
