"""The first page of the admin, and the answers that are given on it.

The rule: what is shown comes from queries, what is changed goes through the services.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from api.queries.bookings import staff_dashboard
from api.queries.operations import automation
from api.services.bookings.actions import approve_booking, reject_booking

from . import charts
from .answers import give

KEPT = 60  # seconds that the charts may be old
VERBS = {"approve": approve_booking, "reject": reject_booking}


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What unfold asks for when it shows the first page."""
    recently = _recently()
    waiting, asked = staff_dashboard.requests()
    return context | {
        "title": "Today",
        "venues": staff_dashboard.today(),
        "waiting": waiting,
        "asked": asked,
        "report": automation.report(),
        "per_day": charts.per_day(recently),
        "no_shows": charts.no_shows(recently),
        "heat_map": charts.heat_map(recently),
    }


def _recently() -> staff_dashboard.Recently:
    kept: staff_dashboard.Recently | None = cache.get("front:recently")
    if kept is None:
        kept = staff_dashboard.recently()
        cache.set("front:recently", kept, KEPT)
    return kept


@require_POST
def answer(request: HttpRequest) -> HttpResponse:
    """Approves or rejects the requests that were ticked, or the one whose button was pressed."""
    if not request.user.has_perm("api.change_booking"):
        raise PermissionDenied
    verb, _, one = request.POST.get("answer", "").partition(":")
    ids = [one] if one else request.POST.getlist("booking")
    if verb in VERBS and ids and all(pk.isascii() and pk.isdigit() for pk in ids):
        give(request, sorted({int(pk[:18]) for pk in ids}), VERBS[verb])
    else:
        messages.error(request, "Tick at least one request.")
    return HttpResponseRedirect(reverse("admin:index"))


def urls() -> list[URLPattern]:
    """To be put before the paths of the admin site."""
    return [path("answer/", admin.site.admin_view(answer), name="answer")]
