"""The automation page: the report that the API gives too, with the operators' buttons."""

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
from api.rest.permissions import get_caller
from api.services.messages import outbox
from api.services.operations import jobs

log = structlog.get_logger("holdfast.admin")


class ActionForm(forms.Form):
    """What a button sends; `target` is a job, or the id of a failure or a delivery."""

    target = forms.CharField(max_length=60)
    seconds = forms.IntegerField(min_value=1, max_value=31 * 86_400, required=False)


def _pause(target: str, **_: Any) -> str:
    jobs.pause(target)
    return f"Paused {target}."


def _resume(target: str, **_: Any) -> str:
    jobs.resume(target)
    return f"Resumed {target}."


def _set_interval(target: str, seconds: int | None) -> str:
    jobs.set_interval(target, timedelta(seconds=seconds or 0))
    return f"Set {target} to every {seconds} s."


def _retry(target: str, **_: Any) -> str:
    return f"Rows that the next run tries again: {jobs.retry(int(target))}."


def _send(target: str, **_: Any) -> str:
    return f"Deliveries that are tried again now: {outbox.retry([int(target)])}."


ACTIONS: dict[str, Callable[..., str]] = {
    "pause": _pause,
    "resume": _resume,
    "set_interval": _set_interval,
    "retry": _retry,
    "send": _send,
}


def show_automation(request: HttpRequest) -> HttpResponse:
    """For operators."""
    if not get_caller(request).is_operator:
        raise PermissionDenied
    if request.method == "POST":
        _run_action(request)
        return HttpResponseRedirect(request.path)
    context = admin.site.each_context(request) | {
        "title": "Automation",
        "report": automation.get_report(),
        "heartbeat_timeout": int(automation.HEARTBEAT_TIMEOUT.total_seconds()),
        "may_change": True,
    }
    return TemplateResponse(request, "admin/automation.html", context)


def _run_action(request: HttpRequest) -> None:
    form, action = ActionForm(request.POST), request.POST.get("action", "")
    if action not in ACTIONS or not form.is_valid():
        messages.error(request, "That was not understood.")
        return
    try:
        messages.success(request, ACTIONS[action](**form.cleaned_data))
    except (Refusal, ValueError) as refusal:
        messages.error(request, str(refusal))
    else:
        log.info("operator", action=action, by=request.user.pk, **form.cleaned_data)


def get_urls() -> list[URLPattern]:
    """Return the paths that belong before those of the admin site."""
    return [path("automation/", admin.site.admin_view(show_automation), name="automation")]
