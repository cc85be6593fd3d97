"""What staff do with one booking, on its page: the verbs that its status allows now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from api import money
from api.effective_status import get_due_transition
from api.errors import Refusal
from api.lifecycle import BOOKING, CONFIRMED, HELD, PENDING, ActorRole
from api.models import Booking, Resource, User
from api.queries.bookings.part_names import get_place_text
from api.queries.clock import database_now
from api.services.actors import Actor
from api.services.bookings.actions import (
    approve_booking,
    cancel_booking,
    check_in_booking,
    end_booking,
    reject_booking,
)
from api.services.bookings.changes import BookingChanges
from api.services.bookings.reschedule import reschedule_booking
from api.services.payments.balances import get_refundable_amount
from api.services.payments.refunds import create_staff_refund
from api.services.payments.stripe_gateway import SUCCEEDED

MOVABLE = (HELD, PENDING, CONFIRMED)


@dataclass(frozen=True)
class Verb:
    """`moves` are the rows of the lifecycle that allow it; `reason`: whether it asks why."""

    label: str
    moves: tuple[str, ...]
    run: Callable[[int, Actor, str], Booking]
    reason: bool = False
    good: bool = False


VERBS: dict[str, Verb] = {
    "approve": Verb(
        "Approve",
        ("approve", "approve_to_pay"),
        lambda pk, actor, reason: approve_booking(pk, actor),
        good=True,
    ),
    "check_in": Verb(
        "Check in",
        ("check_in",),
        lambda pk, actor, reason: check_in_booking(pk, actor),
        good=True,
    ),
    "end": Verb("End now", ("end",), lambda pk, actor, reason: end_booking(pk, actor)),
    "reject": Verb("Reject", ("reject",), reject_booking, reason=True),
    "cancel": Verb("Cancel the booking", ("cancel",), cancel_booking, reason=True),
}


class MoveForm(forms.Form):
    """Times are of the booking's venue."""

    starts_at = forms.DateTimeField()
    ends_at = forms.DateTimeField(required=False)
    resource = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    reason = forms.CharField(required=False, max_length=1000)


class RefundForm(forms.Form):
    """An amount in the currency's own unit; none is all that is left."""

    amount = forms.DecimalField(required=False, min_value=0, max_digits=15)
    reason = forms.CharField(required=False, max_length=200)
    key = forms.CharField(max_length=40)


def build_context(booking: Booking) -> dict[str, Any]:
    """What the page of a booking offers, by the status that it has in truth."""
    due = get_due_transition(BOOKING, booking, database_now())
    status = str(due.target) if due else booking.status
    allowed = {
        move.name for move in BOOKING if status in move.sources and ActorRole.STAFF in move.by
    }
    places = Resource.objects.filter(venue=booking.venue_id, retired_at=None)
    return {
        "booking": booking,
        "zone": booking.venue.time_zone,
        "verbs": [
            (name, verb) for name, verb in VERBS.items() if not allowed.isdisjoint(verb.moves)
        ],
        "places": places.order_by("name", "pk") if status in MOVABLE else (),
        "refundable": _format_refundable(booking),
        "refund_key": uuid4().hex,
    }


def _format_refundable(booking: Booking) -> str:
    paid = booking.payments.filter(status=SUCCEEDED)
    left = max(map(get_refundable_amount, paid), default=0)
    return money.format_amount(left, booking.currency) if left else ""


def get_booking(request: HttpRequest, pk: int) -> Booking:
    """The booking, of those that the person may see in the admin at all."""
    if not request.user.has_perm("api.change_booking"):
        raise PermissionDenied
    rows = admin.site.get_model_admin(Booking).get_queryset(request)
    booking = rows.select_related("venue").filter(pk=pk).first()
    if booking is None:
        raise Http404
    return booking


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """One verb on one booking, then back to where it was asked for: its page, or the board."""
    booking = get_booking(request, pk)
    try:
        message = _act(request, booking)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    else:
        messages.success(request, message)
    return HttpResponseRedirect(_get_way_back(request, booking))


def _get_way_back(request: HttpRequest, booking: Booking) -> str:
    """The board that it was asked on, or the booking's own page."""
    board = request.POST.get("board", "")
    if board.startswith("?"):
        return reverse("board", args=[booking.venue.slug]) + board
    return reverse("admin:api_booking_change", args=[booking.pk])


def _act(request: HttpRequest, booking: Booking) -> str:
    user = cast(User, request.user)
    actor = Actor.for_booking(user, booking)
    name = request.POST.get("verb", "")
    if name == "move":
        return _move(request, booking, actor)
    if name == "refund":
        return _refund(request, booking, user)
    if name not in VERBS:
        raise Refusal("That was not understood.")
    reason = request.POST.get("reason", "").replace("\0", "")[:1000]
    done = VERBS[name].run(booking.pk, actor, reason)
    return f"Booking {booking.pk}: {done.get_status_display().lower()}."


def _move(request: HttpRequest, booking: Booking, actor: Actor) -> str:
    """To the time that the venue's clock shows; one without an end keeps its length."""
    with timezone.override(booking.venue.zone):
        form = MoveForm(request.POST)
        if not form.is_valid():
            raise Refusal("That is not a time.")
    starts_at: datetime = form.cleaned_data["starts_at"]
    ends_at = form.cleaned_data["ends_at"] or starts_at + (booking.ends_at - booking.starts_at)
    place = _choose_place(booking, form.cleaned_data["resource"])
    changes = BookingChanges(starts_at=starts_at, ends_at=ends_at, **place)
    moved = reschedule_booking(booking.pk, actor, changes, reason=form.cleaned_data["reason"])
    here = moved.starts_at.astimezone(booking.venue.zone)
    return f"Booking {booking.pk} is at {here:%a %d %b, %H:%M} now, in {get_place_text(moved)}."


def _choose_place(booking: Booking, resource: int | None) -> dict[str, Any]:
    """What is to change of where it takes place. One of several resources is moved in time as a
    whole; one of a service stays that, and gets the resource if it may serve it."""
    has = set(booking.allocations.values_list("resource", flat=True))
    if resource is None or resource in has:
        return {}
    if booking.service_id is not None:
        return {"prefer": [resource]}
    if booking.several:
        raise Refusal("It takes several: here it moves in time alone.")
    return {"resource": resource}


def _refund(request: HttpRequest, booking: Booking, by: User) -> str:
    form = RefundForm(request.POST)
    if not form.is_valid():
        raise Refusal("That is not an amount.")
    amount, minor = form.cleaned_data["amount"], None
    if amount is not None:
        exact = money.to_minor(amount, booking.currency)
        if exact != int(exact):
            raise Refusal(f"{booking.currency.upper()} has no such small coins.")
        minor = int(exact)
    key, reason = form.cleaned_data["key"], form.cleaned_data["reason"]
    refund = create_staff_refund(booking.pk, by, key, minor, reason)
    return f"{money.format_amount(refund.amount_minor, booking.currency)} goes back."


@require_POST
def move(request: HttpRequest) -> HttpResponse:
    """The form of the board, in which the booking is chosen."""
    chosen = request.POST.get("booking", "")
    if not (chosen.isascii() and chosen.isdigit() and len(chosen) < 19):
        raise Http404
    return act(request, int(chosen))


def get_urls() -> list[URLPattern]:
    """Return the paths that belong before those of the admin site."""
    return [
        path("bookings/<int:pk>/act/", admin.site.admin_view(act), name="booking-act"),
        path("bookings/move/", admin.site.admin_view(move), name="board-move"),
    ]
