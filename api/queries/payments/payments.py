"""Payments and the bookings they are for."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from api.errors import NotFound
from api.models import Booking, Payment, Resource, User
from api.queries.clock import annotate_now


def list_bookable_rooms(venue_slug: str) -> QuerySet[Resource]:
    """The resources of a venue that can be booked now, with their hours at hand."""
    rows = Resource.objects.filter(
        venue__slug=venue_slug, is_available=True, maintenance=False, retired_at=None
    )
    return rows.select_related("venue").prefetch_related("venue__hours")


def list_bookings(venue_slug: str) -> QuerySet[Booking]:
    """The bookings of a venue, newest first, each carrying the database's `now`."""
    rows = annotate_now(Booking.objects.filter(venue__slug=venue_slug))
    return rows.select_related("venue", "resource", "owner").order_by("-created_at", "-id")


def get_booking(venue_slug: str, pk: int) -> Booking:
    """Raises `NotFound`."""
    booking = list_bookings(venue_slug).filter(pk=pk).first()
    if booking is None:
        raise NotFound("Booking not found")
    return booking


def get_newest_payment(booking: Booking) -> Payment:
    """The last payment attempt, with its refunds and disputes. Raises `NotFound`."""
    rows: Any = booking.payments.prefetch_related("refunds", "disputes").order_by("-attempt")
    payment: Payment | None = rows.first()
    if payment is None:
        raise NotFound("No payment has been begun.")
    return payment


def get_person(pk: int, venue_id: int) -> User:
    """One of the venue's people who can own a booking. Raises `NotFound`."""
    people = User.objects.filter(memberships__venue=venue_id, is_active=True, erased_at=None)
    user = people.filter(pk=pk).first()
    if user is None:
        raise NotFound("User not found")
    return user
