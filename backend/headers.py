"""What browsers are told not to do with our answers. The others of these headers are Django's:
nosniff, Referrer-Policy, X-Frame-Options, Cross-Origin-Opener-Policy, Strict-Transport-Security.

The rule: an answer is confined unless its view confined it itself.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

# JSON, CSV, PDF, text: nothing in it is ever to be run or shown in a frame
DATA = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
PAGE = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; font-src 'self' data:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
# the admin's components are worked by attributes, which its library evaluates
ADMIN = PAGE.replace("script-src 'self'", "script-src 'self' 'unsafe-inline' 'unsafe-eval'")
CAMERA_AND_THE_LIKE = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def confine(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        page = response.headers.get("Content-Type", "").startswith("text/html")
        policy = DATA if not page else ADMIN if request.path.startswith("/admin/") else PAGE
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("Permissions-Policy", CAMERA_AND_THE_LIKE)
        _keep_to_oneself(request, response)
        return response

    return middleware


def _keep_to_oneself(request: HttpRequest, response: HttpResponseBase) -> None:
    """What somebody signed in was told is in no cache that others share."""
    if request.path.startswith(("/static/", "/panel")):
        return
    response.headers.setdefault("Cache-Control", "private, no-store")
