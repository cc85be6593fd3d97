"""Nobody takes more than their share, and nobody takes somebody else's by using theirs up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from rest_framework.test import APIClient

from api.errors import TooManyHolds
from api.models import Booking
from api.rest.throttling import AccountThrottle
from api.services.accounts.client_address import get_address_hash, use_client_address
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse 9 battery"
HERE, THERE = "203.0.113.7", "198.51.100.9"


def sign_in(address: str, email: str, password: str = PASSWORD) -> tuple[int, str | None]:
    client = APIClient(REMOTE_ADDR=address)
    answer = client.post("/api/v1/auth/login/", {"email": email, "password": password})
    return answer.status_code, answer.get("Retry-After")


def test_who_guesses_locks_out_themselves_and_nobody_else(ana, ben):
    for _ in range(10):
        assert sign_in(HERE, ana.email, "wrong horse") == (401, None)
    assert sign_in(HERE, ana.email) == (429, "900")
    assert sign_in(THERE, ana.email) == (200, None)
    assert sign_in(HERE, ben.email) == (200, None)


def test_a_client_cannot_say_that_it_is_somewhere_else(ana):
    """Unless NUM_PROXIES proxies of ours stand before us, the header is nobody's word."""
    for n in range(11):
        client = APIClient(REMOTE_ADDR=HERE, HTTP_X_FORWARDED_FOR=f"198.51.100.{n}")
        answer = client.post("/api/v1/auth/login/", {"email": ana.email, "password": "wrong horse"})
    assert answer.status_code == 429


def enter_admin(password: str) -> str:
    body = {"username": "ada@example.com", "password": password}
    answer = Client(REMOTE_ADDR=HERE).post("/admin/login/?next=/admin/", body)
    return answer.get("Location") or answer.content.decode()


def test_the_login_of_the_admin_counts_too(ada):
    assert enter_admin(PASSWORD) == "/admin/"
    for _ in range(10):
        assert "Please enter the correct" in enter_admin("wrong horse")
    assert "Too many attempts, try again later." in enter_admin(PASSWORD)


def test_a_user_does_not_enter_the_admin(ana):
    body = {"username": ana.email, "password": PASSWORD}
    answer = Client().post("/admin/login/", body)
    assert answer.status_code == 200
    assert "_auth_user_id" not in answer.wsgi_request.session


def test_a_person_writes_so_much_a_minute_and_may_read_on(monkeypatch, client_of, ana, ben):
    monkeypatch.setattr(AccountThrottle, "rate", "2/min", raising=False)
    client, path = client_of(ana), "/api/v1/auth/me/"
    for _ in range(2):
        assert client.patch(path, {"department": "x"}).status_code == 200
    answer = client.patch(path, {"department": "y"})
    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
    assert 1 <= int(answer["Retry-After"]) <= 61
    ana.refresh_from_db()
    assert ana.department == "x"
    assert client.get(path).status_code == 200
    assert client_of(ben).patch(path, {"department": "x"}).status_code == 200


@pytest.fixture
def studio(venue, court):
    venue.hold_length, venue.max_open_holds = timedelta(minutes=30), 2
    venue.save()
    court.price_minor = 1000
    court.save()
    return court


@pytest.mark.usefixtures("studio")
def test_one_address_holds_so_many_slots_under_however_many_names(
    settings, booked, person, ana, ben
):
    settings.MAX_HOLDS_PER_ADDRESS = 3
    with use_client_address(HERE):
        for n, owner in enumerate((ana, ana, ben)):
            assert booked(owner, n).held_from == get_address_hash()
        with pytest.raises(TooManyHolds) as refused:
            booked(person("cleo"), 3)
        assert refused.value.data["limit"] == 3
        with pytest.raises(TooManyHolds) as refused:
            booked(ana, 3)
        assert refused.value.data["limit"] == 2
    with use_client_address(THERE):
        assert booked(ben, 3).status == "held"
    assert not Booking.objects.filter(held_from__contains="203").exists()


@pytest.mark.usefixtures("studio")
def test_a_hold_that_is_over_does_not_count(settings, booked, ana, soon):
    settings.MAX_HOLDS_PER_ADDRESS = 1
    with use_client_address(HERE):
        booked(ana)
        Booking.objects.update(hold_expires_at=soon - timedelta(days=30))
        assert booked(ana, 2).status == "held"


def test_over_http_the_address_is_the_callers(settings, studio, client_of, ana, soon):
    settings.MAX_HOLDS_PER_ADDRESS = 1
    client = client_of(ana)

    def ask(hours: int, address: str) -> int:
        start = soon + timedelta(hours=hours)
        times = {
            "starts_at": start.isoformat(),
            "ends_at": (start + timedelta(hours=1)).isoformat(),
        }
        body = {"resource": studio.pk} | times
        return client.post("/api/v1/bookings/", body, REMOTE_ADDR=address).status_code

    assert [ask(1, HERE), ask(2, HERE), ask(3, THERE)] == [201, 429, 201]


def test_of_many_at_once_from_one_address_no_more_get_a_slot(
    transactional_db, at_once, settings, studio, person, soon
):
    """Without the lock on the address all eight count before any of them has written."""
    settings.MAX_HOLDS_PER_ADDRESS = 3
    people = [person(f"p{n}") for n in range(8)]

    def hold(n: int) -> Booking:
        start = soon + timedelta(hours=n)
        with use_client_address(HERE):
            return create_booking(
                BookingRequest(
                    owner=people[n],
                    resource=studio.pk,
                    starts_at=start,
                    ends_at=start + timedelta(hours=1),
                ),
                actor=Actor.for_new_booking(people[n]),
            )

    found = at_once(*(lambda n=n: hold(n) for n in range(8)))
    assert sum(isinstance(each, Booking) for each in found) == 3
    assert sum(isinstance(each, TooManyHolds) for each in found) == 5
