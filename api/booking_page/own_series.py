"""The page of a series of one's own: all its times, and what has become of each."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any, cast

from django.http import HttpRequest, HttpResponse

from api import errors, money
from api.effective_status import get_effective_status
from api.lifecycle import BOOKED, BOOKING, HELD
from api.models import User, Venue
from api.models.series import EndedBecause, Outcome
from api.queries.clock import database_now
from api.queries.series.occurrences import OccurrenceOutcome, list_bookings, list_outcomes
from api.queries.series.series import list_visible_series
from api.queries.venues.venues import get_venue
from api.services.actors import Actor
from api.services.series.actions import cancel_series

from .base import get_refusal_status, redirect_after_post
from .forms import CancelForm
from .own_bookings import SignedInView
from .wording import SHORT, describe_rule, describe_status, format_times, get_badge


class OwnSeriesView(SignedInView):
    def get_venue(self) -> Venue:
        venue, user = get_venue(self.kwargs["slug"]), cast(User, self.user)
        rows = list_visible_series(user).filter(owner=user, venue=venue)
        series = rows.select_related("resource", "service").filter(pk=self.kwargs["pk"]).first()
        if series is None:
            raise errors.NotFound
        self.series = series
        return venue

    def get(self, request: HttpRequest, **_: Any) -> HttpResponse:
        return self.show()

    def post(self, request: HttpRequest, **_: Any) -> HttpResponse:
        """Cancels all that is ahead."""
        form = CancelForm(request.POST, label_suffix="")
        if request.POST.get("action") != "cancel" or not form.is_valid():
            return self.show(form=form, status=400)
        actor = Actor.for_series(cast(User, self.user), self.series)
        try:
            with suppress(errors.AlreadyDone):  # the button was pressed twice
                cancel_series(self.series.pk, actor, None, form.cleaned_data["reason"])
        except errors.Refusal as refusal:
            return self.show(refusal)
        return redirect_after_post(request.path)

    def show(
        self,
        refusal: errors.Refusal | None = None,
        form: CancelForm | None = None,
        status: int = 0,
    ) -> HttpResponse:
        series, now = self.series, database_now()
        outcomes = list_outcomes(series, list_bookings([series])[series.pk])
        place = series.service or series.resource
        context = {
            "series": series,
            "what": series.title or (place.name if place else ""),
            "where": place.name if place and series.title else "",
            "rule": describe_rule(series.rule),
            "rows": [self._build_row(each) for each in outcomes],
            "ahead": sum(_is_ahead(each, now) for each in outcomes),
            "stopped": series.ended_because == EndedBecause.NO_SHOWS,
            "cancel_form": form or CancelForm(label_suffix=""),
            **self.describe(refusal),
        }
        return self.render("pages/series.html", context, status or get_refusal_status(refusal))

    def _build_row(self, each: OccurrenceOutcome) -> dict[str, Any]:
        booking = each.booking
        row = {
            "starts_at": each.starts_at,
            "times": format_times(*each.interval, self.venue.zone),
        }
        if booking is None:
            is_later = each.outcome == Outcome.LATER
            why = "" if is_later else SHORT.get(each.code, "")
            return row | {"label": "Later" if is_later else "Not booked", "text": why, "badge": ""}
        status = get_effective_status(booking)
        is_own = booking.owner_id == self.series.owner_id  # it may have been traded away
        price = money.format_amount(booking.price_minor, booking.currency)
        return row | {
            "pk": booking.pk if is_own else None,
            "label": describe_status(status),
            "badge": get_badge(status),
            "text": _find_note(each, status, price),
        }


def _find_note(each: OccurrenceOutcome, status: str, price: str) -> str:
    if status == HELD and price:
        return f"Pay {price} to keep it"
    return "Moved" if each.outcome == Outcome.MOVED and status in BOOKING.blocking else ""


def _is_ahead(each: OccurrenceOutcome, now: datetime) -> bool:
    if each.booking is None:
        return each.outcome == Outcome.LATER
    return each.starts_at > now and get_effective_status(each.booking) in BOOKED
