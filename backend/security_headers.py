"""The security headers that Django does not set: Content-Security-Policy, Permissions-Policy and
Cache-Control. Django sets nosniff, Referrer-Policy, X-Frame-Options, Cross-Origin-Opener-Policy
and Strict-Transport-Security.

A header that a view set itself stays as it is.
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
NO_DEVICES = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def add_security_headers(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        page = response.headers.get("Content-Type", "").startswith("text/html")
        policy = DATA if not page else ADMIN if request.path.startswith("/admin/") else PAGE
        response.headers.setdefault("Content-Security-Policy", _allow_more(policy, response))
        response.headers.setdefault("Permissions-Policy", NO_DEVICES)
        if not request.path.startswith(("/static/", "/panel")):
            # what somebody signed in reads is in no cache that others share
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return middleware


def _allow_more(policy: str, response: HttpResponseBase) -> str:
    """The policy with what a view asks for by attributes of its response: the origins that may show
    it in a frame (`frame_ancestors`), and those that its forms may lead to (`form_targets`)."""
    if frames := getattr(response, "frame_ancestors", ()):
        policy = policy.replace("frame-ancestors 'none'", f"frame-ancestors {' '.join(frames)}")
    if targets := getattr(response, "form_targets", ()):
        policy = policy.replace("form-action 'self'", f"form-action 'self' {' '.join(targets)}")
    return policy
