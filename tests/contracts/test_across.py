"""One system, several faces: what one of them books, the others see as taken.

A contract joins by a `Face` of its own: how it signs a person in, and how it books an hour of the
place that `place` makes. Every test below then runs over it too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from api.models import Booking, Resource, User
from api.services import tokens, venues

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse 9 battery"


@dataclass(frozen=True)
class Face:
    """`credentials` of a person; `book` posts and answers; `refused` is what a taken slot says."""

    name: str
    credentials: Callable[[User], str]
    path: str
    body: Callable[[Resource, str, str], dict[str, Any]]
    refused: int

    def client(self, user: User) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=self.credentials(user))
        return client

    def book(self, user: User, place: Resource, start: datetime) -> Any:
        times = f"{start:%FT%TZ}", f"{start + timedelta(hours=1):%FT%TZ}"
        return self.client(user).post(self.path, self.body(place, *times))


def bearer(contract: str) -> Callable[[User], str]:
    return lambda user: f"Bearer {tokens.issue(user, contract).access}"


def token(user: User) -> str:
    return f"Token {Token.objects.get_or_create(user=user)[0].key}"


OWN = Face(
    "v1",
    bearer("v1"),
    "/api/v1/bookings/",
    lambda place, start, end: {"resource": place.pk, "starts_at": start, "ends_at": end},
    409,
)
CONTRACTS = [
    Face(
        "barbershop",
        bearer("barbershop"),
        "/barbershop/api/reservations/",
        lambda place, start, end: {"start_time": start, "end_time": end},
        400,
    ),
    Face(
        "resources",
        token,
        "/resources/api/bookings/",
        lambda place, start, end: {"resource": place.pk, "start_time": start, "end_time": end},
        400,
    ),
]


@pytest.fixture(params=CONTRACTS, ids=lambda face: face.name)
def face(request: pytest.FixtureRequest) -> Face:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def place(face: Face, db: None) -> Resource:
    """The only place of the contract's venue."""
    return Resource.objects.create(venue=venues.of_contract(face.name), name="The only one")


def test_what_one_face_books_the_other_sees_as_taken(face, place, ana, ben, soon):
    for first, second in ((face, OWN), (OWN, face)):
        assert first.book(ana, place, soon).status_code == 201
        half = soon + timedelta(minutes=30)
        assert second.book(ben, place, half).status_code == second.refused
        assert Booking.objects.filter(owner=ben).count() == 0
        assert second.book(ben, place, soon + timedelta(hours=1)).status_code == 201
        Booking.objects.update(status="cancelled")
        Booking.objects.filter(owner=ben).update(owner=ana)


def test_what_one_face_frees_the_other_can_have(face, place, ana, ben, soon):
    made = face.book(ana, place, soon).json()
    pk = made.get("id") or made["data"]["id"]
    answer = OWN.client(ana).post(f"/api/v1/bookings/{pk}/cancel/")
    assert answer.status_code == 200
    assert face.book(ben, place, soon).status_code == 201


def test_a_dead_hold_of_another_face_blocks_nobody(face, place, ana, ben, soon):
    """Without `.blocking()` in what a face looks at, or the ending of what is due in the way of a
    booking, the second person is refused until a sweep has run."""
    face.book(ana, place, soon)
    Booking.objects.update(status="held", hold_expires_at=soon - timedelta(days=30))
    assert face.book(ben, place, soon).status_code == 201


def test_one_account_signs_in_everywhere(person):
    ana = person("ana", username="ana")
    for path, body in (
        ("/api/v1/auth/login/", {"email": ana.email}),
        ("/barbershop/api/auth/login/", {"username": "ana"}),
        ("/resources/api/auth/token/login/", {"username": "ana"}),
    ):
        answer = APIClient().post(path, body | {"password": PASSWORD})
        assert answer.status_code == 200, (path, answer.content)


def test_a_new_password_at_one_face_ends_the_sessions_of_all(person):
    ana = person("ana")
    resources, shop = APIClient(), APIClient()
    resources.credentials(HTTP_AUTHORIZATION=token(ana))
    shop.credentials(HTTP_AUTHORIZATION=bearer("barbershop")(ana))
    change = {"current_password": PASSWORD, "new_password": "Lantern 44 x"}
    assert OWN.client(ana).post("/api/v1/auth/password/", change).status_code == 200
    assert shop.get("/barbershop/api/auth/me/").status_code == 401
    assert resources.get("/resources/api/auth/users/me/").status_code == 401
