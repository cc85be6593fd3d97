"""Bookings as they are read: a constant number of statements whatever the range."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import Q, QuerySet

from api.errors import NotFound
from api.models import Allocation, Booking, BookingEvent, Caller
from api.models.allocations import Kind
from api.queries.accounts.scope import limit_to_visible
from api.queries.clock import annotate_now

Rows = TypeVar("Rows", bound=QuerySet[Booking])


def filter_by_resource(rows: Rows, pk: int) -> Rows:
    """Those that are of this resource, also as one of several."""
    parts = Allocation.objects.filter(kind=Kind.PART, resource=pk)
    others = list(parts.values_list("booking", flat=True).distinct())
    # ids, not a subquery: two indexes are joined, where a subquery would read the whole table
    return rows.filter(Q(resource=pk) | Q(pk__any_of=others) if others else Q(resource=pk))


def list_visible_bookings(caller: Caller) -> QuerySet[Booking]:
    """One's own, and everybody's at venues where one is staff."""
    every = annotate_now(Booking.objects.all())
    rows = every.select_related("venue", "resource", "owner").prefetch_related("attendees")
    return limit_to_visible(rows, caller)


def get_visible_booking(caller: Caller, pk: int) -> Booking:
    """The booking; refuses `NotFound` also when it is somebody else's."""
    booking = list_visible_bookings(caller).filter(pk=pk).first()
    if booking is None:
        raise NotFound
    return booking


def get_booking_with_relations(pk: int) -> Booking:
    """Return a booking with what serializers need, for any caller; refuses `NotFound`."""
    every = annotate_now(Booking.objects.all())
    rows = every.select_related("venue", "resource", "owner", "approved_by")
    booking = rows.prefetch_related("attendees").filter(pk=pk).first()
    if booking is None:
        raise NotFound
    return booking


def list_events(**filters: Any) -> QuerySet[BookingEvent]:
    """History, newest first, with the people in it."""
    return BookingEvent.objects.filter(**filters).select_related("actor").order_by("-id")


def list_history(booking: Booking) -> QuerySet[BookingEvent]:
    """The lines of one booking, newest first."""
    return list_events(booking=booking)


def list_newest_events(limit: int, **filters: Any) -> list[BookingEvent]:
    """The newest lines of history."""
    return list(list_events(**filters)[:limit])


def get_contract_of(pk: Any) -> str:
    """The slug of the venue of a booking, which is the name of its contract; empty if unknown."""
    if not str(pk).isdigit():
        return ""
    slugs = Booking.objects.filter(pk=int(pk)).values_list("venue__slug", flat=True)
    return slugs.first() or ""
