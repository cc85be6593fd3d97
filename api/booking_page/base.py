"""What the pages of one venue share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.views import View

from api import errors
from api.models import User, Venue
from api.queries.venues.venues import get_venue
from api.rest.exceptions import get_status
from api.rest.throttling import AccountThrottle, AddressThrottle, AnonymousThrottle

from .wording import describe

STYLES = Path(__file__).parents[1] / "static" / "pages"


@cache
def read_styles() -> SafeString:
    """The pages' styles, which stand in the page itself: its content needs no second answer."""
    texts = [(STYLES / name).read_text() for name in ("pages.css", "booking.css")]
    return mark_safe("".join(texts))  # noqa: S308 - our own files


class VenueView(View):
    """A page of the venue in the path, in the venue's time. Unknown venues, places and bookings are
    a page that says so."""

    http_method_names: Sequence[str] = ("get", "head", "post", "options")
    venue: Venue

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            self.check_rate(request)
            self.venue = self.get_venue()
            with timezone.override(self.venue.zone):
                return cast(HttpResponse, super().dispatch(request, *args, **kwargs))
        except errors.NotFound:
            return self.render("pages/missing.html", status=404)
        except errors.TooManyAttempts as refusal:
            return self.render("pages/missing.html", {"refusal": refusal.detail}, status=429)

    def get_venue(self) -> Venue:
        return get_venue(self.kwargs["slug"])

    @property
    def user(self) -> User | None:
        """Who is signed in."""
        user = self.request.user
        return user if isinstance(user, User) else None

    def check_rate(self, request: HttpRequest) -> None:
        """As at the API: strangers by their address, people by what they write. Refuses
        `TooManyAttempts`."""
        kinds: list[type[Any]] = [AnonymousThrottle, AccountThrottle]
        check_throttles(request, self, kinds)

    def render(
        self, template: str, context: dict[str, Any] | None = None, status: int = 200
    ) -> HttpResponse:
        shared = {"styles": read_styles(), "venue": getattr(self, "venue", None)}
        return render(self.request, template, shared | (context or {}), status=status)

    def describe(self, refusal: errors.Refusal | None) -> dict[str, Any]:
        """A refusal for a template, with times instead of the one that is taken."""
        if refusal is None:
            return {}
        found = refusal.alternatives if isinstance(refusal, errors.SlotTaken) else ()
        return {"refusal": describe(refusal, self.venue.zone), "alternatives": sorted(found)}


def get_refusal_status(refusal: errors.Refusal | None) -> int:
    return get_status(refusal) if refusal else 200


def check_throttles(request: Any, view: Any, kinds: list[type[Any]]) -> None:
    for kind in kinds:
        throttle = kind()
        if not throttle.allow_request(request, view):
            raise errors.TooManyAttempts(retry_after=int(throttle.wait() or 60) + 1)


def check_guest_rate(request: HttpRequest, view: View) -> None:
    """Of what guests ask for, a letter is sent each time. Refuses `TooManyAttempts`."""
    check_throttles(request, view, [AddressThrottle])


def redirect_after_post(url: str) -> HttpResponse:
    """So that a reload of the page sends nothing again."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response
