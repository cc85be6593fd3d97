"""API keys: made and ended by admins of their venues, and recognised by their secret."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction
from django.db.models.functions import Now

from api import errors
from api.models import ApiKey, Caller, Venue
from api.queries.accounts.scope import check_admin_of
from api.queries.clock import database_now

PREFIX = "hfk_"
SHOWN = 12  # characters of the secret, by which people tell their keys apart

_USED = (
    f"UPDATE {ApiKey._meta.db_table} SET last_used_at = statement_timestamp() WHERE id ="
    f" (SELECT id FROM {ApiKey._meta.db_table} WHERE id = %s AND (last_used_at IS NULL OR"
    " last_used_at < statement_timestamp() - interval '1 minute') FOR NO KEY UPDATE SKIP LOCKED)"
)


def create_key(
    *,
    name: str,
    venues: Collection[Venue],
    scopes: Collection[str],
    by: Caller,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """The key and its secret, which nobody can read again. Refuses `Forbidden` unless by an admin
    of each of the venues, and `Unfit` for an end that is past."""
    for venue in venues:
        check_admin_of(by, venue.pk)
    if expires_at is not None and expires_at <= database_now():
        raise errors.Unfit(errors={"expires_at": ["That is past."]})
    secret = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        name=name,
        prefix=secret[:SHOWN],
        secret_hash=_hash_secret(secret),
        venue_ids=list(dict.fromkeys(venue.pk for venue in venues)),
        scopes=list(dict.fromkeys(scopes)),
        expires_at=expires_at,
        created_by_id=by.person_id,
    )
    return key, secret


@transaction.atomic
def end_key(key_id: int, by: Caller) -> None:
    """Takes the venues of the caller away from the key; it ends once it has none left. Refuses
    `NotFound`."""
    key = ApiKey.objects.select_for_update().filter(pk=key_id, revoked_at=None).first()
    if key is None or not any(map(by.is_admin_of, key.venue_ids)):
        raise errors.NotFound("There is no such API key.")
    kept = [venue_id for venue_id in key.venue_ids if not by.is_admin_of(venue_id)]
    if kept:
        key.venue_ids = kept
        key.save(update_fields=["venue_ids"])
    else:
        ApiKey.objects.filter(pk=key.pk).update(revoked_at=Now())


def find_key(secret: str) -> ApiKey | None:
    """The key with this secret, unless it has ended."""
    rows = ApiKey.objects.filter(secret_hash=_hash_secret(secret), revoked_at=None)
    key = rows.exclude(expires_at__lte=Now()).first()
    if key:
        _record_use(key)
    return key


def _record_use(key: ApiKey) -> None:
    """At most once a minute; where somebody else has the row, they write it."""
    with connection.cursor() as cursor:
        cursor.execute(_USED, [key.pk])


def _hash_secret(secret: str) -> str:
    """A plain hash: nobody can guess 256 bits."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
