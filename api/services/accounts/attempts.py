"""Wrong passwords, counted for an account from a client address; after some, both wait a while."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.core.cache import cache

from api import errors


def check_attempts(account: str, address: str) -> None:
    """Raise `TooManyAttempts` after too many failures within the window."""
    if int(cache.get(_build_key(account, address)) or 0) >= settings.FAILED_LOGINS_ALLOWED:
        raise errors.TooManyAttempts(retry_after=_get_window())


def count_failure(account: str, address: str) -> None:
    key = _build_key(account, address)
    cache.add(key, 0, _get_window())
    try:
        cache.incr(key)
    except ValueError:  # it expired between the two
        cache.set(key, 1, _get_window())


def forget_failures(account: str, address: str) -> None:
    cache.delete(_build_key(account, address))


def _get_window() -> int:
    return int(settings.FAILED_LOGINS_WINDOW.total_seconds())


def _build_key(account: str, address: str) -> str:
    who = hashlib.sha256(f"{account}\0{address}".encode()).hexdigest()
    return f"failed-logins:{who}"
