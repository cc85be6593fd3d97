"""`/book/{slug}/`: find a place, a day and a time that is free, and book it. On the services and
queries of the API; what they refuse is said in plain words, and what is taken by the nearest times
that are free."""

from __future__ import annotations

from bisect import bisect
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from api import errors, money, policy
from api.models import Booking, Guest, Venue
from api.policy import DAY
from api.services.accounts import consents
from api.services.accounts.joining import check_may_book
from api.services.actors import Actor
from api.services.bookings import guests
from api.services.bookings.create import BookingRequest, create_booking
from api.services.messages.email_times import format_interval
from api.services.waitlist.entries import WaitlistRequest, join_waitlist

from .base import VenueView, check_guest_rate, get_refusal_status, redirect_after_post
from .choices import Choice, count_minutes, list_places, read_choice, read_instant
from .forms import NewBookingForm
from .wording import describe_shortly, format_day, format_length, list_reasons

DOOR = "page"  # the door that a booking came through


class FindView(VenueView):
    """The one page that others may frame, where the settings name them. It shows nobody's data and
    changes nothing; what it leads to opens in a tab of its own."""

    http_method_names = ("get", "head", "options")

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        embed = bool(settings.EMBED_ORIGINS and request.GET.get("embed"))
        places = list_places(self.venue)
        choice = read_choice(places, request.GET.dict())
        context = {"places": places, "embed": embed, "choice": choice}
        if choice is not None:
            query = {"place": choice.resource.pk, "minutes": choice.minutes}
            context |= {
                "times": build_times(choice, choice.list_slots()),
                "lengths": [(count_minutes(e), format_length(e)) for e in choice.list_lengths()],
                "looks": f"?{urlencode(query | ({'embed': 1} if embed else {}))}",
                "books": f"{reverse('book_new', args=[slug])}?{urlencode(query)}",
            }
        response = self.render("pages/find.html", context)
        if embed:
            response.xframe_options_exempt = True
            response.frame_ancestors = settings.EMBED_ORIGINS  # type: ignore[attr-defined]  # of our headers
        return response


def get_part_of_day(hour: int) -> str:
    return ("Night", "Morning", "Afternoon", "Evening")[bisect((6, 12, 18), hour)]


def build_times(choice: Choice, found: dict[Any, Any]) -> dict[str, Any]:
    """The days around, and the times of the one that is looked at, for `pages/times.html`."""
    zone, slots = choice.rules.zone, found[choice.on]
    offsets = {slot.starts_at.astimezone(zone).utcoffset() for slot in slots}
    clock = "%H:%M" if len(offsets) < 2 else "%H:%M (%Z)"
    free = [slot for slot in slots if slot.refusal is None]
    closure = choice.rules.schedule.find_closed(choice.on)
    return {
        "choice": choice,
        "day": format_day(choice.on),
        "days": [(on, sum(slot.refusal is None for slot in day)) for on, day in found.items()],
        "before": max(choice.today, choice.days[0] - 7 * DAY),
        "after": choice.days[0] + 7 * DAY,
        "free_count": len(free),
        "slots": [
            {
                "part": get_part_of_day(slot.starts_at.astimezone(zone).hour),
                "at": slot.starts_at.isoformat(),
                "begins": slot.starts_at.astimezone(zone).strftime(clock),
                "ends": slot.ends_at.astimezone(zone).strftime("%H:%M"),
                "price": money.format_amount(slot.price_minor, choice.rules.venue.currency)
                if slot.price_minor
                else "",
                "approval": slot.needs_approval,
                "why": describe_shortly(slot.refusal) if slot.refusal else "",
                "is_taken": isinstance(slot.refusal, errors.SlotTaken),
            }
            for slot in slots
        ],
        "reasons": list_reasons(slots, zone),
        "is_open": bool(choice.rules.schedule.list_spans(choice.on)),
        "closure": closure.reason if closure else "",
        "unavailable": choice.resource.unavailable_because,
    }


class BookView(VenueView):
    """The last question before a time is booked."""

    choice: Choice
    starts_at: datetime

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.sent = request.POST if request.method == "POST" else request.GET

    def read(self) -> None:
        """Refuses `NotFound` where the link is not whole."""
        choice = read_choice(list_places(self.venue), self.sent.dict())
        starts_at = read_instant(self.sent.get("at", ""))
        if choice is None or starts_at is None or str(choice.resource.pk) != self.sent.get("place"):
            raise errors.NotFound
        self.choice, self.starts_at = choice, starts_at
        self.ends_at = starts_at + choice.length

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        self.read()
        return self.show(self.build_form(None))

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        self.read()
        if request.POST.get("action") == "wait":
            return self.wait()
        form = self.build_form(request.POST)
        if not form.is_valid():
            return self.show(form, status=400)
        try:
            return self.book(form.cleaned_data)
        except errors.SlotTaken as refusal:
            if own := self._find_own(refusal):  # the button was pressed twice
                return redirect_after_post(get_booking_url(own))
            return self.show(form, refusal)
        except errors.Refusal as refusal:
            return self.show(form, refusal)

    def wait(self) -> HttpResponse:
        """Joins the line for just this time."""
        if self.user is None:
            return redirect_to_login(self._build_here())
        request = WaitlistRequest(
            owner=self.user,
            resource=self.choice.resource.pk,
            from_at=self.starts_at,
            until_at=self.ends_at,
            duration=self.choice.length,
        )
        try:
            join_waitlist(request, check_venue=self._check_consent)
        except errors.AlreadyWaiting:
            pass  # the button was pressed twice
        except errors.Refusal as refusal:
            return self.show(self.build_form(None), refusal)
        return redirect_after_post(reverse("book_bookings", args=[self.venue.slug]))

    def _check_consent(self, venue: Venue) -> None:
        text = self.request.POST.get("consent", "")
        if venue.consent_version and self.user is not None:
            accepted = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
            consents.require_consent(venue, accepted, self.user, self.user.email)

    def build_form(self, data: Any) -> NewBookingForm:
        capacity = self.choice.resource.capacity
        return NewBookingForm(data, user=self.user, venue=self.venue, capacity=capacity)

    def book(self, fields: dict[str, Any]) -> HttpResponse:
        consent = fields.pop("consent")
        owner = self.user or Guest(fields.pop("name"), fields.pop("email"))
        request = BookingRequest(
            owner=owner,
            resource=self.choice.resource.pk,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            contract=DOOR,
            **fields,
        )
        check = consents.build_check(owner, consent)
        if isinstance(owner, Guest):
            check_guest_rate(self.request, self)
            guests.request_booking(request, check=check)
            return redirect_after_post(reverse("book_sent", args=[self.venue.slug]))
        booking = create_booking(request, actor=Actor.for_new_booking(owner), check=check)
        return redirect_after_post(get_booking_url(booking))

    def _find_own(self, refusal: errors.SlotTaken) -> Booking | None:
        """The booking in the way, if it is just what is asked for and theirs already."""
        wanted = (self.user and self.user.pk, self.starts_at, self.ends_at)
        booking: Booking
        for booking in refusal.conflicts if self.user else ():
            if (booking.owner_id, booking.starts_at, booking.ends_at) == wanted:
                return booking
        return None

    def show(
        self, form: NewBookingForm, refusal: errors.Refusal | None = None, status: int = 0
    ) -> HttpResponse:
        rules, times = self.choice.rules, (self.starts_at, self.ends_at)
        price = policy.calculate_price(rules, *times)
        context = {
            "form": form,
            "choice": self.choice,
            "at": self.starts_at.isoformat(),
            "minutes": self.choice.minutes,
            "when": format_interval(*times, rules.zone),
            "price": money.format_amount(price, self.venue.currency) if price else "",
            "approval": policy.needs_approval(rules, policy.is_primetime(rules, *times)),
            "hold": format_length(self.venue.hold_length),
            "guest_hold": format_length(self.venue.guest_hold),
            "refund_until": format_length(self.venue.refund_until),
            "text": consents.find_text(self.venue) if self.venue.consent_version else None,
            "closed_to": self._find_closed_door(),
            "back": self._build_way_back(),
            "here": self._build_here(),
            "may_wait": isinstance(refusal, errors.SlotTaken) or bool(self.sent.get("wait")),
            **self.describe(refusal),
        }
        return self.render("pages/book.html", context, status or get_refusal_status(refusal))

    def _find_closed_door(self) -> str:
        """Why this person cannot book here at all; empty if they can."""
        if self.user is None and not self.venue.guests:
            return errors.GuestsRefused.detail
        try:
            check_may_book(self.user, self.venue)
        except errors.Forbidden as refusal:
            return refusal.detail
        return ""

    def _build_here(self) -> str:
        wait = {"wait": 1} if self.sent.get("wait") else {}
        return self._build_address(self.request.path, at=self.starts_at.isoformat(), **wait)

    def _build_way_back(self) -> str:
        on = self.starts_at.astimezone(self.venue.zone).date()
        return self._build_address(reverse("book", args=[self.venue.slug]), on=on)

    def _build_address(self, path: str, **more: Any) -> str:
        choice = self.choice
        return (
            f"{path}?{urlencode({'place': choice.resource.pk, 'minutes': choice.minutes, **more})}"
        )


class SentView(VenueView):
    """After a guest has booked: what is to be done next, without a word of who or what."""

    http_method_names = ("get", "head", "options")

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        return self.render("pages/sent.html", {"hold": format_length(self.venue.guest_hold)})


class ReturnedView(VenueView):
    """Where Stripe's page leads guests back to, whether or not they have paid: it is told neither
    the link of their letter nor their booking."""

    http_method_names = ("get", "head", "options")

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        return self.render("pages/returned.html")


def get_booking_url(booking: Booking) -> str:
    return reverse("book_booking", args=[booking.venue.slug, booking.pk])
