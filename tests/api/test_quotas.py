"""Quotas as they are set and refused: at our own API, on the booking page and in the contracts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api.models import Booking, Resource
from api.services.accounts.keys import create_key
from api.services.venues import venues
from tests.contracts.faces import FACES, OWN

pytestmark = pytest.mark.django_db
VENUE, HOUR = "/api/v1/venues/club/", timedelta(hours=1)
SET = {
    "max_bookings_ahead": 2,
    "max_hours_a_week": "30:00:00",
    "max_open_requests": 3,
    "no_shows_before_pause": 2,
    "pause_length": "168:00:00",
}


def z(at):
    return f"{at:%FT%TZ}"


def test_quotas_are_read_by_anybody_and_set_by_an_admin(client_of, venue, ada, sam):
    assert {name: client_of().get(VENUE).json()[name] for name in SET} == dict.fromkeys(SET)
    assert client_of(sam).patch(VENUE, SET).status_code == 403
    answer = client_of(ada).patch(VENUE, SET)
    assert answer.status_code == 200
    assert answer.json()["affected"] == []
    assert {name: client_of().get(VENUE).json()[name] for name in SET} == SET
    assert client_of(ada).patch(VENUE, dict.fromkeys(SET)).status_code == 200
    assert {name: client_of().get(VENUE).json()[name] for name in SET} == dict.fromkeys(SET)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"max_bookings_ahead": 0}, "max_bookings_ahead"),
        ({"max_bookings_ahead": -1}, "max_bookings_ahead"),
        ({"max_bookings_ahead": 1.5}, "max_bookings_ahead"),
        ({"max_bookings_ahead": 10**10}, "max_bookings_ahead"),
        ({"max_hours_a_week": "00:00:00"}, "max_hours_a_week"),
        ({"max_hours_a_week": "-01:00:00"}, "max_hours_a_week"),
        ({"max_hours_a_week": "x"}, "max_hours_a_week"),
        ({"max_open_requests": 0}, "max_open_requests"),
        ({"no_shows_before_pause": 0, "pause_length": "24:00:00"}, "no_shows_before_pause"),
        ({"no_shows_before_pause": 2}, "pause_length"),
        ({"no_shows_before_pause": 2, "pause_length": "00:00:00"}, "pause_length"),
    ],
)
def test_a_quota_that_makes_no_sense_is_refused(client_of, venue, ada, body, field):
    answer = client_of(ada).patch(VENUE, body)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    venue.refresh_from_db()
    assert {getattr(venue, name) for name in SET} == {None}


def test_a_pause_cannot_lose_its_length(client_of, venue, ada):
    assert client_of(ada).patch(VENUE, SET).status_code == 200
    assert client_of(ada).patch(VENUE, {"pause_length": None}).status_code == 400
    assert client_of(ada).patch(VENUE, {"no_shows_before_pause": None}).status_code == 200


def book(client, court, start, **more):
    body = {"resource": court.pk, "starts_at": z(start), "ends_at": z(start + HOUR), **more}
    return client.post("/api/v1/bookings/", body)


def test_a_refusal_names_the_quota_its_limit_and_when_it_is_free(
    client_of, venue, court, soon, ana
):
    venue.max_bookings_ahead = 1
    venue.save()
    assert book(client_of(ana), court, soon).status_code == 201
    answer = book(client_of(ana), court, soon + HOUR)
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    assert answer.json() == {
        "type": "about:blank",
        "title": "Quota reached",
        "status": 409,
        "code": "quota_reached",
        "detail": "You have as many bookings ahead as one person may here (1)."
        f" Possible again from {soon:%Y-%m-%d %H:%M}.",
        "quota": "max_bookings_ahead",
        "limit": 1,
        "free_at": z(soon),
    }
    assert Booking.objects.count() == 1


def test_hours_are_a_duration_and_what_is_never_free_says_null(client_of, venue, court, soon, ana):
    venue.max_hours_a_week = HOUR / 2
    venue.save()
    body = book(client_of(ana), court, soon).json()
    assert (body["quota"], body["limit"], body["free_at"]) == ("max_hours_a_week", "00:30:00", None)


def test_a_key_books_for_customers_and_is_held_to_their_quotas(
    client_of, venue, court, soon, ada, ana
):
    venue.max_bookings_ahead = 1
    venue.save()
    _, secret = create_key(name="Kiosk", venues=[venue], scopes=["book"], by=ada)
    client = client_of()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert book(client, court, soon, owner=ana.pk).status_code == 201
    assert book(client, court, soon + HOUR, owner=ana.pk).json()["code"] == "quota_reached"
    gus = {"name": "Gus", "email": "gus@example.com"}
    assert book(client, court, soon + HOUR, **gus).status_code == 201
    assert book(client, court, soon + 2 * HOUR, **gus).json()["code"] == "quota_reached"


REFUSED = "You have as many bookings ahead as one person may here (1). Possible again from {}."
BODIES = {
    "primetime": (400, lambda text: {"non_field_errors": [text]}),
    "barbershop": (400, lambda text: {"non_field_errors": [text]}),
    "circletime": (409, lambda text: {"success": False, "message": text, "code": "conflict"}),
    "resources": (400, lambda text: {"non_field_errors": [text]}),
    "paidrooms": (400, lambda text: {"error": text}),
}


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
def test_every_contract_says_it_in_its_own_way(face, ana, soon):
    venue = venues.get_contract_venue(face.name)
    venue.max_bookings_ahead = 1
    venue.save()
    place = Resource.objects.create(venue=venue, name="The only one", capacity=4, **face.place)
    soon = soon.replace(hour=10)
    assert face.book(ana, place, soon).status_code == 201
    free_at = Booking.objects.values_list("hold_expires_at", flat=True).get() or soon
    answer = face.book(ana, place, soon + 2 * HOUR)
    status, build = BODIES[face.name]
    assert answer.status_code == status, answer.content
    at = f"{free_at.astimezone(venue.zone):%Y-%m-%d %H:%M}"
    assert answer.json() == build(REFUSED.format(at))
    assert Booking.objects.count() == 1
    assert OWN.book(ana, place, soon + 2 * HOUR).json()["code"] == "quota_reached"
