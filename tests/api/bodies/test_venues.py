"""Venues, resources, one's own data and the dashboard, answered whole."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from api.models import Booking

from .shapes import API, z

pytestmark = pytest.mark.django_db


def test_a_venue_is_answered_whole_and_moves_no_booking_when_its_zone_changes(
    client_of, booked, ana, ada, soon
):
    booking = booked(ana)
    answer = client_of(ada).patch(f"{API}venues/club/", {"time_zone": "Asia/Tokyo"})
    assert answer.status_code == 200
    ends_at = soon + timedelta(hours=1)
    affected = {"id": booking.pk, "starts_at": z(soon), "ends_at": z(ends_at)}
    assert answer.json()["affected"] == [affected | {"code": "time_zone_changed"}]
    booking.refresh_from_db()
    assert booking.starts_at == soon
    body = client_of(ada).get(f"{API}venues/club/").json()
    created, updated = body.pop("created_at"), body.pop("updated_at")
    assert created < updated
    assert body == {
        "slug": "club",
        "name": "The Club",
        "time_zone": "Asia/Tokyo",
        "currency": "usd",
        "opens_at": "00:00:00",
        "closes_at": "00:00:00",
        "hours_enforced": True,
        "closed_weekdays": [],
        "holidays": None,
        "slot_length": "01:00:00",
        "slot_rule": "free",
        "slot_step": "00:15:00",
        "capacity_enforced": True,
        "approval": "never",
        "primetime_any_overlap": True,
        "min_notice": "00:00:00",
        "max_advance": "1440:00:00",
        "same_day_allowed": True,
        "hold_length": "00:30:00",
        "guests": True,
        "guest_hold": "00:15:00",
        "joining": "open",
        "retention": None,
        "second_factor_required": False,
        "max_open_holds": 50,
        "offer_length": "01:00:00",
        "offer_min_lead": "00:00:00",
        "waitlist_members_first": False,
        "max_bookings_ahead": None,
        "max_hours_a_week": None,
        "max_open_requests": None,
        "no_shows_before_pause": None,
        "pause_length": None,
        "check_in_required": False,
        "check_in_opens_before": "00:15:00",
        "check_in_closes_after": "00:15:00",
        "no_show_grace": "00:15:00",
        "grace_from_booking": True,
        "series_no_show_limit": None,
        "completion_from": "end",
        "completion_after": "00:00:00",
        "remind_before": None,
        "refund_until": "24:00:00",
        "late_refund_percent": 0,
        "send_confirmation_emails": True,
        "panel_networks": [],
        "admin_email": "",
    }


def test_a_resource_is_answered_whole_and_retired_when_deleted(client_of, booked, court, sam, ana):
    booking = booked(ana)
    client = client_of(sam)
    answer = client.patch(
        f"{API}resources/{court.pk}/",
        {"opens_at": "08:00", "closes_at": "20:00", "own_slot_length": "00:30:00"},
    )
    assert answer.json() == {
        "id": court.pk,
        "venue": "club",
        "name": "Court 1",
        "description": "",
        "building": "",
        "floor": 0,
        "capacity": 4,
        "units": 1,
        "buffer_before": "00:00:00",
        "buffer_after": "00:00:00",
        "amenities": [],
        "image_url": "",
        "is_available": True,
        "maintenance": False,
        "price_minor": 0,
        "currency": "usd",
        "opens_at": "08:00:00",
        "closes_at": "20:00:00",
        "slot_length": "00:30:00",
        "own_slot_length": "00:30:00",
        "user": None,
        "affected": [],
    }
    retired = client.delete(f"{API}resources/{court.pk}/")
    assert retired.status_code == 200
    assert [row["id"] for row in retired.json()["affected"]] == [booking.pk]
    assert client.get(f"{API}resources/{court.pk}/").status_code == 404
    booking.refresh_from_db()
    assert booking.status == "confirmed"


def test_ones_own_data_comes_whole(get, booked, ana, ben):
    booking = booked(ana, title="Practice")
    invited = booked(ben, hours=2, attendees=[ana])
    body = get("auth/me/export/")
    assert body["account"]["email"] == "ana@example.com"
    assert [row["title"] for row in body["bookings"]] == ["Practice"]
    assert [row["booking_id"] for row in body["history"]] == [booking.pk]
    assert body["invited_to"] == [invited.pk]
    assert [row["name"] for row in body["emails"]] == ["confirmed"]


def test_a_dashboard_counts_what_is_there(get, venue, booked, ana, sam):
    booked(ana)
    venue.approval = "always"
    venue.save()
    booked(ana, hours=1)
    dead = booked(ana, hours=2)
    Booking.objects.filter(pk=dead.pk).update(lapses_at=Now())
    body = get("dashboard/")
    assert (len(body["upcoming"]), body["pending"], body["held"]) == (2, 1, 0)
    assert len(body["recent"]) == 3
    body = get("dashboard/staff/", sam)
    assert (body["requests_waiting"], body["held"]) == (1, 0)
    assert len(body["recent"]) == 3
