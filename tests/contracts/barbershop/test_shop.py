"""Chapters "Dashboard", "Email System" and "Key Features" (status workflow) of the README."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models.functions import Now

from api.lifecycle import BOOKING
from api.models import Booking, Venue
from api.services.actors import Actor
from api.services.bookings.actions import approve_booking
from api.services.bookings.sweeps import sweep

from .conftest import API

pytestmark = pytest.mark.django_db


def test_the_dashboard_counts_for_admins_only(at_shop, ana, ben, sam, ada, reserved, booked):
    first = reserved(ana)
    reserved(ben, hours=1)
    booked(ana)  # elsewhere
    approve_booking(first.pk, Actor.in_venue(sam, first.venue_id))
    answer = at_shop(ada).get(f"{API}/dashboard/stats/")
    assert (answer.status_code, answer.json()) == (
        200,
        {"total_users": 4, "total_reservations": 2, "pending_reservations": 1},
    )
    for user in (ana, sam):
        answer = at_shop(user).get(f"{API}/dashboard/stats/")
        assert (answer.status_code, answer.json()) == (403, {"error": "Admin access required"})
    assert at_shop().get(f"{API}/dashboard/stats/").status_code == 401


def test_the_health_check_needs_nobody(at_shop):
    answer = at_shop().get(f"{API}/health/")
    assert (answer.status_code, answer.json()) == (200, {"status": "healthy"})


def test_a_confirmed_reservation_is_completed_35_minutes_after_its_start(
    at_shop, ana, sam, reserved
):
    booking = reserved(ana, minutes=60)
    approve_booking(booking.pk, Actor.in_venue(sam, booking.venue_id))
    booking.refresh_from_db()
    assert booking.completes_at - booking.starts_at == timedelta(minutes=35)
    assert sweep(BOOKING.complete, "complete_finished") == 0
    Booking.objects.filter(pk=booking.pk).update(completes_at=Now())
    assert sweep(BOOKING.complete, "complete_finished") == 1
    shown = at_shop(ana).get(f"{API}/reservations/{booking.pk}/").json()
    assert shown["status"] == "completed"
    assert not booking.deliveries.filter(payload__verb="complete").exists()


def test_the_minutes_are_the_venues_policy(shop, ana, reserved):
    Venue.objects.filter(pk=shop.pk).update(completion_after=timedelta(minutes=5))
    shop.refresh_from_db()
    booking = reserved(ana)
    assert booking.completes_at - booking.starts_at == timedelta(minutes=5)


def test_a_request_that_nobody_answered_reads_canceled(at_shop, ana, reserved, mailbox):
    booking = reserved(ana)
    Booking.objects.filter(pk=booking.pk).update(lapses_at=Now())
    assert sweep(BOOKING.lapse, "lapse_requests") == 1
    path = f"{API}/reservations/{booking.pk}/"
    assert at_shop(ana).get(path).json()["status"] == "canceled"
    assert at_shop(ana).delete(path).status_code == 204
    assert [m.subject for m in mailbox()] == ["Your Reservation has been Cancelled"]


def test_the_emails_have_their_names_subjects_and_the_shops_time(
    at_shop, shop, ana, sam, settings, mailbox
):
    settings.ADMIN_EMAIL = "boss@example.com"
    day = (datetime.now(UTC) + timedelta(days=400)).replace(month=7, day=1)
    body = {"start_time": f"{day:%F}T12:30:00Z", "end_time": f"{day:%F}T13:00:00Z"}
    pk = at_shop(ana).post(f"{API}/reservations/", body).json()["id"]
    path = f"{API}/reservations/{pk}/"
    at_shop(sam).patch(path, {"status": "confirmed"})
    at_shop(ana).patch(path, {"status": "canceled"})
    new, confirmed, cancelled = mailbox()
    assert (new.to, new.subject) == (
        ["boss@example.com"],
        f"🔔 New Reservation #{pk} - Action Required",
    )
    assert (confirmed.to, confirmed.subject) == (
        ["ana@example.com"],
        "Your Reservation is Confirmed!",
    )
    assert (cancelled.to, cancelled.subject) == (
        ["ana@example.com"],
        "Your Reservation has been Cancelled",
    )
    for message in (new, confirmed, cancelled):
        for text in (message.body, message.alternatives[0].content):
            assert f"#{pk}" in text
            assert f"{day:%B %d, %Y}" in text
            assert "02:30 PM" in text
    assert "Customer: Ana Example" in new.body
    assert "E-mail: ana@example.com" in new.body
    assert "10 minutes early" in confirmed.body


def test_the_venues_own_address_goes_before_the_settings(at_shop, shop, ana, settings, mailbox):
    settings.ADMIN_EMAIL = "boss@example.com"
    Venue.objects.filter(pk=shop.pk).update(admin_email="shop@example.com")
    day = datetime.now(UTC) + timedelta(days=3)
    body = {"start_time": f"{day:%F}T12:30:00Z", "end_time": f"{day:%F}T13:00:00Z"}
    at_shop(ana).post(f"{API}/reservations/", body)
    assert [m.to for m in mailbox()] == [["shop@example.com"]]
