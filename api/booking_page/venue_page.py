"""`/book/{slug}/`: find a place, a day and a time that is free, and book it. On the services and
queries of the API; what they refuse is said in plain words, and what is taken by the nearest times
that are free."""

from __future__ import annotations

from datetime import date, datetime
from functools import cached_property
from typing import Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from api import errors, money
from api.models import Booking, Guest, User, Venue
from api.services.accounts import client_address, consents
from api.services.accounts.joining import check_may_book
from api.services.actors import Actor
from api.services.bookings import guests
from api.services.bookings.create import BookingRequest, create_booking
from api.services.conflicts import settle
from api.services.messages.email_times import format_interval
from api.services.operations import idempotency
from api.services.waitlist.entries import WaitlistRequest

from .base import VenueView, check_guest_rate, get_refusal_status, redirect_after_post
from .choices import (
    SERVICE,
    Choice,
    count_minutes,
    list_own_services,
    list_places,
    read_choice,
    read_instant,
)
from .forms import NewBookingForm, read_consent
from .repeats import Repeat, RepeatForm, is_of_token
from .times import build_times
from .waiting import join_once
from .wording import describe, format_length

DOOR = "page"  # the door that a booking came through


class FindView(VenueView):
    """The one page that others may frame, where the settings name them. It shows nobody's data and
    changes nothing; what it leads to opens in a tab of its own."""

    http_method_names = ("get", "head", "options")

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        embed = bool(settings.EMBED_ORIGINS and request.GET.get("embed"))
        services, places = list_own_services(self.venue), list_places(self.venue)
        choice = read_choice(services, places, request.GET.dict())
        context: dict[str, Any] = {"embed": embed, "choice": choice}
        if choice is not None:
            query = choice.query
            context |= {
                "services": [(f"{SERVICE}{row.pk}", row.name) for row in services],
                "places": places,
                "times": build_times(choice, choice.list_slots()),
                "lengths": self._list_lengths(choice),
                "looks": f"?{urlencode(query | ({'embed': 1} if embed else {}))}",
                "books": f"{reverse('book_new', args=[slug])}?{urlencode(query)}",
                "waits": f"{reverse('book_wait', args=[slug])}?{urlencode(query)}",
            }
        response = self.render("pages/find.html", context)
        if embed:
            response.xframe_options_exempt = True
            response.frame_ancestors = settings.EMBED_ORIGINS  # type: ignore[attr-defined]  # of our headers
        return response

    def _list_lengths(self, choice: Choice) -> list[tuple[int, str]]:
        return [
            (count_minutes(length), ", ".join([format_length(length), *self._format(price)]))
            for length, price in choice.list_lengths()
        ]

    def _format(self, price: int) -> list[str]:
        return [money.format_amount(price, self.venue.currency)] * bool(price)


class BookView(VenueView):
    """The last question before a time is booked."""

    choice: Choice
    starts_at: datetime

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.sent = request.POST if request.method == "POST" else request.GET

    def read(self) -> None:
        """Refuses `NotFound` where the link is not whole."""
        venue, sent = self.venue, self.sent.dict()
        choice = read_choice(list_own_services(venue), list_places(venue), sent)
        starts_at = read_instant(self.sent.get("at", ""))
        if choice is None or starts_at is None or choice.key != self.sent.get("place"):
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
        if request.POST.get("action") == "look":
            return self.show(form, status=200)
        repeats = self.repeat_form.is_wanted and self.user is not None
        if not form.is_valid() or (repeats and not self.repeat_form.is_valid()):
            return self.show(form, status=400)
        try:
            return self.book_series(form) if repeats else self.book(form.cleaned_data)
        except errors.SlotTaken as refusal:
            settle(refusal)
            if own := self._find_own(refusal):  # the button was pressed twice
                return redirect_after_post(get_booking_url(own))
            return self.show(form, refusal)
        except errors.Refusal as refusal:
            return self.show(form, refusal)

    def wait(self) -> HttpResponse:
        """Joins the line for just this time."""
        if self.user is None:
            return redirect_to_login(self._build_here())
        what = {name: value for name, value in self.choice.wanted.items() if name != "prefer"}
        request = WaitlistRequest(
            self.user, self.starts_at, self.ends_at, **what | {"duration": self.choice.length}
        )
        try:
            join_once(request, self._check_consent)
        except errors.Refusal as refusal:
            return self.show(self.build_form(None), refusal)
        return redirect_after_post(reverse("book_bookings", args=[self.venue.slug]))

    def _check_consent(self, venue: Venue) -> None:
        if venue.consent_version and self.user is not None:
            accepted = read_consent(self.request.POST)
            consents.require_consent(venue, accepted, self.user, self.user.email)

    def book_series(self, form: NewBookingForm) -> HttpResponse:
        """What was shown and is still so; else it is shown again, and nothing is booked."""
        try:
            pressed = self.request.POST.get("dates", "")
            series = self._build_repeat(form).book(pressed, self._check_consent)
        except errors.Unfit as refusal:
            if not is_of_token(refusal):
                raise
            return self.show(form)
        return redirect_after_post(reverse("book_series", args=[self.venue.slug, series.pk]))

    def _build_repeat(self, form: NewBookingForm) -> Repeat:
        """Of what is wrong in the form the dates know nothing."""
        form.is_valid()
        kept = ("guests", "title", "notes")
        fields = {name: value for name, value in form.cleaned_data.items() if name in kept}
        user = cast(User, self.user)
        return Repeat(user, self._build_request(user, fields), self.repeat_form.rule, self.venue)

    def _build_preview(self, form: NewBookingForm) -> dict[str, Any]:
        """The dates that are asked for, or why there are none."""
        if not (self.user and self.repeat_form.is_wanted and self.repeat_form.is_valid()):
            return {}
        try:
            return {"preview": self._build_repeat(form).preview()}
        except errors.NotFound:
            raise
        except errors.Refusal as refusal:
            return {"no_dates": describe(refusal, self.venue.zone)}

    @property
    def _on(self) -> date:
        """The local date on which it begins."""
        return self.starts_at.astimezone(self.venue.zone).date()

    @cached_property
    def repeat_form(self) -> RepeatForm:
        return RepeatForm(self.request.POST or None, first_on=self._on)

    def build_form(self, data: Any) -> NewBookingForm:
        choice, venue = self.choice, self.venue
        return NewBookingForm(
            data, user=self.user, venue=venue, capacity=choice.capacity, quantity=choice.quantity
        )

    def book(self, fields: dict[str, Any]) -> HttpResponse:
        once = fields.pop("once")
        is_one_of_many = self.choice.most > 1 and once
        url = self._book_once(once, fields) if is_one_of_many else self._book(fields)
        return redirect_after_post(url)

    @transaction.atomic
    def _book_once(self, once: str, fields: dict[str, Any]) -> str:
        """Book once for each form that was shown, however often its button is pressed: of what
        there are several of, a second press would take another one."""
        scope = f"page:{self.user.pk if self.user else client_address.get_address_hash()}"
        if stored := idempotency.get_response(scope, once, DOOR, wait=True):
            return str(stored[1])
        url = self._book(fields)
        idempotency.store_response(scope, once, DOOR, 303, url)
        return url

    def _book(self, fields: dict[str, Any]) -> str:
        """Where it leads to."""
        consent = fields.pop("consent")
        owner = self.user or Guest(fields.pop("name"), fields.pop("email"))
        request = self._build_request(owner, fields)
        check = consents.build_check(owner, consent)
        if isinstance(owner, Guest):
            check_guest_rate(self.request, self)
            guests.request_booking(request, check=check)
            return reverse("book_sent", args=[self.venue.slug])
        booking = create_booking(request, actor=Actor.for_new_booking(owner), check=check)
        return get_booking_url(booking)

    def _build_request(self, owner: User | Guest, fields: dict[str, Any]) -> BookingRequest:
        wanted = self.choice.wanted
        if "service" not in wanted:
            wanted["ends_at"] = self.ends_at
        return BookingRequest(
            owner=owner, starts_at=self.starts_at, contract=DOOR, **wanted, **fields
        )

    def _find_own(self, refusal: errors.SlotTaken) -> Booking | None:
        """The booking in the way, if it is just what is asked for and theirs already."""
        wanted = (self.user and self.user.pk, self.starts_at, self.ends_at)
        booking: Booking
        for booking in refusal.conflicts if self.user and self.choice.most == 1 else ():
            there = (getattr(booking, "owner_id", None), booking.starts_at, booking.ends_at)
            if there == wanted:  # a block is nobody's
                return booking
        return None

    def show(
        self, form: NewBookingForm, refusal: errors.Refusal | None = None, status: int = 0
    ) -> HttpResponse:
        choice, price = self.choice, self.choice.calculate_price(self.starts_at)
        context = {
            "form": form,
            "repeat_form": self.repeat_form,
            "choice": choice,
            "at": self.starts_at.isoformat(),
            "when": format_interval(self.starts_at, self.ends_at, self.venue.zone),
            "price": money.format_amount(price, self.venue.currency) if price else "",
            "approval": choice.needs_approval(self.starts_at),
            "hold": format_length(self.venue.hold_length),
            "guest_hold": format_length(self.venue.guest_hold),
            "refund_until": format_length(self.venue.refund_until),
            "text": consents.find_text(self.venue) if self.venue.consent_version else None,
            "closed_to": self._find_closed_door(),
            "back": self._build_way_back(),
            "here": self._build_here(),
            "may_wait": isinstance(refusal, errors.SlotTaken),
            "wait_only": self._is_about_waiting(refusal),
            "waits": self._build_address(reverse("book_wait", args=[self.venue.slug]), on=self._on),
            **self._build_preview(form),
            **self.describe(refusal),
        }
        return self.render("pages/book.html", context, status or get_refusal_status(refusal))

    def _is_about_waiting(self, refusal: errors.Refusal | None) -> bool:
        """Whether a time is looked at that somebody has, until it turns out to be free."""
        if self.request.method == "POST":
            asked = self.sent.get("action") == "wait"
            return asked and not isinstance(refusal, errors.SlotFree)
        return bool(self.sent.get("wait"))

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
        return self._build_address(reverse("book", args=[self.venue.slug]), on=self._on)

    def _build_address(self, path: str, **more: Any) -> str:
        return f"{path}?{urlencode(self.choice.query | more)}"


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
