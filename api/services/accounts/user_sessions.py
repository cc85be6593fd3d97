"""Where a person is signed in: browsers' sessions and families of refresh tokens, listed for the
person, who may end each.

Tokens carry the id of theirs (`sid`), and so does a browser's session; the account says which were
ended, so that it costs no statement to ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from api.errors import NotFound
from api.models import User, UserSession

from .client_address import get_user_agent

Kind = UserSession.Kind


def open_browser_session(user: User, methods: Sequence[str], expires_at: datetime) -> int:
    """Return the id of a new one, for the browser's session to carry."""
    return _open(user, Kind.BROWSER, uuid4().hex, methods, expires_at)


def open_token_session(
    user: User, family: str, methods: Sequence[str], expires_at: datetime, contract: str
) -> int:
    return _open(user, Kind.TOKENS, family, methods, expires_at, contract)


def _open(
    user: User,
    kind: Kind,
    key: str,
    methods: Sequence[str],
    expires_at: datetime,
    contract: str = "",
) -> int:
    row = UserSession.objects.create(
        user=user,
        kind=kind,
        key=key,
        methods=list(methods),
        expires_at=expires_at,
        contract=contract,
        user_agent=get_user_agent()[:200],
    )
    return row.pk


def record_use(pk: int, expires_at: datetime) -> None:
    """Write down that the session's tokens were renewed, and when they expire now."""
    rows = UserSession.objects.filter(pk=pk, ended_at=None)
    rows.update(last_used_at=Now(), expires_at=expires_at)


def list_open(user: User) -> QuerySet[UserSession]:
    """Those that were neither ended nor have expired."""
    return UserSession.objects.filter(user=user, ended_at=None, expires_at__gt=Now())


def end_session(user: User, pk: int) -> None:
    """End one of the person's sessions at once, access tokens included. Raises `NotFound`."""
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if not list_open(user).filter(pk=pk).update(ended_at=Now()):
            raise NotFound
        rows = UserSession.objects.filter(pk__in=person.ended_sessions, expires_at__gt=Now())
        person.ended_sessions = [*rows.values_list("pk", flat=True), pk]
        person.save(update_fields=["ended_sessions"])


def close(pk: int) -> None:
    """List a session no more, whose person signed out: its tokens or cookie are void already."""
    UserSession.objects.filter(pk=pk, ended_at=None).update(ended_at=Now())


def close_all(user: User) -> None:
    """As `close`, when all sessions of an account were ended."""
    list_open(user).update(ended_at=Now())


def prune() -> int:
    """Delete what has expired."""
    return UserSession.objects.filter(expires_at__lt=Now()).delete()[0]
