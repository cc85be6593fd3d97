"""The page behind the link of a guest's letter. A GET changes nothing, because mail programs and
scanners look ahead; its buttons POST. Whoever has the link needs no other credentials, gets none,
and takes the link nowhere: no referrer, no asset of others, in no cache and no index.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from api import errors
from api.rest.exceptions import get_status
from api.services.bookings import guests
from api.services.messages.email_context import build_booking_context

from .forms import CancelForm, build_move_form

HEADERS = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


# the token is in the path: a form of somebody else's page that posts here would have to know it
@method_decorator(csrf_exempt, name="dispatch")
class GuestBookingView(View):
    http_method_names = ("get", "head", "post", "options")
    booking: Any  # that the link opens

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            self.booking = guests.get_guest_booking(kwargs["token"])
        except errors.NotFound:
            response = render(request, "guests/gone.html", status=404)
        else:
            with timezone.override(self.booking.venue.zone):
                response = cast(HttpResponse, super().dispatch(request, *args, **kwargs))
        for name, value in HEADERS.items():
            response[name] = value
        return response

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self.show()

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Do what the button says, and show what came of it."""
        actions: dict[str, Callable[[str], HttpResponse]] = {
            "confirm": self.confirm,
            "cancel": self.cancel,
            "move": self.move,
        }
        act = actions.get(request.POST.get("action", ""))
        try:
            return act(token) if act else self.show()
        except errors.Refusal as refusal:
            return self.show(refusal)

    def confirm(self, token: str) -> HttpResponse:
        with suppress(errors.AlreadyDone):  # the button was pressed twice
            guests.confirm_guest_booking(token)
        return self.reload()

    def cancel(self, token: str) -> HttpResponse:
        form = CancelForm(self.request.POST)
        if not form.is_valid():
            return self.show(cancel_form=form)
        booking = guests.cancel_guest_booking(token, form.cleaned_data["reason"])
        return render(self.request, "guests/cancelled.html", build_booking_context(booking))

    def move(self, token: str) -> HttpResponse:
        form = build_move_form(self.booking, self.request.POST)
        if not form.is_valid():
            return self.show(move_form=form)
        try:
            guests.move_guest_booking(token, **form.cleaned_data)
        except errors.Refusal as refusal:
            return self.show(refusal, move_form=form)
        return self.reload()

    def reload(self) -> HttpResponse:
        """So that a reload of the page sends nothing again."""
        response = HttpResponseRedirect(self.request.path)
        response.status_code = 303
        return response

    def show(self, refusal: errors.Refusal | None = None, **forms: Any) -> HttpResponse:
        context = build_booking_context(self.booking) | {
            "refusal": refusal,
            "move_form": forms.get("move_form") or build_move_form(self.booking),
            "cancel_form": forms.get("cancel_form") or CancelForm(),
        }
        status = get_status(refusal) if refusal else 400 if forms else 200
        return render(self.request, "guests/booking.html", context, status=status)
