"""What opens a socket, and when it ends: a person's access token or a panel's own."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from api.errors import NotSignedIn
from api.models import Panel, User
from api.rest.authentication import BearerAuthentication
from api.services.panels import panels


@dataclass(frozen=True)
class Credential:
    """`room`: the only one that a panel may see; None for a person. `until`: seconds of the
    epoch. `proof` is gone from the row when the token does not count any more."""

    pk: int
    proof: str
    room: int | None = None
    until: float = float("inf")


def of_token(raw: str) -> Credential:
    """Refuses `NotSignedIn`. Device tokens have no dots, access tokens have two."""
    if not raw or len(raw) > 4096:
        raise NotSignedIn
    if raw.count(".") != 2:
        panel = panels.authenticate(raw)
        if panel is None:
            raise NotSignedIn
        return Credential(panel.pk, panels.hashed(raw), panel.resource_id)
    bearer = BearerAuthentication()
    try:
        token = bearer.get_validated_token(raw.encode())
        user = bearer.get_user(token)
    except (InvalidToken, AuthenticationFailed, UnicodeEncodeError):
        raise NotSignedIn from None
    return Credential(user.pk, get_md5_hash_password(user.password), None, float(token["exp"]))


def ended(credentials: Collection[Credential]) -> set[Credential]:
    """Those that do not count any more: expired, revoked, or the person is gone or has changed
    the password. At most two statements."""
    people = {one for one in credentials if one.room is None}
    devices = set(credentials) - people
    valid: set[tuple[int, str]] = set()
    if devices:
        ids = {one.pk for one in devices}
        rows = Panel.objects.filter(pk__in=ids, revoked_at=None)
        valid |= set(rows.values_list("pk", "token_hash"))  # type: ignore[arg-type]
        panels.seen(ids)
    gone = {one for one in devices if (one.pk, one.proof) not in valid}
    if people:
        users = User.objects.filter(pk__in={one.pk for one in people}, is_active=True)
        found = users.values_list("pk", "password")
        valid = {(pk, get_md5_hash_password(password)) for pk, password in found}
    return gone | {
        one for one in people if one.until <= time.time() or (one.pk, one.proof) not in valid
    }
