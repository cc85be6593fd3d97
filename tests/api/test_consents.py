"""Texts that people agree to, by version."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from api.models import Booking, Consent, ConsentText, Resource, User, Venue
from api.queries.accounts.personal_data import export_personal_data
from api.services.accounts import consents, erasure

ClientOf = Callable[..., APIClient]
VENUES, INSTANCE = "/api/v1/venues/club/consent/", "/api/v1/consent/"


@pytest.fixture
def book(court: Resource, soon: datetime) -> Callable[..., Any]:
    def send(client: APIClient, hours: int = 0, **more: Any) -> Any:
        start = soon + timedelta(hours=hours)
        times = {
            "starts_at": start.isoformat(),
            "ends_at": (start + timedelta(hours=1)).isoformat(),
        }
        return client.post("/api/v1/bookings/", {"resource": court.pk, **times, **more})

    return send


def test_admin_publishes_versions_and_anybody_reads_the_last(
    venue: Venue, ada: User, client_of: ClientOf
) -> None:
    assert client_of().get(VENUES).status_code == 404
    first = client_of(ada).post(VENUES, {"text": "One"})
    second = client_of(ada).post(VENUES, {"text": "Two"}).json()
    assert (first.status_code, first.json()["version"], second["version"]) == (201, 1, 2)
    assert client_of().get(VENUES).json() == second
    assert [row.text for row in ConsentText.objects.order_by("version")] == ["One", "Two"]


@pytest.mark.parametrize("path", [VENUES, INSTANCE])
def test_others_publish_nothing(venue: Venue, ana: User, client_of: ClientOf, path: str) -> None:
    assert client_of(ana).post(path, {"text": "One"}).status_code == 403
    assert client_of().post(path, {"text": "One"}).status_code == 401
    assert not ConsentText.objects.exists()


def test_booking_wants_the_present_text_once(
    venue: Venue, ana: User, client_of: ClientOf, book: Callable[..., Any]
) -> None:
    client, text = client_of(ana), consents.publish_text(venue, "One")
    refused = book(client)
    assert (refused.status_code, refused.json()["code"]) == (400, "consent_required")
    assert refused.json()["errors"]["consent"] == [f"Agree to text {text.pk} (version 1)."]
    assert book(client, consent=text.pk + 1).status_code == 400
    assert not Booking.objects.exists()
    assert book(client, consent=text.pk).status_code == 201
    assert book(client, 2).status_code == 201
    consents.publish_text(venue, "Two")
    assert book(client, 4, consent=text.pk).status_code == 400
    consents.publish_text(venue, "")
    assert book(client, 4).status_code == 201
    assert [(row.user, row.text.version) for row in Consent.objects.all()] == [(ana, 1)]


def test_registering_wants_the_text_of_the_instance(db: None, client_of: ClientOf) -> None:
    text = consents.publish_text(None, "One")
    body = {"email": "new@example.com", "password": "correct horse 9 battery"}
    refused = client_of().post("/api/v1/auth/register/", body)
    assert (refused.status_code, refused.json()["code"]) == (400, "consent_required")
    assert not User.objects.exists()
    made = client_of().post("/api/v1/auth/register/", body | {"consent": text.pk})
    assert made.status_code == 201
    assert Consent.objects.get().user.email == "new@example.com"


def test_text_of_one_venue_is_not_asked_at_another(
    venue: Venue, ana: User, client_of: ClientOf, book: Callable[..., Any]
) -> None:
    consents.publish_text(Venue.objects.create(slug="other", name="Other"), "One")
    assert book(client_of(ana)).status_code == 201


def test_somebody_without_an_account_agrees_by_address(venue: Venue) -> None:
    text = consents.publish_text(venue, "One")
    venue.refresh_from_db()
    consents.require_consent(venue, text.pk, email="Guest@Example.com")
    consents.require_consent(venue, None, email="guest@example.com")
    assert Consent.objects.get().email_key == "guest@example.com"


def test_consents_are_exported_and_erased(venue: Venue, ana: User) -> None:
    consents.record_consent(consents.publish_text(venue, "One"), ana)
    (found,) = export_personal_data(ana)["consents"]
    assert (found["text__venue__slug"], found["text__version"], found["text__text"]) == (
        "club",
        1,
        "One",
    )
    erasure.erase_account(ana)
    assert not Consent.objects.exists()
