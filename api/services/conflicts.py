"""What the database says when two writers meet, and running once more because of it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection

from api.errors import Busy

P = ParamSpec("P")
R = TypeVar("R")

EXCLUSION_VIOLATION, UNIQUE_VIOLATION = "23P01", "23505"
RETRYABLE = frozenset({"40P01", "40001", "55P03"})  # deadlock, serialization, lock timeout


def get_sqlstate(error: BaseException | None) -> str:
    """The SQLSTATE of a database error, wherever Django wrapped it; empty if there is none."""
    while error is not None:
        if state := getattr(error, "sqlstate", None):
            return str(state)
        error = error.__cause__
    return ""


def retry_on_conflict(function: Callable[P, R]) -> Callable[P, R]:
    """Runs once more when the database broke a tie against us, then refuses with `Busy`.

    Inside a caller's transaction nothing can be repeated, so there the refusal comes at once."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        for last in (connection.in_atomic_block, True):
            try:
                return function(*args, **kwargs)
            except OperationalError as error:
                if get_sqlstate(error) not in RETRYABLE:
                    raise
                if last:
                    raise Busy from error
                time.sleep(0.01)
        raise AssertionError("unreachable")

    return wrapper
