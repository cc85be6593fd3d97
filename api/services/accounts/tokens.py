"""Access and refresh tokens: SimpleJWT's, with a secret of their own each, a `contract` claim and
families.

SimpleJWT's rotation lets every concurrent caller of one refresh token through. Here the insert into
its blacklist is the lock: of any number of tabs with the same token exactly one gets new tokens.

Signing in begins a family, and the tokens rotated from it carry its name in a claim. A used token
that comes back within seconds is another tab's; later it is taken for stolen, and the family ends
for whoever holds its newest token. A family belongs to the contract where it began: what one door
rotates, another that does not would renew for ever unnoticed.

`auth_time` is when the person signed in and `amr` how; rotation changes neither. `sid` is their
session, which the person may end.
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import orjson
import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from api.errors import TokenRefused
from api.models import User

from . import user_sessions
from .methods import Method

log = structlog.get_logger("holdfast.tokens")

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REUSE_GRACE = timedelta(seconds=30)


@dataclass(frozen=True)
class Lifetimes:
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
    no_copy_claims = (*RefreshToken.no_copy_claims, "family")  # type: ignore[assignment]  # a longer tuple
    _token_backend = TokenBackend("HS256", settings.JWT_REFRESH_SECRET)

    @property
    def family(self) -> str:
        """Empty in a token that was issued before there were families."""
        return str(self.get("family", ""))

    @property
    def contract(self) -> str:
        return str(self.get("contract", "v1"))

    @property
    def session(self) -> int:
        """0 in a token that was issued before there were sessions."""
        return int(self.get("sid", 0))

    def check_blacklist(self) -> None:
        """Do nothing: `read` asks for token and family in one statement."""

    def end_family(self) -> None:
        """Blacklist the family's name for as long as any of its tokens lives."""
        if not self.family:
            return
        expires_at = self.current_time + max(
            life.refresh for life in (Lifetimes(), *LIFETIMES.values())
        )
        row, _ = OutstandingToken.objects.get_or_create(
            jti=self.family, defaults={"expires_at": expires_at}
        )
        BlacklistedToken.objects.get_or_create(token=row)
        user_sessions.close(self.session)


@dataclass(frozen=True)
class TokenPair:
    access: str
    refresh: str
    user: User
    contract: str

    @property
    def max_age(self) -> int:
        """Lifetime of the refresh token in seconds, for its cookie."""
        return int(LIFETIMES.get(self.contract, Lifetimes()).refresh.total_seconds())


def issue(
    user: User,
    contract: str = "v1",
    follows: Refresh | None = None,
    methods: Sequence[str] = (Method.PASSWORD,),
) -> TokenPair:
    """Issue tokens to a person who has authenticated by those methods: a new session and family,
    unless they follow a token."""
    life = LIFETIMES.get(contract, Lifetimes())
    # not the blacklist's own for_user: that would keep every living token in the database
    refresh: Refresh = Token.for_user.__func__(Refresh, user)  # type: ignore[attr-defined]  # a class method
    refresh["contract"] = contract
    refresh["family"] = (follows and follows.family) or uuid4().hex
    refresh["auth_time"] = follows.get("auth_time", 0) if follows else round(time.time(), 3)
    refresh["amr"] = follows.get("amr", []) if follows else [str(method) for method in methods]
    refresh.set_exp(lifetime=life.refresh)
    refresh["type"] = "refresh"
    refresh["sid"] = _keep_session(refresh, user, life, follows)
    return TokenPair(_issue_access(refresh, user, contract), str(refresh), user, contract)


def _keep_session(refresh: Refresh, user: User, life: Lifetimes, follows: Refresh | None) -> int:
    expires_at = refresh.current_time + life.refresh
    if follows is not None and follows.session:
        user_sessions.record_use(follows.session, expires_at)
        return follows.session
    return user_sessions.open_token_session(
        user, refresh.family, refresh["amr"], expires_at, refresh.contract
    )


def _issue_access(refresh: Refresh, user: User, contract: str) -> str:
    """With the claims that the primetime frontend reads."""
    access = refresh.access_token
    access.set_exp(lifetime=LIFETIMES.get(contract, Lifetimes()).access)
    access["type"] = "access"
    if contract == "primetime":
        access["email"] = user.email
    return str(access)


def get_signed_in_at(claims: Mapping[str, Any]) -> datetime:
    """When the bearer of a token signed in; long ago for tokens that do not say."""
    return datetime.fromtimestamp(claims.get("auth_time", 0), UTC)


def has_second_factor(claims: Mapping[str, Any]) -> bool:
    return Method.SECOND_FACTOR in claims.get("amr", ())


def has_ended(claims: Mapping[str, Any], user: User) -> bool:
    """Whether the bearer's session was ended, or all of the account since they signed in."""
    if claims.get("sid") in user.ended_sessions:
        return True
    valid_from = user.sessions_valid_from
    return valid_from is not None and claims.get("auth_time", 0) < valid_from.timestamp()


def read(raw: str | None, contract: str = "") -> Refresh:
    """Return a valid and unused refresh token, of that contract if one is named. Ends the family of
    one that was used a while ago.

    Raises `TokenRefused` with a reason: missing, expired, invalid, type, revoked.
    """
    token = _decode(raw)
    if contract and token.get("contract", contract) != contract:
        raise TokenRefused("The refresh token is of another contract.", reason="invalid")
    names = [token["jti"], token.family]
    rows = BlacklistedToken.objects.filter(token__jti__in=names)
    used = dict(rows.values_list("token__jti", "blacklisted_at"))
    if not used:
        return token
    if token.family not in used and token.current_time - used[token["jti"]] > REUSE_GRACE:
        log.warning("refresh_token_reused", user=token.get("user_id"))
        token.end_family()
    raise TokenRefused("The refresh token is not valid.", reason="revoked")


def _decode(raw: str | None) -> Refresh:
    if not raw or not isinstance(raw, str):
        raise TokenRefused("No refresh token was given.", reason="missing")
    try:
        return Refresh(raw)  # type: ignore[arg-type]  # SimpleJWT takes text
    except ExpiredTokenError:
        raise TokenRefused("The refresh token has expired.", reason="expired") from None
    except TokenError as error:
        reason = "type" if "type" in str(error).lower() else "invalid"
        raise TokenRefused("The refresh token is not valid.", reason=reason) from None


def _get_owner(token: Refresh) -> User:
    user = User.objects.filter(pk=token.get("user_id"), is_active=True).first()
    if user is None:
        raise TokenRefused("The account is gone.", reason="user")
    if token.get("hash_password") not in (None, _hash_password(user)):
        raise TokenRefused("The password was changed.", reason="revoked")
    if has_ended(token.payload, user):
        raise TokenRefused("The session was ended.", reason="revoked")
    return user


def _hash_password(user: User) -> str:
    from rest_framework_simplejwt.utils import get_md5_hash_password

    return get_md5_hash_password(user.password)


def rotate(raw: str | None, contract: str = "") -> TokenPair:
    """Issue the next pair, and use this token up. Raises `TokenRefused`, also for a token of
    another contract than the one named."""
    token = read(raw, contract)
    user = _get_owner(token)
    with transaction.atomic():
        # the library's annotation names only the first of the two
        _, created = cast("tuple[BlacklistedToken, bool]", token.blacklist())
        if not created:
            raise TokenRefused("The refresh token was used before.", reason="revoked")
        return issue(user, token.contract, follows=token)


def renew_access(raw: str | None, contract: str = "") -> TokenPair:
    """Issue an access token beside the same refresh token, for contracts that do not rotate. Raises
    as `rotate` does."""
    token = read(raw, contract)
    user = _get_owner(token)
    access = _issue_access(token, user, token.contract)
    user_sessions.record_use(token.session, datetime.fromtimestamp(token["exp"], UTC))
    return TokenPair(access, str(token), user, token.contract)


def revoke(raw: str | None) -> None:
    """Use a refresh token up, and end what another tab got for it meanwhile. One that is not valid
    any more is ignored."""
    with suppress(TokenRefused):
        token = _decode(raw)
        _, created = cast("tuple[BlacklistedToken, bool]", token.blacklist())
        user_sessions.close(token.session)
        if not created:
            token.end_family()


def peek(raw: str) -> dict[str, Any]:
    """Read the claims of a token without verifying them: for routing only, never for trust."""
    _, _, rest = raw.partition(".")
    payload, _, _ = rest.partition(".")
    try:
        claims = orjson.loads(urlsafe_b64decode(payload + "=="))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def prune_blacklist() -> int:
    """Delete refresh tokens that have expired by themselves, and nothing else."""
    return OutstandingToken.objects.filter(expires_at__lt=Now()).delete()[0]
