"""A venue's retention: who booked is forgotten, that somebody booked is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models.functions import Now
from rest_framework.test import APIClient

from api.lifecycle import Status
from api.models import Booking, BookingEvent, Delivery, Trade, User, Venue
from api.queries.accounts.personal_data import export_personal_data
from api.services.bookings import retention

DAY = timedelta(days=1)
Booked = Callable[..., Booking]


def age(booking: Booking, days: float, status: Status = Status.COMPLETED) -> None:
    """The booking, so many days ago and over."""
    gone = timedelta(days=days)
    starts_at, ends_at = Now() - gone - timedelta(hours=1), Now() - gone
    Booking.objects.filter(pk=booking.pk).update(
        starts_at=starts_at, ends_at=ends_at, status=status
    )


def test_forgets_who_booked_once_retention_has_passed(
    venue: Venue, booked: Booked, ana: User, ben: User
) -> None:
    old, young = booked(ana, title="Chess", notes="with Ben"), booked(ana, 2, title="Go")
    old.attendees.add(ben)
    Delivery.objects.update(finished_at=Now())
    age(old, 31)
    age(young, 29)
    Venue.objects.update(retention=30 * DAY)
    assert retention.forget_old_bookings() == 1
    row = Booking.objects.select_related("owner").get(pk=old.pk)
    assert (row.owner.address, row.title, row.notes) == ("", "", "")
    assert row.status == Status.COMPLETED
    assert not row.attendees.exists()
    assert not BookingEvent.objects.filter(booking=old).exclude(actor=None, details={}).exists()
    assert set(Delivery.objects.filter(booking=old).values_list("to", flat=True)) == {""}
    assert [each["id"] for each in export_personal_data(ana)["bookings"]] == [young.pk]
    assert Booking.objects.get(pk=young.pk).title == "Go"
    assert retention.forget_old_bookings() == 0


def test_without_retention_nothing_is_forgotten(booked: Booked, ana: User) -> None:
    age(booked(ana), 4000)
    assert retention.forget_old_bookings() == 0
    assert Booking.objects.get().owner == ana


def test_each_venue_by_its_own_retention(venue: Venue, booked: Booked, ana: User) -> None:
    other = Venue.objects.create(slug="other", name="Other", retention=DAY)
    age(booked(ana), 10)
    assert [due.venue for due in retention.list_due()] == []
    Booking.objects.update(venue=other)
    assert [(due.venue, due.bookings) for due in retention.list_due()] == [("other", 1)]


def test_what_blocks_its_slot_still_is_not_forgotten(
    venue: Venue, booked: Booked, ana: User
) -> None:
    age(booked(ana), 10, Status.CONFIRMED)
    Venue.objects.update(retention=DAY)
    assert retention.forget_old_bookings() == 0


def test_trades_of_forgotten_bookings_go_with_them(
    venue: Venue, booked: Booked, ana: User, ben: User
) -> None:
    first, second = booked(ana), booked(ben, 2)
    Trade.objects.create(
        requester=ana,
        target=ben,
        requester_booking=first,
        target_booking=second,
        status="accepted",
        message="please",
        lapses_at=first.starts_at,
    )
    age(first, 10)
    age(second, 9)
    Venue.objects.update(retention=DAY)
    assert retention.forget_old_bookings() == 2
    assert not Trade.objects.exists()


def test_forgets_in_batches(
    venue: Venue, booked: Booked, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for hours in range(5):
        age(booked(ana, 2 * hours), 10 + hours)
    Venue.objects.update(retention=DAY)
    assert retention.forget_old_bookings() == 5


def test_two_runs_at_once_forget_each_booking_once(
    transactional_db: None,
    venue: Venue,
    booked: Booked,
    ana: User,
    at_once: Callable[..., list[int]],
) -> None:
    for hours in range(6):
        age(booked(ana, 2 * hours), 10 + hours)
    Venue.objects.update(retention=DAY)
    counts = at_once(*[retention.forget_old_bookings] * 4)
    assert all(isinstance(each, int) for each in counts), counts
    assert not Booking.objects.exclude(owner__email=retention.FORMER).exists()
    assert User.objects.filter(email=retention.FORMER).count() == 1


def test_dry_run_says_what_is_due_and_changes_nothing(
    venue: Venue, booked: Booked, ana: User
) -> None:
    booking = booked(ana)
    age(booking, 10)
    Venue.objects.update(retention=DAY)
    out = StringIO()
    call_command("forget_old_bookings", "--dry-run", stdout=out)
    on = Booking.objects.get().starts_at
    assert out.getvalue().splitlines() == [
        f"club: 1 bookings, the oldest of {on:%Y-%m-%d}",
        "Nothing was changed.",
    ]
    assert Booking.objects.get().owner == ana
    call_command("forget_old_bookings", stdout=out)
    assert "The people of 1 bookings are forgotten." in out.getvalue()
    assert Booking.objects.get().owner != ana


@pytest.mark.parametrize("given", ["00:00:01", "-24:00:00"])
def test_retention_is_a_day_at_least(
    venue: Venue, ada: User, client_of: Callable[..., APIClient], given: str
) -> None:
    response = client_of(ada).patch("/api/v1/venues/club/", {"retention": given})
    assert (response.status_code, list(response.json()["errors"])) == (400, ["retention"])


def test_retention_is_set_and_unset(
    venue: Venue, ada: User, client_of: Callable[..., APIClient]
) -> None:
    client = client_of(ada)
    assert client.patch("/api/v1/venues/club/", {"retention": "720:00:00"}).json()["retention"]
    assert Venue.objects.filter(retention=30 * DAY).exists()
    assert client.patch("/api/v1/venues/club/", {"retention": None}).json()["retention"] is None


def test_where_no_venue_has_a_retention_no_booking_is_looked_at(
    venue: Venue, booked: Booked, ana: User, django_assert_num_queries: Callable[..., Any]
) -> None:
    """Ten million were read each hour, to find none."""
    age(booked(ana), 1000)
    with django_assert_num_queries(1):
        assert retention.forget_old_bookings() == 0
