"""The clock in the admin: the same report that the API gives, with the operators' buttons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from api.errors import Refusal
from api.queries.operations import automation
from api.services.messages import outbox
from api.services.operations import jobs

log = structlog.get_logger("holdfast.admin")


class Order(forms.Form):
    """What a button asks for; `what` is a job, or the id of a failure or a delivery."""

    what = forms.CharField(max_length=60)
    seconds = forms.IntegerField(min_value=1, max_value=31 * 86_400, required=False)


def _pause(what: str, **_: Any) -> str:
    jobs.pause(what)
    return f"Paused {what}."


def _resume(what: str, **_: Any) -> str:
    jobs.resume(what)
    return f"Resumed {what}."


def _pace(what: str, seconds: int | None) -> str:
    jobs.pace(what, timedelta(seconds=seconds or 0))
    return f"Set {what} to every {seconds} s."


def _retry(what: str, **_: Any) -> str:
    return f"Rows that the next run tries again: {jobs.retry(int(what))}."


def _send(what: str, **_: Any) -> str:
    return f"Deliveries that are tried again now: {outbox.retry([int(what)])}."


ORDERS: dict[str, Callable[..., str]] = {
    "pause": _pause,
    "resume": _resume,
    "pace": _pace,
    "retry": _retry,
    "send": _send,
}


def page(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        _obey(request)
        return HttpResponseRedirect(request.path)
    report = automation.report()
    context = admin.site.each_context(request) | {
        "title": "Automation",
        "report": report,
        "lives": int(automation.LIVES.total_seconds()),
        "may_change": getattr(request.user, "is_admin", False),
    }
    return TemplateResponse(request, "admin/automation.html", context)


def _obey(request: HttpRequest) -> None:
    if not getattr(request.user, "is_admin", False):
        raise PermissionDenied
    form, order = Order(request.POST), request.POST.get("order", "")
    if order not in ORDERS or not form.is_valid():
        messages.error(request, "That was not understood.")
        return
    try:
        messages.success(request, ORDERS[order](**form.cleaned_data))
    except (Refusal, ValueError) as refusal:
        messages.error(request, str(refusal))
    else:
        log.info("operator", order=order, by=request.user.pk, **form.cleaned_data)


def urls() -> list[URLPattern]:
    """To be put before the paths of the admin site."""
    return [path("automation/", admin.site.admin_view(page), name="automation")]
