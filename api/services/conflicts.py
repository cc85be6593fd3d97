"""What the database says when two writers meet, and running once more because of it.

A lock that is waited for in vain is remembered for a moment: whoever comes meanwhile waits less, so
that a row that somebody holds stalls those who want that row, and nobody else for long.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection

from api.errors import Busy, Refusal

P = ParamSpec("P")
R = TypeVar("R")

EXCLUSION_VIOLATION, UNIQUE_VIOLATION = "23P01", "23505"
DISK_FULL, LOCK_TIMEOUT, QUERY_CANCELED = "53100", "55P03", "57014"
LOST_TO_OTHERS = frozenset({"40P01", "40001", LOCK_TIMEOUT})  # deadlock, serialization
CONTENDED_FOR = 1.0  # seconds

_timed_out_at = float("-inf")


def get_sqlstate(error: BaseException | None) -> str:
    """The SQLSTATE of a database error, wherever Django wrapped it; empty if there is none."""
    while error is not None:
        if state := getattr(error, "sqlstate", None):
            return str(state)
        error = error.__cause__
    return ""


def note_lock_timeout(error: BaseException) -> None:
    """Remembers when this process last waited for a lock in vain."""
    global _timed_out_at  # noqa: PLW0603 - one for all threads, and any order of writes will do
    if get_sqlstate(error) == LOCK_TIMEOUT:
        _timed_out_at = time.monotonic()


def is_contended() -> bool:
    """Whether a lock was waited for in vain within the last second."""
    return time.monotonic() - _timed_out_at < CONTENDED_FOR


def settle(refusal: BaseException) -> bool:
    """Whether a refusal had left something to do, and it is done now: not inside the transaction
    that the refusal rolls back, where it would be lost. Then the caller's caller does it."""
    if connection.in_atomic_block or not isinstance(refusal, Refusal) or refusal.settle is None:
        return False
    left, refusal.settle = refusal.settle, None
    return left() > 0


def retry_on_conflict(function: Callable[P, R]) -> Callable[P, R]:
    """Runs once more when the database broke a tie against us, then refuses with `Busy`; and once
    more after a refusal that left something to settle.

    Inside a caller's transaction nothing can be repeated, and a wait for a lock was long enough, so
    there the refusal comes at once."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        for last in (connection.in_atomic_block, True):
            try:
                return function(*args, **kwargs)
            except Refusal as refusal:
                if not settle(refusal) or last:
                    raise
            except OperationalError as error:
                state = get_sqlstate(error)
                if state not in LOST_TO_OTHERS:
                    raise
                note_lock_timeout(error)
                if last or state == LOCK_TIMEOUT:
                    raise Busy from error
                time.sleep(0.01)
        raise AssertionError("unreachable")

    return wrapper
