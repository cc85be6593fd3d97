"""The page of one booking, whoever opens it: what it is, and what may be done with it now. A GET
changes nothing, because mail programs and scanners look ahead; its buttons POST."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from api import errors, policy
from api.effective_status import get_effective_status
from api.lifecycle import BOOKED, BOOKING, CONFIRMED, HELD, OFFERED, PENDING, WaitlistStatus
from api.models.bookings import PAID_STATUSES, PaymentStatus
from api.queries.bookings.day_slots import DaySlot
from api.queries.bookings.part_names import list_part_names
from api.queries.clock import database_now
from api.queries.venues.rules import get_resource
from api.queries.venues.services import get_service_rules
from api.services.bookings.parts import list_all_rules
from api.services.messages.email_context import build_booking_context
from api.services.payments import checkout, local_cards

from .base import VenueView, get_refusal_status, redirect_after_post
from .choices import Choice, build_choice, build_service_choice, read_instant
from .forms import CancelForm, build_move_form
from .times import build_times
from .wording import describe_status

MOVABLE = (HELD, PENDING, CONFIRMED)
ENDED_OFFERS: Final = {
    WaitlistStatus.DECLINED: "You have left it to the others",
    WaitlistStatus.LAPSED: "The offer has run out",
}
OTHER_PRICE = "It has another price then: book it anew, and cancel this one."


class BookingView(VenueView):
    """Its base: how a booking is found, moved and cancelled, each door says."""

    template_name = "pages/booking.html"
    guest_page = False
    booking: Any

    def move_to(self, starts_at: datetime, ends_at: datetime) -> None:
        raise NotImplementedError

    def cancel_with(self, reason: str) -> Any:
        """The booking after it is cancelled."""
        raise NotImplementedError

    def get_actions(self) -> dict[str, Callable[[], HttpResponse]]:
        return {"cancel": self.cancel, "move": self.move, "pay": self.pay}

    def get(self, request: HttpRequest, **_: Any) -> HttpResponse:
        return self.show()

    def post(self, request: HttpRequest, **_: Any) -> HttpResponse:
        """Do what the button says, and show what came of it."""
        act = self.get_actions().get(request.POST.get("action", ""))
        try:
            return act() if act else self.show()
        except errors.NotFound:
            raise
        except errors.Refusal as refusal:
            return self.show(refusal)

    def cancel(self) -> HttpResponse:
        form = CancelForm(self.request.POST, label_suffix="")
        if not form.is_valid():
            return self.show(cancel_form=form)
        booking = self.cancel_with(form.cleaned_data["reason"])
        return self.render("pages/cancelled.html", build_booking_context(booking))

    def move(self) -> HttpResponse:
        """To the time of a button, which keeps the length, or to one that was typed."""
        starts_at = read_instant(self.request.POST.get("at", ""))
        if starts_at is not None:
            self.move_to(starts_at, starts_at + self.length)
            return self.reload()
        form = build_move_form(self.booking, self.request.POST)
        if not form.is_valid():
            return self.show(move_form=form)
        try:
            starts_at = form.cleaned_data["starts_at"]
            self.move_to(starts_at, form.cleaned_data.get("ends_at") or starts_at + self.length)
        except errors.NotFound:
            raise
        except errors.Refusal as refusal:
            return self.show(refusal, move_form=form)
        return self.reload()

    @property
    def length(self) -> timedelta:
        length: timedelta = self.booking.ends_at - self.booking.starts_at
        return length

    def pay(self) -> HttpResponse:
        """With a test card at the local Stripe; where there are keys, on Stripe's own page."""
        pk = self.booking.pk
        if not settings.STRIPE_LOCAL:
            back = settings.PUBLIC_URL + self.get_return_path()
            return redirect_after_post(checkout.start_checkout(pk, back))
        payment = local_cards.pay_with_test_card(pk, self.request.POST.get("card", ""))
        if payment.status == "requires_payment_method":
            raise errors.Refusal("The card was declined. Nothing was charged: try another one.")
        return self.reload()

    def get_return_path(self) -> str:
        """Where Stripe's page leads back to. It learns that address, so the link of a letter is not
        in it."""
        return reverse("book_returned", args=[self.venue.slug])

    def reload(self) -> HttpResponse:
        return redirect_after_post(self.request.path)

    def show(self, refusal: errors.Refusal | None = None, **forms: Any) -> HttpResponse:
        context = build_booking_context(self.booking) | self.build_state()
        context |= {
            "move_form": forms.get("move_form") or build_move_form(self.booking),
            "cancel_form": forms.get("cancel_form") or CancelForm(label_suffix=""),
            **self.describe(refusal),
        }
        status = get_refusal_status(refusal) if refusal else 400 if forms else 200
        response = self.render(self.template_name, context, status)
        response.form_targets = ["https://checkout.stripe.com"]  # type: ignore[attr-defined]  # of our headers
        return response

    def build_state(self) -> dict[str, Any]:
        booking = self.booking
        status = get_effective_status(booking)
        awaits_payment = status == HELD and not booking.awaits_guest
        ended_offer = self._find_ended_offer()
        context: dict[str, Any] = {
            "guest_page": self.guest_page,
            "parts": list_part_names([booking])[booking.pk],
            "status": status,
            "status_word": ended_offer or describe_status(status),
            "is_ended_offer": bool(ended_offer),
            "awaits_guest": status == HELD and booking.awaits_guest,
            "awaits_payment": awaits_payment,
            "declined": awaits_payment and booking.payment_status == PaymentStatus.FAILED,
            "paid": booking.payment_status in PAID_STATUSES,
            "cards": local_cards.TEST_CARDS if awaits_payment and settings.STRIPE_LOCAL else (),
            "checkout": settings.STRIPE_SECRET_KEY and not settings.STRIPE_LOCAL,
            "is_offered": status == OFFERED,
            "is_open": status in BOOKING.blocking,
            "movable": status in MOVABLE,
            "cancellable": status in BOOKED and booking.ends_at > database_now(),
        }
        return context | (self._build_other_times() if status in MOVABLE else {})

    def _find_ended_offer(self) -> str:
        """What became of an offer that was not taken; empty for anything else."""
        was_offered = self.booking.offer_expires_at is not None
        entry = getattr(self.booking, "waitlist_entry", None) if was_offered else None
        return ENDED_OFFERS.get(entry.status, "") if entry else ""

    def _build_other_times(self) -> dict[str, Any]:
        """Where it could move to, on the day that is asked for or on its own."""
        booking = self.booking
        own_day = booking.starts_at.astimezone(self.venue.zone).date().isoformat()
        choice = self._build_choice(self.request.GET.get("on") or own_day)
        check = policy.check_reschedule(booking.starts_at)
        found = choice.list_slots(check=check, ignore=booking.pk)
        kept = {
            on: [self._refuse_other_price(s) for s in day if s.starts_at != booking.starts_at]
            for on, day in found.items()
        }
        return {"looking": "on" in self.request.GET, "times": build_times(choice, kept)}

    def _refuse_other_price(self, slot: DaySlot) -> DaySlot:
        """What is paid, or needs no payment any more, moves where it costs the same."""
        booking = self.booking
        is_fixed = booking.payment_status in PAID_STATUSES or booking.status == CONFIRMED
        if slot.refusal or not is_fixed or slot.price_minor == booking.price_minor:
            return slot
        return replace(slot, refusal=errors.NotAllowedNow(OTHER_PRICE))

    def _build_choice(self, on: str) -> Choice:
        """What it takes now: of a service its duration, and who serves it first."""
        booking, query = self.booking, {"on": on, "quantity": str(self.booking.quantity)}
        length = booking.ends_at - booking.starts_at
        if booking.service_id is not None:
            service = get_service_rules(booking.service_id, retired=True)
            if length in service.prices:
                query["with"] = str(booking.resource_id)
                return build_service_choice(service, query, length)
        first = get_resource(booking.resource_id, retired=True)
        return build_choice(list_all_rules(booking, first), query, length)
