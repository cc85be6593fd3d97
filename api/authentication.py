"""Who is calling: a bearer token at our own API, an e-mail address or username with a password;
and the cookie in which a browser keeps its refresh token."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.db.models import Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework_simplejwt.authentication import JWTAuthentication

from api.models import User
from api.services.tokens import Pair


class BearerAuthentication(JWTAuthentication):
    """`Authorization: Bearer <access>`; whoever fails it is answered 401."""


class BearerScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    target_class = "api.authentication.BearerAuthentication"
    name = "bearer"


class EmailOrUsernameBackend(ModelBackend):
    """Signs in by e-mail address, or by username where somebody chose one."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        login = (username or kwargs.get("email") or "").strip()
        if not login or password is None or "\0" in login + password:
            return None
        found = User.objects.filter(Q(email=login.lower()) | Q(username__iexact=login))
        # an address is never somebody else's username first
        user = max(found[:2], key=lambda u: u.email == login.lower(), default=None)
        if user is None:
            User().set_password(password)  # as slow as a wrong password
            return None
        ok = user.check_password(password) and self.user_can_authenticate(user)
        return user if ok else None


def set_refresh_cookie(response: HttpResponseBase, pair: Pair) -> None:
    """HttpOnly and SameSite; Secure wherever HTTPS is spoken."""
    response.set_cookie(
        settings.REFRESH_COOKIE,
        pair.refresh,
        max_age=pair.max_age,
        httponly=True,
        secure=settings.REFRESH_COOKIE_SECURE,
        samesite="Lax",
    )


def drop_refresh_cookie(response: HttpResponseBase) -> None:
    response.delete_cookie(settings.REFRESH_COOKIE, samesite="Lax")
