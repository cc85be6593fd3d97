"""The first page of the staff site, and the decisions that are made there."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from api.queries.accounts.scope import limit_to_staff
from api.queries.bookings import staff_dashboard
from api.queries.operations import automation
from api.queries.reviews.reviews import list_open_reviews
from api.rest.permissions import get_caller
from api.services.bookings.actions import approve_booking, reject_booking

from . import charts, reviews
from .batch_actions import apply_to_each

CHARTS_CACHE_SECONDS = 60
VERBS = {"approve": approve_booking, "reject": reject_booking}


def build_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return what the page shows: unfold's DASHBOARD_CALLBACK."""
    caller = get_caller(request)
    venues = caller.list_staff_venues()
    waiting, waiting_count = staff_dashboard.list_requests(caller)
    which = "all" if venues is None else ",".join(map(str, sorted(venues)))
    recent: Any = cache.get_or_set(
        f"dashboard:recent:{which}",
        lambda: staff_dashboard.get_recent_days(venues),
        CHARTS_CACHE_SECONDS,
    )
    return context | {
        "title": "Today",
        "venues": staff_dashboard.list_venues_today(caller),
        "waiting": waiting,
        "waiting_count": waiting_count,
        "reviews": reviews.build_rows(caller),
        "reviews_count": limit_to_staff(list_open_reviews(), caller).count(),
        "report": automation.get_report(caller),
        "bookings_chart": charts.build_bookings_chart(recent),
        "no_show_chart": charts.build_no_show_chart(recent),
        "heat_map": charts.build_heat_map(recent),
        "hours": [f"{hour:02d}" for hour in range(0, 24, 3)],
    }


@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """Approve or reject the requests that were ticked, or the one whose button was pressed."""
    if not request.user.has_perm("api.change_booking"):
        raise PermissionDenied
    verb, _, one = request.POST.get("answer", "").partition(":")
    ids = [one] if one else request.POST.getlist("booking")
    if verb in VERBS and ids and all(pk.isascii() and pk.isdigit() for pk in ids):
        apply_to_each(request, sorted({int(pk[:18]) for pk in ids}), VERBS[verb])
    else:
        messages.error(request, "Tick at least one request.")
    return HttpResponseRedirect(reverse("admin:index"))


def get_urls() -> list[URLPattern]:
    """Return the paths that belong before those of the admin site."""
    return [
        path("answer/", admin.site.admin_view(decide), name="decide"),
        path("review/", admin.site.admin_view(reviews.decide), name="review"),
    ]
