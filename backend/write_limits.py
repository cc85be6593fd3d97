"""Middleware for writes: how long they wait for locks, and refusals of those that are not let in at
views that have no words of their own for it, such as the admin's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from api import errors
from api.rest.admission import check_admission, is_write
from api.rest.base_view import BaseAPIView
from api.rest.exceptions import build_problem_response, to_refusal
from api.services import conflicts

# of a write that comes while another has just waited for a lock in vain
SHORT_LOCK_TIMEOUT = "100ms"


class WriteLimits:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_write(request):
            wanted = SHORT_LOCK_TIMEOUT if conflicts.is_contended() else ""
            connection.set_lock_timeout(wanted)  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        if view.__module__.startswith("api.dispatch") or issubclass(
            getattr(view, "cls", object), BaseAPIView
        ):
            return None  # it words refusals itself, or calls one that does
        try:
            check_admission(request)
        except errors.Refusal as refusal:
            return build_problem_response(refusal)
        return None

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """What the database refuses, where no view has answered it."""
        if not isinstance(exception, DatabaseError):
            return None
        refusal = to_refusal(exception)
        return build_problem_response(refusal) if refusal else None
