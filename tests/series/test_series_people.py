"""Whose series they are: keys, invited venues, what is kept of a person and what is forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from rest_framework.test import APIClient

from api.models import AuditEntry, Booking, Series, Venue
from api.queries.accounts.personal_data import export_personal_data
from api.services.accounts.erasure import erase_account
from api.services.accounts.keys import create_key
from api.services.bookings.retention import forget_old_bookings

pytestmark = pytest.mark.django_db
URL = "/api/v1/series/"


@pytest.fixture
def series(client_of, ana, body):
    def make(**more):
        answer = client_of(ana).post(URL, body(**more), format="json")
        assert answer.status_code == 201, answer.json()
        return Series.objects.get(pk=answer.json()["id"])

    return make


def test_a_key_books_for_people_of_the_venue(ana, ada, venue, body):
    _, secret = create_key(name="Till", venues=[venue], scopes=["book"], by=ada)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    answer = client.post(URL, body(owner=ana.pk), format="json")
    assert answer.status_code == 201, answer.json()
    assert Series.objects.get().owner == ana
    assert client.post(URL, body(), format="json").status_code == 400
    guest = {"name": "Gus", "email": "gus@example.com"}
    assert client.post(URL, body(**guest), format="json").status_code == 400
    pk = answer.json()["id"]
    assert client.post(f"{URL}{pk}/approve/", {"scope": "all"}, format="json").status_code == 403
    assert client.post(f"{URL}{pk}/cancel/", {"scope": "all"}, format="json").status_code == 200


def test_a_venue_of_members_refuses_others(client_of, person, venue, body):
    Venue.objects.filter(pk=venue.pk).update(joining="invited")
    stranger = person("eve", "")
    assert client_of(stranger).post(URL, body(), format="json").status_code == 403


def test_whoever_books_becomes_a_customer(client_of, person, venue, body):
    stranger = person("eve", "")
    assert client_of(stranger).post(URL, body(), format="json").status_code == 201
    assert stranger.memberships.get(venue=venue).role == "customer"


def test_attendees_are_invited_to_each(series, ben, client_of, ana, body):
    made = series(attendees=[ben.pk])
    assert {row.attendees.get() for row in Booking.objects.filter(series=made)} == {ben}
    assert client_of(ana).post(URL, body(attendees=[10**9]), format="json").status_code == 400


def test_what_staff_do_is_in_the_audit_log(series, client_of, sam):
    made = series()
    sent = {"scope": "all"}
    client_of(sam).post(f"{URL}{made.pk}/cancel/", sent, format="json")
    entry = AuditEntry.objects.get(object=f"series:{made.pk}")
    assert entry.user_id == sam.pk
    assert entry.after["ended_because"] == "cancelled"


def test_a_person_is_given_and_forgets_their_series(series, ana):
    made = series(title="Secret", notes="Of mine")
    assert [row["title"] for row in export_personal_data(ana)["series"]] == ["Secret"]
    erase_account(ana)
    made.refresh_from_db()
    assert (made.title, made.notes) == ("", "")
    assert made.ended_at is not None
    assert set(Booking.objects.values_list("status", flat=True)) == {"cancelled"}


def test_a_venue_forgets_whose_they_were(series, venue, ana):
    made = series(title="Secret")
    Venue.objects.filter(pk=venue.pk).update(retention=timedelta(days=1))
    shift = timedelta(days=90)
    for row in Booking.objects.all():
        Booking.objects.filter(pk=row.pk).update(
            starts_at=row.starts_at - shift, ends_at=row.ends_at - shift, status="completed"
        )
    assert forget_old_bookings() == 4
    made.refresh_from_db()
    assert made.title == ""
    assert made.owner != ana


def test_staff_see_and_cancel_them_in_the_admin(series, sam):
    made = series()
    client = Client()
    client.force_login(sam)
    assert client.get(f"/admin/api/series/{made.pk}/change/").status_code == 200
    sent = {"action": "cancel_all", "_selected_action": [made.pk]}
    answer = client.post("/admin/api/series/", sent, follow=True)
    assert f"Series {made.pk}: done." in answer.content.decode()
    made.refresh_from_db()
    assert made.ended_because == "cancelled"


def test_what_is_over_a_quota_is_refused(client_of, ana, body, venue):
    Venue.objects.filter(pk=venue.pk).update(max_bookings_ahead=3)
    client = client_of(ana)
    answer = client.post(URL, body(), format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "quota_reached")
    assert [each["outcome"] for each in answer.json()["occurrences"]] == [
        *["would_book"] * 3,
        "refused",
    ]
    answer = client.post(URL, body(on_conflict="skip"), format="json")
    assert [each["outcome"] for each in answer.json()["occurrences"]] == [
        *["booked"] * 3,
        "refused",
    ]
    answer = client.post(URL, body(on_conflict="skip"), format="json")
    assert answer.json()["code"] == "nothing_to_book"
