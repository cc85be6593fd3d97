"""Bookings under review on the first page, and what staff decide there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_POST

from api.errors import Refusal
from api.models import Caller, Resource, Review, User
from api.models.reviews import Decision
from api.queries.accounts.scope import limit_to_staff
from api.queries.reviews.reviews import get_review, list_open_reviews
from api.services.actors import Actor
from api.services.bookings.changes import BookingChanges
from api.services.reviews.decisions import (
    cancel_reviewed_booking,
    keep_reviewed_booking,
    move_reviewed_booking,
)
from api.services.reviews.review import Affected

SHOWN, MAX_LISTED = 10, 20


def build_rows(caller: Caller) -> list[Review]:
    """The reviews of the first page, those of the soonest bookings first, each with the `places` to
    which its booking can move."""
    rows = limit_to_staff(list_open_reviews(), caller).select_related(
        *(f"booking__{name}" for name in ("venue", "resource", "owner"))
    )
    shown: list[Any] = list(rows.order_by("booking__starts_at", "pk")[:SHOWN])
    venues = {row.booking.venue_id for row in shown}
    places: dict[int, list[Resource]] = defaultdict(list)
    for place in Resource.objects.filter(venue__in=venues, retired_at=None).order_by("name", "pk"):
        places[place.venue_id].append(place)
    for row in shown:
        row.places = places[row.booking.venue_id]
    return shown


class DecisionForm(forms.Form):
    """Times are of the booking's venue."""

    review = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    decision = forms.ChoiceField(choices=[(d, d) for d in ("keep", "move", "cancel")])
    reason = forms.CharField(max_length=1000)
    starts_at = forms.DateTimeField(required=False)
    ends_at = forms.DateTimeField(required=False)
    resource = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """Keep, move or cancel the booking of one review."""
    if not request.user.has_perm("api.change_booking"):
        raise PermissionDenied
    try:
        message = _decide(request)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    else:
        messages.success(request, message)
    return HttpResponseRedirect(reverse("admin:index"))


def _decide(request: HttpRequest) -> str:
    asked = DecisionForm(request.POST)
    if not asked.is_valid() and {"review", "decision", "reason"} & asked.errors.keys():
        raise Refusal("Give a reason.")
    pk, reason = asked.cleaned_data["review"], asked.cleaned_data["reason"]
    caller = cast(User, request.user)
    actor = Actor.in_venue(caller, get_review(pk, caller).booking.venue_id)
    if asked.cleaned_data["decision"] == Decision.MOVE:
        review = move_reviewed_booking(pk, actor, _read_changes(request, pk), reason)
    elif asked.cleaned_data["decision"] == Decision.CANCEL:
        review = cancel_reviewed_booking(pk, actor, reason)
    else:
        review = keep_reviewed_booking(pk, actor, reason)
    return f"Done: booking {review.booking_id}."


def _read_changes(request: HttpRequest, pk: int) -> BookingChanges:
    """The new times as the venue's clock shows them."""
    with timezone.override(get_review(pk).booking.venue.zone):
        form = DecisionForm(request.POST)
        if not form.is_valid() or not (
            form.cleaned_data["starts_at"] and form.cleaned_data["ends_at"]
        ):
            raise Refusal("That is not a time.")
    names = ("starts_at", "ends_at", "resource")
    return BookingChanges(**{name: form.cleaned_data[name] for name in names})


def warn_of_affected(request: HttpRequest, affected: Sequence[Affected]) -> None:
    """Leave a message that lists the bookings which a change has broken."""
    if not affected:
        return
    rows = format_html_join(
        "",
        '<br><a href="{}" class="underline">{}</a>: {}',
        (
            (reverse("admin:api_booking_change", args=[row.id]), row.id, row.code.replace("_", " "))
            for row in affected[:MAX_LISTED]
        ),
    )
    more = len(affected) - MAX_LISTED
    messages.warning(
        request,
        format_html(
            "Bookings ahead that do not fit any more: {}. They stay, their owners are told, and"
            " they stand on the first page until somebody decides.{}{}",
            len(affected),
            rows,
            format_html("<br>and {} more", more) if more > 0 else "",
        ),
    )
