"""Changes of an account that could lock its owner out: the address that it had is told of each,
with a link that undoes it."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from rest_framework.authtoken.models import Token

from api import errors
from api.models import AccountChange, User
from api.queries.clock import database_now
from api.services.messages import notifications

from . import links

UNDO_WITHIN = timedelta(days=7)


def record_change(user: User, what: str) -> None:
    """Keep what the account has now, and queue the letter: in the transaction of the change, before
    it. Locks the account."""
    before = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    change = AccountChange.objects.create(
        user=user,
        email=before.email,
        email_key=before.email_key,
        username=before.username,
        password=before.password,
        expires_at=Now() + UNDO_WITHIN,
    )
    key, payload = f"email:account_changed:{change.pk}", {"change": change.pk, "changed": what}
    notifications.email_user(before, "account_changed", key, **payload)


def find_change(token: str) -> AccountChange | None:
    """The change that the link of a letter undoes, if it still does."""
    changes = AccountChange.objects.filter(undone_at=None, expires_at__gt=Now())
    pk = links.read_undo_token(token)
    found = changes.filter(pk=pk, user__erased_at=None) if pk else changes.none()
    return found.select_related("user").first()


def undo_change(token: str) -> User:
    """Give the account back the address, username and password that it had, once, and end every
    session. What was changed later is gone with it, and can be undone no more.

    Raises `LinkRefused`. Of two who follow one link at once one gets through.
    """
    refused = errors.LinkRefused(errors={"token": [errors.LinkRefused.detail]})
    try:
        with transaction.atomic():
            if (change := _lock_change(token)) is None:
                raise refused
            return _restore(change)
    except IntegrityError as error:  # somebody has the username by now
        raise refused from error


def _lock_change(token: str) -> AccountChange | None:
    change = find_change(token)
    if change is not None:
        User.objects.select_for_update(no_key=True).get(pk=change.user_id)
        change = find_change(token)  # as it is now that nobody else can undo it
    return change


def _restore(change: AccountChange) -> User:
    user = change.user
    user.email, user.username, user.password = change.email, change.username, change.password
    user.email_verified_at = Now()  # whoever followed the link reads its mail
    user.sessions_valid_from = database_now()
    names = ("email", "username", "password", "email_verified_at", "sessions_valid_from")
    user.save(update_fields=names)
    Token.objects.filter(user=user).delete()
    AccountChange.objects.filter(user=user, pk__gt=change.pk).delete()
    AccountChange.objects.filter(pk=change.pk).update(undone_at=Now())
    return user


def prune() -> int:
    """Delete what can be undone no more."""
    return AccountChange.objects.filter(expires_at__lt=Now()).delete()[0]
