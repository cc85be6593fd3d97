"""What somebody needs to see first."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import Now, TruncDay

from api.effective_status import build_current_q
from api.lifecycle import BOOKED, BOOKING, HELD, PENDING, Status
from api.models import Booking, Caller, User, Venue
from api.queries.accounts.scope import limit_to_staff
from api.queries.analytics import no_shows
from api.queries.clock import annotate_now

from . import activity, bookings


def get_user_dashboard(user: User) -> dict[str, Any]:
    """The next ten bookings, what waits, and the last ten lines of one's history."""
    mine = bookings.list_visible_bookings(user).filter(owner=user)
    mine = mine.prefetch_related("allocations")
    ahead = mine.filter(pk__in=Booking.objects.filter(owner=user, ends_at__gt=Now()).blocking())
    counts = Booking.objects.filter(owner=user, ends_at__gt=Now()).aggregate(
        pending=Count("pk", filter=build_current_q(BOOKING, PENDING)),
        held=Count("pk", filter=build_current_q(BOOKING, HELD)),
    )
    recent = bookings.list_newest_events(10, booking__owner=user)
    return {"upcoming": ahead.order_by("starts_at")[:10], "recent": recent, **counts}


def get_staff_dashboard(caller: Caller) -> dict[str, Any]:
    """Counts over the caller's venues, days in UTC, and the last twenty lines of history."""
    today = TruncDay(Now())
    rows = limit_to_staff(Booking.objects.all(), caller)
    counts = rows.filter(starts_at__gte=Now() - timedelta(days=8)).aggregate(
        requests_waiting=Count("pk", filter=build_current_q(BOOKING, PENDING)),
        held=Count("pk", filter=build_current_q(BOOKING, HELD)),
        bookings_today=Count(
            "pk",
            filter=Q(
                starts_at__gte=today,
                starts_at__lt=today + timedelta(days=1),
                status__in=(*BOOKED, Status.COMPLETED),
            ),
        ),
        no_shows_this_week=Count(
            "pk", filter=Q(status=Status.NO_SHOW, starts_at__gte=Now() - timedelta(days=7))
        ),
    )
    recent = limit_to_staff(bookings.list_events(), caller)[:20]
    missed = no_shows.list_repeated(caller)
    return {"recent": recent, "repeated_no_shows": missed, **counts}


def get_user_dashboard_at(venue: Venue, user: User, since: datetime) -> dict[str, Any]:
    """At one venue: the next five bookings from that instant on, and the last ten lines."""
    ahead = Booking.objects.filter(owner=user, venue=venue, starts_at__gte=since).blocking()
    ahead = annotate_now(ahead).select_related("venue", "resource", "owner", "approved_by")
    recent = activity.list_recent_activity(10, booking__owner=user, booking__venue=venue)
    return {"upcoming": ahead.order_by("starts_at")[:5], "recent": recent}


def get_staff_dashboard_at(venue: Venue, since: datetime, until: datetime) -> dict[str, Any]:
    """At one venue: requests that wait, confirmed bookings that begin in the interval, and the
    last twenty lines."""
    today = Q(starts_at__gte=since, starts_at__lt=until)
    rows = (
        Booking.objects.filter(venue=venue)
        .blocking()
        .aggregate(
            waiting=Count("pk", filter=Q(status=PENDING)),
            confirmed=Count(
                "pk", filter=today & Q(status__in=(Status.CONFIRMED, Status.CHECKED_IN))
            ),
        )
    )
    return {"recent": activity.list_recent_activity(20, booking__venue=venue), **rows}
