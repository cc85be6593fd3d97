"""Every request has a name, `X-Request-ID`: its own or one made here. It is on every line of the
log that the request causes, in this process and in the workers, on its rows of the outbox, on the
emails made of them, and on the answer.

The rule: nothing is written for a request unless somebody listens.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, reset_contextvars

HEADER = "X-Request-ID"
GOOD = re.compile(r"[A-Za-z0-9._:/+=@-]{1,64}")  # of others; never anything that could break a line

log = structlog.get_logger("holdfast.requests")
listener = logging.getLogger("holdfast.requests")


def name_of(request: HttpRequest) -> str:
    """What the proxy or the client calls it, if that is fit to be logged; else something new."""
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    return given if GOOD.fullmatch(given) else os.urandom(16).hex()


def named(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """The middleware."""

    def answer(request: HttpRequest) -> HttpResponse:
        began, request_id = time.perf_counter(), name_of(request)
        marks = bind_contextvars(request_id=request_id)
        try:
            response = get_response(request)
            response[HEADER] = request_id
            if listener.isEnabledFor(logging.INFO):
                write_down(request, response, time.perf_counter() - began)
            return response
        finally:
            reset_contextvars(**marks)

    return answer


def write_down(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """One line for a request, where REQUEST_LOG_LEVEL asks for it: the path without its query,
    which may hold what is nobody's business."""
    user = getattr(request, "user", None)
    log.info(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        seconds=round(seconds, 4),
        user=getattr(user, "pk", None),
        address=request.META.get("REMOTE_ADDR", ""),
    )
