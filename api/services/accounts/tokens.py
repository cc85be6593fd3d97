"""Access and refresh tokens: JWTs with a secret of their own each, a `contract` claim, rotation
and a blacklist. The insert into the blacklist is the lock: of any number of tabs that bring the
same refresh token exactly one gets through.

Signing in begins a family, which the tokens rotated from it name in a claim. One that comes back
after it was used up is another tab's for some seconds and a thief's from then on: the family ends,
for whoever holds its newest token."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import orjson
import structlog
from django.conf import settings
from django.db import transaction
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from api.errors import TokenRefused
from api.models import User

log = structlog.get_logger("holdfast.tokens")

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REUSE_GRACE = timedelta(seconds=30)  # in which a used token is brought by a tab that came second


@dataclass(frozen=True)
class Lifetimes:
    """How long the tokens of a contract live."""

    access: timedelta = timedelta(minutes=30)
    refresh: timedelta = 7 * DAY


LIFETIMES = {
    "primetime": Lifetimes(HOUR, 7 * DAY),
    "barbershop": Lifetimes(HOUR, DAY),
}


class Access(AccessToken):
    """Signed with JWT_ACCESS_SECRET."""


class Refresh(RefreshToken):
    """Signed with JWT_REFRESH_SECRET."""

    access_token_class = Access
    no_copy_claims = (*RefreshToken.no_copy_claims, "family")  # type: ignore[assignment]
    _token_backend = TokenBackend("HS256", settings.JWT_REFRESH_SECRET)

    @property
    def family(self) -> str:
        """Empty in a token made before there were families."""
        return str(self.get("family", ""))

    def check_blacklist(self) -> None:
        """Left to `read`, which asks for the family in the same statement."""

    def end_family(self) -> None:
        """A row of the blacklist under the family's name, kept for as long as any of it lives."""
        if not self.family:
            return
        last = self.current_time + max(life.refresh for life in (Lifetimes(), *LIFETIMES.values()))
        row, _ = OutstandingToken.objects.get_or_create(
            jti=self.family, defaults={"expires_at": last}
        )
        BlacklistedToken.objects.get_or_create(token=row)


@dataclass(frozen=True)
class TokenPair:
    access: str
    refresh: str
    user: User
    contract: str

    @property
    def max_age(self) -> int:
        """Seconds that the refresh token lives, for its cookie."""
        return int(LIFETIMES.get(self.contract, Lifetimes()).refresh.total_seconds())


def issue(user: User, contract: str = "v1", family: str = "") -> TokenPair:
    """New tokens for a person who has shown who they are; of a new family unless one is named."""
    life = LIFETIMES.get(contract, Lifetimes())
    # not the blacklist's own for_user: that would keep every living token in the database
    refresh: Refresh = Token.for_user.__func__(Refresh, user)  # type: ignore[attr-defined]
    refresh["contract"] = contract
    refresh["family"] = family or uuid4().hex
    refresh.set_exp(lifetime=life.refresh)
    refresh["type"] = "refresh"
    return TokenPair(_access(refresh, user, contract), str(refresh), user, contract)


def _access(refresh: Refresh, user: User, contract: str) -> str:
    """With the claims that a page of primetime reads."""
    access = refresh.access_token
    access.set_exp(lifetime=LIFETIMES.get(contract, Lifetimes()).access)
    access["type"] = "access"
    if contract == "primetime":
        access["email"] = user.email
    return str(access)


def read(raw: str | None) -> Refresh:
    """A refresh token that is ours, alive and unused; refuses `TokenRefused` with a reason:
    missing, expired, invalid, type, revoked. Ends the family of one used up for some time."""
    token = _decoded(raw)
    names = [token["jti"], token.family]
    rows = BlacklistedToken.objects.filter(token__jti__in=names)
    used = dict(rows.values_list("token__jti", "blacklisted_at"))
    if not used:
        return token
    if token.family not in used and token.current_time - used[token["jti"]] > REUSE_GRACE:
        log.warning("refresh_token_reused", user=token.get("user_id"))
        token.end_family()
    raise TokenRefused("The refresh token is not valid.", reason="revoked")


def _decoded(raw: str | None) -> Refresh:
    if not raw or not isinstance(raw, str):
        raise TokenRefused("No refresh token was given.", reason="missing")
    try:
        return Refresh(raw)  # type: ignore[arg-type]
    except ExpiredTokenError:
        raise TokenRefused("The refresh token has expired.", reason="expired") from None
    except TokenError as error:
        reason = "type" if "type" in str(error).lower() else "invalid"
        raise TokenRefused("The refresh token is not valid.", reason=reason) from None


def _owner(token: Refresh) -> User:
    user = User.objects.filter(pk=token.get("user_id"), is_active=True).first()
    if user is None:
        raise TokenRefused("The account is gone.", reason="user")
    if token.get("hash_password") not in (None, _password_mark(user)):
        raise TokenRefused("The password was changed.", reason="revoked")
    return user


def _password_mark(user: User) -> str:
    from rest_framework_simplejwt.utils import get_md5_hash_password

    return get_md5_hash_password(user.password)


def rotate(raw: str | None, contract: str = "") -> TokenPair:
    """The next pair; the one brought is used up. Refuses `TokenRefused`."""
    token = read(raw)
    user = _owner(token)
    with transaction.atomic():
        # the library's annotation names only the first of the two
        _, created = cast("tuple[BlacklistedToken, bool]", token.blacklist())
        if not created:
            raise TokenRefused("The refresh token was used before.", reason="revoked")
        return issue(user, contract or str(token.get("contract", "v1")), token.family)


def renew_access(raw: str | None) -> TokenPair:
    """A new access token beside the same refresh token, for contracts that do not rotate."""
    token = read(raw)
    user = _owner(token)
    contract = str(token.get("contract", "v1"))
    return TokenPair(_access(token, user, contract), str(token), user, contract)


def revoke(raw: str | None) -> None:
    """Uses a refresh token up, and ends what another tab has made of it meanwhile; one that is
    not valid any more needs nothing."""
    with suppress(TokenRefused):
        token = _decoded(raw)
        _, created = cast("tuple[BlacklistedToken, bool]", token.blacklist())
        if not created:
            token.end_family()


def peek(raw: str) -> dict[str, Any]:
    """The claims of a token without verifying them: for routing only, never for trust."""
    _, _, rest = raw.partition(".")
    payload, _, _ = rest.partition(".")
    try:
        claims = orjson.loads(urlsafe_b64decode(payload + "=="))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}
