"""Same Idempotency-Key, same response, which is stored in the transaction of the work."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from api.errors import Refusal
from api.models import IdempotencyKey


class KeyReused(Refusal):
    code, status = "idempotency_key_reused", 422
    detail = "This Idempotency-Key was used for another request."


class StillRunning(Refusal):
    code, status = "idempotency_key_in_use", 409
    detail = "The first request with this Idempotency-Key is still running."
    retry_after = 1


def hash_request(method: str, path: str, body: bytes) -> str:
    """Return a keyed hash: a body may hold a password, which could be guessed from a plain one."""
    content = b"\0".join([method.encode(), path.encode(), body])
    return hmac.new(settings.SECRET_KEY.encode(), content, hashlib.sha256).hexdigest()


def hash_scope(text: str) -> str:
    """A part of a scope that names nobody."""
    return salted_hmac("holdfast.idempotency", text).hexdigest()[:32]


def get_response(
    scope: str, key: str, request_hash: str, *, wait: bool = False
) -> tuple[int, Any] | None:
    """Return the stored response, or None to the first caller, who then holds the key until its
    transaction ends. Raises `StillRunning`, unless it is to `wait`, and `KeyReused`. Call inside a
    transaction."""
    with connection.cursor() as cursor:
        digest = hashlib.sha256(f"{scope}\0{key}".encode()).digest()[:8]
        lock = int.from_bytes(digest, "big", signed=True)
        if wait:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
        else:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock])
            if not cursor.fetchone()[0]:
                raise StillRunning
    row = IdempotencyKey.objects.filter(scope=scope, key=key).first()
    if row is None:
        return None
    if row.fingerprint != request_hash:
        raise KeyReused
    return row.status, row.body


def store_response(scope: str, key: str, request_hash: str, status: int, body: Any) -> None:
    """Store the response; the first one stays if two ran at once (see `one_transaction`)."""
    row = IdempotencyKey(scope=scope, key=key, fingerprint=request_hash, status=status, body=body)
    IdempotencyKey.objects.bulk_create([row], ignore_conflicts=True)


def prune() -> int:
    old = IdempotencyKey.objects.filter(created_at__lt=Now() - settings.KEEP_IDEMPOTENCY_KEYS)
    return old.delete()[0]
