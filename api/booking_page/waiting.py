"""Standing in line for any time of a day, where all of it is taken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from api import errors
from api.lifecycle import WAITLIST
from api.models import User, Venue, WaitlistEntry
from api.opening_hours import DAY, Interval, to_instant
from api.queries.venues.hours_in_words import format_day
from api.services.accounts import consents
from api.services.waitlist.entries import WaitlistRequest, join_waitlist

from .base import VenueView, get_refusal_status, redirect_after_post
from .choices import Choice, list_own_services, list_places, read_choice, read_date
from .forms import read_consent
from .wording import format_length

CLOCK = "%H:%M"  # as browsers send it


class WindowForm(forms.Form):
    """Between which wall times of the day it is to be."""

    since = forms.TimeField(label="Not before", widget=forms.TimeInput({"type": "time"}, CLOCK))
    until = forms.TimeField(label="Over by", widget=forms.TimeInput({"type": "time"}, CLOCK))

    def __init__(self, data: Any, *, initial: dict[str, time]) -> None:
        super().__init__(data, auto_id="wait_%s", label_suffix="", initial=initial)


def join_once(request: WaitlistRequest, check_venue: Callable[[Venue], None]) -> None:
    """Joins the line, or nothing where they wait for all of it already: the button was pressed
    twice. Refuses `AlreadyWaiting` where they wait for something else in that time."""
    try:
        join_waitlist(request, check_venue=check_venue)
    except errors.AlreadyWaiting:
        mine = WaitlistEntry.objects.filter(
            owner=request.owner,
            status__in=WAITLIST.blocking,
            resource=request.resource,
            service=request.service,
            duration=request.duration,
            quantity=request.quantity,
            from_at__lte=request.from_at,
            until_at__gte=request.until_at,
        )
        if not mine.exists():
            raise


class WaitView(VenueView):
    choice: Choice

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.sent = request.POST if request.method == "POST" else request.GET

    def read(self) -> None:
        """Refuses `NotFound` where the link is not whole."""
        venue, sent = self.venue, self.sent.dict()
        choice = read_choice(list_own_services(venue), list_places(venue), sent)
        is_whole = choice is not None and choice.key == sent.get("place")
        if choice is None or not is_whole or read_date(sent.get("on", "")) is None:
            raise errors.NotFound
        self.choice = choice

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        self.read()
        return self.show()

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        self.read()
        if self.user is None:
            return redirect_to_login(self.address)
        form = WindowForm(request.POST, initial={})
        if not form.is_valid():
            return self.show(form=form, status=400)
        try:
            self._join(self.user, self._read_window(form))
        except errors.Refusal as refusal:
            return self.show(refusal, form=form)
        return redirect_after_post(reverse("book_bookings", args=[slug]))

    def _read_window(self, form: WindowForm) -> Interval:
        """An end that is not after the start is on the next day."""
        zone, on = self.venue.zone, self.choice.on
        since, until = form.cleaned_data["since"], form.cleaned_data["until"]
        return to_instant(zone, on, since), to_instant(zone, on + DAY * (until <= since), until)

    def _join(self, user: User, window: Interval) -> None:
        def check_consent(venue: Venue) -> None:
            if venue.consent_version:
                accepted = read_consent(self.request.POST)
                consents.require_consent(venue, accepted, user, user.email)

        what = {name: value for name, value in self.choice.wanted.items() if name != "prefer"}
        what |= {"duration": self.choice.length}
        join_once(WaitlistRequest(user, *window, **what), check_consent)

    def show(
        self,
        refusal: errors.Refusal | None = None,
        form: WindowForm | None = None,
        status: int = 0,
    ) -> HttpResponse:
        choice, venue = self.choice, self.venue
        free = refusal.alternatives if isinstance(refusal, errors.SlotFree) else ()
        context = {
            "form": form or WindowForm(None, initial=self._find_hours()),
            "choice": choice,
            "day": format_day(choice.on),
            "length": format_length(choice.length),
            "text": consents.find_text(venue) if venue.consent_version else None,
            "query": choice.query | {"on": choice.on.isoformat()},
            "back": self._build_address("book"),
            "books": f"{reverse('book_new', args=[venue.slug])}?{urlencode(choice.query)}",
            "free": [(at, ends_at, at.isoformat()) for at, ends_at in free],
            "here": self.address,
            **self.describe(refusal),
        }
        return self.render("pages/wait.html", context, status or get_refusal_status(refusal))

    def _find_hours(self) -> dict[str, time]:
        """The first opening and the last closing of that day."""
        on, rules = self.choice.on, self.choice.rules
        spans = [span for each in rules for span in each.schedule.list_spans(on)]
        if not spans:
            return {"since": time.min, "until": time.min}
        # what closes at midnight or after it is over last
        _, until = max(spans, key=lambda span: (span[1] <= span[0], span[1]))
        return {"since": min(opens for opens, _ in spans), "until": until}

    @cached_property
    def address(self) -> str:
        return self._build_address("book_wait")

    def _build_address(self, name: str) -> str:
        query = self.choice.query | {"on": self.choice.on.isoformat()}
        return f"{reverse(name, args=[self.venue.slug])}?{urlencode(query)}"
