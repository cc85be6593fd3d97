"""Codes by which a frontend gets tokens after a sign-in on our pages: good once and for a minute,
and only with the secret of the page that asked (RFC 7636)."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

from django.conf import settings
from django.utils.crypto import constant_time_compare
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken
from rest_framework_simplejwt.tokens import BlacklistMixin, Token

from api import errors
from api.models import User

from . import tokens

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class SignInCode(BlacklistMixin["SignInCode"], Token):
    token_type = "code"  # noqa: S105 - the kind of token
    lifetime = timedelta(minutes=1)
    _token_backend = TokenBackend("HS256", settings.JWT_REFRESH_SECRET)


def is_challenge(text: str) -> bool:
    return bool(_CHALLENGE.fullmatch(text))


def issue(user: User, methods: Sequence[str], challenge: str) -> str:
    """The code for somebody who has authenticated by those methods."""
    code = SignInCode()
    code["user_id"], code["amr"], code["challenge"] = user.pk, list(methods), challenge
    return str(code)


def exchange(*, code: str, code_verifier: str) -> tokens.TokenPair:
    """Issue tokens for a code. Raises `CodeRefused`. Of two at once one gets them."""
    try:
        claims = SignInCode(code)  # type: ignore[arg-type]  # SimpleJWT takes text
    except TokenError:
        raise errors.CodeRefused from None
    user = User.objects.filter(pk=claims.get("user_id"), is_active=True).first()
    if user is None or not _fits(code_verifier, str(claims.get("challenge", ""))):
        raise errors.CodeRefused
    # the library's annotation names only the first of the two
    _, created = cast("tuple[BlacklistedToken, bool]", claims.blacklist())
    if not created:
        raise errors.CodeRefused
    return tokens.issue(user, methods=claims.get("amr", []))


def _fits(verifier: str, challenge: str) -> bool:
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    return constant_time_compare(urlsafe_b64encode(digest).rstrip(b"=").decode(), challenge)
