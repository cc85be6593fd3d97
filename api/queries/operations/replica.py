"""Reads that may lag go to the replica, where there is one.

The rule: only within `may_lag`, which is for figures; whatever decides or follows a write asks the
first server. The replica is read-only, so a write that came here by mistake would fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper

REPLICA = "replica"
_lagging: ContextVar[bool] = ContextVar("lagging", default=False)


@contextmanager
def may_lag() -> Iterator[None]:
    """Within, reads may be some seconds old. Also a decorator."""
    mark = _lagging.set(True)
    try:
        yield
    finally:
        _lagging.reset(mark)


def alias() -> str:
    """Which server to read from, here and now."""
    return REPLICA if _lagging.get() and REPLICA in connections else DEFAULT_DB_ALIAS


def cursor() -> CursorWrapper:
    return connections[alias()].cursor()


class Router:
    """For what is read through models."""

    def db_for_read(self, model: type, **hints: Any) -> str:
        return alias()

    def db_for_write(self, model: type, **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS
