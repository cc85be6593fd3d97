"""The page behind the link of a guest's letter. Whoever has the link needs no other credentials,
gets none, and takes the link nowhere: no referrer, no asset of others, in no cache and no index.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt

from api import errors
from api.models import Venue
from api.services.bookings import guests

from .base import redirect_after_post
from .booking import BookingView

HEADERS = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


# the token is in the path: a form of somebody else's page that posts here would have to know it
@method_decorator(csrf_exempt, name="dispatch")
class GuestBookingView(BookingView):
    template_name = "pages/guest_booking.html"
    guest_page = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().dispatch(request, *args, **kwargs)
        if response.status_code == 404:
            response = self.render("pages/gone.html", status=404)
        for name, value in HEADERS.items():
            response[name] = value
        return response

    def get_venue(self) -> Venue:
        self.token = self.kwargs["token"]
        self.booking = guests.get_guest_booking(self.token)
        venue: Venue = self.booking.venue
        return venue

    def get_actions(self) -> dict[str, Callable[[], HttpResponse]]:
        return super().get_actions() | {"confirm": self.confirm}

    def confirm(self) -> HttpResponse:
        with suppress(errors.AlreadyDone):  # the button was pressed twice
            guests.confirm_guest_booking(self.token)
        return redirect_after_post(self.request.path)

    def cancel_with(self, reason: str) -> Any:
        return guests.cancel_guest_booking(self.token, reason)

    def move_to(self, starts_at: datetime, ends_at: datetime) -> None:
        guests.move_guest_booking(self.token, starts_at, ends_at)
