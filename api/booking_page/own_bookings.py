"""One's own bookings at a venue, for who is signed in; anybody else's are not there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse

from api import errors
from api.effective_status import get_effective_status
from api.lifecycle import BOOKING, OFFERED, WAITING, ActorRole
from api.models import Booking, User, Venue
from api.queries.bookings.bookings import get_booking_with_relations, list_visible_bookings
from api.queries.bookings.part_names import JOINED, list_part_names
from api.queries.clock import database_now
from api.queries.venues.venues import get_venue
from api.queries.waitlist.line import list_visible_entries
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.reschedule import reschedule_booking
from api.services.messages.email_times import format_instant, format_interval
from api.services.series.actions import cancel_series
from api.services.waitlist.answers import accept_offer, decline_offer
from api.services.waitlist.entries import leave_waitlist

from .base import VenueView, get_refusal_status, redirect_after_post
from .booking import BookingView
from .wording import describe_status, get_badge

MOST = 20  # of those that are over


class SignedInView(VenueView):
    """Sends who is not signed in to do that, and back here."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        response = super().dispatch(request, *args, **kwargs)
        response["X-Robots-Tag"] = "noindex"
        return response


class OwnBookingsView(SignedInView):
    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Leaves a line."""
        user = cast(User, self.user)
        number = request.POST.get("leave", "")
        pk = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0
        entry = list_visible_entries(user).filter(owner=user, venue=self.venue, pk=pk).first()
        if entry is None:
            raise errors.NotFound
        try:
            leave_waitlist(entry.pk, Actor(ActorRole.OWNER, user))
        except errors.Refusal as refusal:
            return self.show(refusal)
        return redirect_after_post(request.path)

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        return self.show()

    def show(self, refusal: errors.Refusal | None = None) -> HttpResponse:
        user = cast(User, self.user)
        rows = list_visible_bookings(user).select_related("service", "series")
        rows = rows.filter(owner=user, venue=self.venue)
        now = database_now()
        ahead: list[Booking] = []
        over: list[Booking] = []
        for booking in rows.filter(ends_at__gt=now).order_by("starts_at"):
            is_open = get_effective_status(booking) in BOOKING.blocking
            (ahead if is_open else over).append(booking)
        over += rows.filter(ends_at__lte=now).order_by("-starts_at")[:MOST]
        over = over[:MOST]
        names = list_part_names([*ahead, *over])
        context = {
            "ahead": [self._build_row(booking, names[booking.pk]) for booking in ahead],
            "over": [self._build_row(booking, names[booking.pk]) for booking in over],
            "waiting": [self._build_entry(entry) for entry in self._list_waiting(user)],
            **self.describe(refusal),
        }
        return self.render("pages/own_bookings.html", context, get_refusal_status(refusal))

    def _list_waiting(self, user: User) -> Any:
        rows: Any = list_visible_entries(user).filter(owner=user, venue=self.venue)
        rows = rows.filter(effective=WAITING)
        return rows.select_related("resource", "pool", "service").order_by("from_at", "pk")

    def _build_entry(self, entry: Any) -> dict[str, Any]:
        return {
            "pk": entry.pk,
            "what": (entry.resource or entry.pool or entry.service).name,
            "when": format_interval(entry.from_at, entry.until_at, self.venue.zone),
            "position": entry.position,
        }

    def _build_row(self, booking: Booking, names: Sequence[str]) -> dict[str, Any]:
        status, where = get_effective_status(booking), JOINED.join(names)
        zone, offer = self.venue.zone, booking.offer_expires_at
        series = booking.series
        what = booking.title or (booking.service.name if booking.service else where)
        return {
            "pk": booking.pk,
            "what": what,
            "where": where if where != what else "",
            "when": format_interval(booking.starts_at, booking.ends_at, zone),
            "of_series": series is not None and series.owner_id == booking.owner_id,
            "badge": get_badge(status),
            "status_word": describe_status(status),
            "answer_by": format_instant(offer, zone) if status == OFFERED and offer else "",
        }


class OwnBookingView(SignedInView, BookingView):
    def get_venue(self) -> Venue:
        venue, user = get_venue(self.kwargs["slug"]), cast(User, self.user)
        rows = list_visible_bookings(user).filter(owner=user, venue=venue)
        self.booking = rows.filter(pk=self.kwargs["pk"]).first()
        if self.booking is None:
            raise errors.NotFound
        return venue

    def get_actions(self) -> dict[str, Callable[[], HttpResponse]]:
        return super().get_actions() | {"accept": self.accept, "decline": self.decline}

    def accept(self) -> HttpResponse:
        accept_offer(self.booking.pk, Actor(ActorRole.OWNER, self.user))
        return self.reload()

    def decline(self) -> HttpResponse:
        decline_offer(self.booking.pk, Actor(ActorRole.OWNER, self.user))
        return self.reload()

    def cancel_with(self, reason: str) -> Any:
        """Alone, or with those that follow it in its series."""
        series = self.booking.series
        is_theirs = series is not None and series.owner_id == self.booking.owner_id
        if series and is_theirs and self.request.POST.get("following"):
            actor = Actor.for_series(cast(User, self.user), series)
            cancel_series(series.pk, actor, self.booking.recurrence_id, reason)
        else:
            cancel_booking(self.booking.pk, self._get_actor(), reason)
        return get_booking_with_relations(self.booking.pk)

    def move_to(self, starts_at: datetime, ends_at: datetime) -> None:
        changes = BookingChanges(starts_at=starts_at, ends_at=ends_at)
        reschedule_booking(self.booking.pk, self._get_actor(), changes)

    def get_return_path(self) -> str:
        return f"{self.request.path}?returned=1"

    def _get_actor(self) -> Actor:
        return Actor.for_booking(cast(User, self.user), self.booking)
