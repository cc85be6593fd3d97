"""One's own account: second factors, sessions, and the way back to a frontend."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from api import errors
from api.models import User
from api.rest.browser_sessions import SESSION_ID, list_methods
from api.rest.origins import is_allowed_origin
from api.services.accounts import second_factors, sign_in_codes, user_sessions
from api.services.accounts.methods import Method


@require_GET
@login_required
def home(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    context = {
        "factors": second_factors.list_factors(user),
        "sessions": user_sessions.list_open(user).order_by("-last_used_at")[:50],
        "this": request.session.get(SESSION_ID),
        "demanded": user.needs_second_factor,
        "shown": Method.SECOND_FACTOR in list_methods(request, user),
    }
    return render(request, "account/home.html", context)


@require_POST
@login_required
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        user_sessions.end_session(cast(User, request.user), pk)
    except errors.NotFound:
        return render(request, "account/refused.html", {"text": "It has ended."}, status=404)
    return redirect("account_home")


@require_GET
@login_required
def continue_to_frontend(request: HttpRequest) -> HttpResponse:
    """Send the browser back to a frontend of ours, with a code that it exchanges for tokens.

    `redirect_uri` is a page of an origin that may call the API; `code_challenge` is the SHA-256 of
    a secret that only the page knows (RFC 7636, S256); `state` comes back as it was.
    """
    query = request.GET
    target, challenge = query.get("redirect_uri", ""), query.get("code_challenge", "")
    if not is_allowed_origin(request, target) or not sign_in_codes.is_challenge(challenge):
        text = "The page that sent you here is not one of ours, or its link is not whole."
        return render(request, "account/refused.html", {"text": text}, status=400)
    user = cast(User, request.user)
    code = sign_in_codes.issue(user, list_methods(request, user), challenge)
    answer = urlencode({"code": code, "state": query.get("state", "")})
    response = HttpResponseRedirect(f"{target}{'&' if '?' in target else '?'}{answer}")
    response["Referrer-Policy"] = "no-referrer"
    return response
