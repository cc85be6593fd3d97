"""Who opens a WebSocket, by a person's access token or a panel's own, and until when."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from api.errors import NotSignedIn
from api.models import Membership, Panel, User
from api.rest.authentication import BearerAuthentication
from api.services.panels import panels


@dataclass(frozen=True)
class Credential:
    """A panel's, which may see its `room` alone, or a person's, with `room` None and the ids of the
    `venues` of which they are one of the people (None: of all).

    `secret_hash` is that of the panel's token or of what the person's sessions hang on: when the
    row has another one, the credential has ended. `expires_at` is in seconds since the epoch.
    """

    pk: int
    secret_hash: str
    room: int | None = None
    venues: frozenset[int] | None = None
    expires_at: float = float("inf")

    def opens(self, venue_id: int) -> bool:
        """Whether it may show rooms of the venue at all."""
        return self.room is not None or self.venues is None or venue_id in self.venues


def authenticate(token: str) -> Credential:
    """Return the person or panel that the token belongs to. Raises `NotSignedIn`."""
    if not token or len(token) > 4096:
        raise NotSignedIn
    if token.count(".") != 2:  # no JWT, so a panel's
        panel = panels.authenticate(token)
        if panel is None:
            raise NotSignedIn
        return Credential(panel.pk, panels.hash_token(token), panel.resource_id)
    bearer = BearerAuthentication()
    try:
        access = bearer.get_validated_token(token.encode())
        user = bearer.get_user(access)
    except (InvalidToken, AuthenticationFailed, UnicodeEncodeError):
        raise NotSignedIn from None
    secret_hash = _hash_session(user.password, user.sessions_valid_from)
    venues = None if user.is_operator else frozenset(user.roles)
    return Credential(user.pk, secret_hash, venues=venues, expires_at=float(access["exp"]))


def _hash_session(password: str, valid_from: datetime | None) -> str:
    return get_md5_hash_password(f"{password} {valid_from or ''}")


def find_ended(credentials: Collection[Credential]) -> set[Credential]:
    """Return those that have expired, were revoked, or whose person is gone, has changed the
    password or is not one of a venue's people any more. At most three statements."""
    of_people = {one for one in credentials if one.room is None}
    of_panels = set(credentials) - of_people
    valid: set[tuple[int, str | None]] = set()
    if of_panels:
        ids = {one.pk for one in of_panels}
        rows = Panel.objects.filter(pk__in=ids, revoked_at=None)
        valid |= set(rows.values_list("pk", "token_hash"))
        panels.record_seen(ids)
    ended = {one for one in of_panels if (one.pk, one.secret_hash) not in valid}
    if of_people:
        users = User.objects.filter(pk__in={one.pk for one in of_people}, is_active=True)
        found = users.values_list("pk", "password", "sessions_valid_from")
        valid = {(pk, _hash_session(password, since)) for pk, password, since in found}
        people = Membership.objects.filter(user__in={one.pk for one in of_people})
        roles = set(people.values_list("user", "venue"))
    return ended | {
        one
        for one in of_people
        if one.expires_at <= time.time()
        or (one.pk, one.secret_hash) not in valid
        or any((one.pk, venue_id) not in roles for venue_id in one.venues or ())
    }
