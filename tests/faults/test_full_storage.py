"""A disk that is nearly full: no write begins at any door, reads go on, nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from api.models import Booking, Job
from api.services.operations import jobs
from backend import disk_space
from tests.security.faces import FACES
from tests.security.routes import routes
from tests.security.test_matrix import world  # noqa: F401 - a fixture
from tests.security.world import World

pytestmark = pytest.mark.django_db
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
# what a contract says beside the status
SENTENCE = "There is no room to store this, try again later."
KEYS = {
    "primetime": "error",
    "barbershop": "detail",
    "circletime": "message",
    "resources": "detail",
    "paidrooms": "error",
}


@pytest.fixture
def full(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """More is asked of the disk than any has."""
    settings.MIN_FREE_BYTES = 2**70
    monkeypatch.setattr(disk_space, "SMALL_DISK_SHARE", 1)


@pytest.mark.parametrize("name", FACES)
def test_every_write_is_refused_before_it_begins(
    name: str,
    world: World,  # noqa: F811
    request: pytest.FixtureRequest,
) -> None:
    """Without the check in `BaseAPIView.initial` most of them succeed."""
    face = FACES[name](world)
    request.getfixturevalue("full")
    before = Booking.objects.count()
    client = face.client(world.admin)
    for route, methods in routes(face.prefix):
        for method in sorted(set(methods) & set(UNSAFE)):
            body = face.bodies.get((method, route), {})
            answer = client.generic(
                method, face.path(route), json.dumps(body), content_type="application/json"
            )
            assert answer.status_code == 503, (method, route, answer.content)
            assert answer["Retry-After"] == "30"
            if name == "v1":
                assert answer["Content-Type"] == "application/problem+json"
                assert answer.json()["code"] == "storage_full"
            else:
                assert answer.json()[KEYS[name]] == SENTENCE
    assert Booking.objects.count() == before


@pytest.mark.parametrize("name", FACES)
def test_reads_go_on(name: str, world: World, request: pytest.FixtureRequest) -> None:  # noqa: F811
    face = FACES[name](world)
    request.getfixturevalue("full")
    for route, methods in routes(face.prefix):
        if "GET" in methods and "{}" not in route:
            assert face.client(world.admin).get(face.path(route)).status_code < 500, route


def test_a_write_with_a_key_is_not_remembered_as_refused(
    full: None, settings: Any, client_of: Any, ana: Any, court: Any, soon: Any
) -> None:
    client, body = client_of(ana), {"resource": court.pk, "starts_at": soon.isoformat()}
    body["ends_at"] = soon.replace(hour=10).isoformat()
    refused = client.post("/api/v1/bookings/", body, headers={"Idempotency-Key": "one"})
    settings.MIN_FREE_BYTES = 0
    made = client.post("/api/v1/bookings/", body, headers={"Idempotency-Key": "one"})
    assert (refused.status_code, made.status_code) == (503, 201)


def test_the_staff_site_and_the_bare_path_refuse_too(full: None, ada: Any, client_of: Any) -> None:
    site = Client()
    site.force_login(ada)
    for answer in (
        site.post("/admin/api/venue/add/", {"slug": "x"}),
        site.post("/admin/login/", {"username": "x", "password": "y"}),
        client_of().post("/api/reservations", {}),
    ):
        assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert site.get("/admin/").status_code == 200


def test_health_says_what_is_wrong_and_is_healthy(full: None, client_of: Any) -> None:
    answer = client_of().get("/health/")
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["storage"]) == ("read_only", "full")


def test_health_has_room(client_of: Any, db: None) -> None:
    answer = client_of().get("/health/").json()
    assert (answer["status"], answer["storage"]) == ("ok", "ok")


def test_jobs_wait(full: None) -> None:
    done: list[int] = []
    assert jobs.run("expire_holds", lambda: done.append(1) or 1) == 0
    assert not done
    assert not Job.objects.filter(name="expire_holds").exists()
