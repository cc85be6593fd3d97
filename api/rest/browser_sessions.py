"""Browsers' sessions: how their person signed in, and whether they were ended elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from allauth.account.internal.flows.login import (
    get_authentication_records,
    perform_password_login,
    record_authentication,
)
from allauth.account.models import Login
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.functional import SimpleLazyObject

from api.models import User
from api.services.accounts import user_sessions
from api.services.accounts.methods import Method

SESSION_ID = "user_session"  # in the browser's session: the id of its row

_METHODS = {
    "password": [Method.PASSWORD],
    "socialaccount": [Method.PROVIDER],
    "totp": [Method.CODE, Method.SECOND_FACTOR],
    "recovery_codes": [Method.CODE, Method.SECOND_FACTOR],
    "webauthn": [Method.PASSKEY, Method.SECOND_FACTOR],
    "provider": [Method.SECOND_FACTOR],
}


def list_methods(request: HttpRequest, user: User) -> list[str]:
    """How the person of the session authenticated, as `amr` of a token says it."""
    records = get_authentication_records(request, user)
    kinds = (record.get("type") or record.get("method") for record in records)
    return list(dict.fromkeys(str(each) for kind in kinds for each in _METHODS.get(str(kind), ())))


def record_second_factor(request: HttpRequest, user: User, kind: str) -> None:
    """Write down in the session that the person has just shown a second factor."""
    record_authentication(request, user, "mfa", type=kind)


def open_session(request: HttpRequest, user: User, redirect_url: str) -> HttpResponse:
    """Sign in somebody whose password was right: whoever has a second factor is asked for it
    first, the others are sent on."""
    login = Login(user=user, redirect_url=redirect_url)
    response: HttpResponse = perform_password_login(request, {}, login)
    return response


def close_session(request: HttpRequest) -> None:
    """List it no more, as its person signs out."""
    user_sessions.close(request.session.get(SESSION_ID, 0))


def mark_second_factor(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: the user of a browser's session knows whether it has seen a second factor, and is
    nobody once it was ended."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        of_session = request.user

        def load() -> User | AnonymousUser:
            if not of_session.is_authenticated:
                return of_session
            user = of_session
            if request.session.get(SESSION_ID) in user.ended_sessions:
                request.session.flush()
                return AnonymousUser()
            user.set_second_factor(Method.SECOND_FACTOR in list_methods(request, user))
            return user

        request.user = cast(User, SimpleLazyObject(load))
        return get_response(request)

    return middleware
