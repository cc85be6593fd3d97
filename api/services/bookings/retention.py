"""Forgets who booked, once a venue's retention has passed. The booking stays as a number: figures
and bookkeeping need when and what, not who."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from django.db import transaction
from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from api.lifecycle import BOOKING, TradeStatus
from api.models import Booking, BookingEvent, Delivery, Review, Series, Trade, User, Venue
from api.models.outbox import Kind
from api.models.users import FORMER
from api.services.operations import jobs

from .guests import NO_GUEST

JOB = "forget_old_bookings"
BATCH = 500  # bookings in one transaction
BUDGET = 60.0  # seconds of one run


@dataclass(frozen=True)
class Due:
    """What a run would forget of a venue."""

    venue: str
    bookings: int
    oldest: datetime


def list_due() -> list[Due]:
    """What is due now, by venue."""
    rows = _find_due().order_by("venue__slug").values_list("venue__slug")
    counted = rows.annotate(Count("pk"), Min("starts_at"))
    return [Due(*row) for row in counted]


def forget_old_bookings() -> int:
    """Forget the people of all bookings that are due; how many bookings. One statement where no
    venue has a retention.

    Safe at once with itself: what another run has locked is left to it.
    """
    until = time.monotonic() + BUDGET
    venues = Venue.objects.exclude(retention=None).order_by("pk").values_list("pk", flat=True)
    return jobs.run_each(JOB, ((f"venue {pk}", partial(_forget_of, pk, until)) for pk in venues))


def _forget_of(venue_id: int, until: float) -> int:
    """A batch at a time, from the oldest on: a run passes once over what is forgotten already."""
    done, since = 0, datetime.min.replace(tzinfo=UTC)
    due = _find_due().filter(venue=venue_id)
    while time.monotonic() < until:
        with transaction.atomic():
            rows = due.filter(starts_at__gte=since)
            rows = rows.select_for_update(skip_locked=True, no_key=True, of=("self",))
            found = list(rows.order_by("starts_at").values_list("pk", "starts_at")[:BATCH])
            _forget([pk for pk, _ in found])
        if not found:
            break
        since = found[-1][1]
        done += len(found)
        jobs.report_progress(done)
    return done


def _find_due() -> QuerySet[Booking]:
    """Bookings that are over, by their venue's retention, and still name somebody."""
    asking = Venue.objects.exclude(retention=None).values("pk")
    over = Q(ends_at__lt=Now() - F("venue__retention")) & ~Q(status__in=BOOKING.blocking)
    return Booking.objects.filter(over, venue__in=asking).exclude(owner__email=FORMER)


def _forget(ids: Sequence[int]) -> None:
    if not ids:
        return
    bookings = Booking.objects.filter(pk__in=ids)
    Booking.attendees.through.objects.filter(booking__in=ids).delete()
    BookingEvent.objects.filter(booking__in=ids).update(details={}, actor=None)
    Review.objects.filter(booking__in=ids).update(reason="")
    emails = Delivery.objects.filter(booking__in=ids, kind=Kind.EMAIL).exclude(finished_at=None)
    emails.update(to="", payload={}, last_error="")
    trades = Trade.objects.filter(Q(requester_booking__in=ids) | Q(target_booking__in=ids))
    trades.exclude(status=TradeStatus.OFFERED).delete()
    bookings.update(
        owner=_get_former(),
        title="",
        notes="",
        rejection_reason="",
        held_from="",
        approved_by=None,
        guest_link="",
        **NO_GUEST,
    )
    _forget_series(ids)


def _forget_series(ids: Sequence[int]) -> None:
    """Of series of these bookings those of which nothing is left that names their owner."""
    theirs = Booking.objects.filter(series=OuterRef("pk"), owner=OuterRef("owner"))
    rows = Series.objects.filter(bookings__in=ids).exclude(Exists(theirs))
    over = rows.filter(Q(later_from=None) | ~Q(ended_at=None)).values("pk")
    Series.objects.filter(pk__in=list(over.values_list("pk", flat=True))).update(
        owner=_get_former(), title="", notes="", attendees=[]
    )


def _get_former() -> User:
    """The account that stands for everybody who was forgotten; nobody can sign in to it."""
    found = User.objects.filter(email=FORMER).first()
    if found is None:
        fields = {"is_active": False, "erased_at": Now(), "password": "!"}
        found, _ = User.objects.get_or_create(email=FORMER, defaults=fields)
    return found
