"""From registration to a booking over HTTP."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


def test_a_stranger_registers_signs_in_books_and_reads_the_history(court, soon):
    client = APIClient()
    account = {"email": "New@Example.com", "password": "correct horse 9", "name": "New Person"}
    made = client.post("/api/v1/auth/register/", account)
    assert (made.status_code, made.json()["email"]) == (201, "new@example.com")
    login = client.post("/api/v1/auth/login/", {"email": "new@example.com", **account})
    assert login.status_code == 200, login.content
    assert set(login.json()) == {"access", "refresh", "user"}
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {login.json()['access']}")
    body = {
        "resource": court.pk,
        "starts_at": soon.isoformat(),
        "ends_at": (soon + timedelta(hours=1)).isoformat(),
    }
    booking = client.post("/api/v1/bookings/", body)
    assert booking.status_code == 201, booking.content
    assert booking.json()["starts_at"] == soon.strftime("%Y-%m-%dT%H:%M:%SZ")
    again = client.post("/api/v1/bookings/", body)
    assert again.status_code == 409
    assert again["Content-Type"] == "application/problem+json"
    assert again.json()["code"] == "slot_taken"
    assert len(again.json()["alternatives"]) == 3
    events = client.get(f"/api/v1/bookings/{booking.json()['id']}/events/").json()
    assert [event["verb"] for event in events["results"]] == ["book"]
    for path in (
        "venues/",
        "venues/club/",
        "venues/club/calendar/",
        "resources/",
        f"resources/{court.pk}/",
        f"resources/{court.pk}/availability/?start=2030-01-01T00:00:00Z&end=2030-01-02T00:00:00Z",
        "bookings/",
        "dashboard/",
        "auth/me/",
        "auth/me/export/",
        "schema/?format=json",
    ):
        assert client.get(f"/api/v1/{path}").status_code == 200, path


def test_the_same_key_gives_the_same_answer(client_of, ana, court, soon):
    client = client_of(ana)
    body = {
        "resource": court.pk,
        "starts_at": soon.isoformat(),
        "ends_at": (soon + timedelta(hours=1)).isoformat(),
    }
    first = client.post("/api/v1/bookings/", body, headers={"Idempotency-Key": "k1"})
    again = client.post("/api/v1/bookings/", body, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    other = client.post(
        "/api/v1/bookings/", body | {"title": "x"}, headers={"Idempotency-Key": "k1"}
    )
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
