"""Sends reads of figures to the replica, where there is one.

Only within `may_lag`: whatever decides or follows a write reads from the primary. A write that came
to the replica by mistake would fail.
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
    """Allow reads within the block, or in the decorated function, to be some seconds old."""
    token = _lagging.set(True)
    try:
        yield
    finally:
        _lagging.reset(token)


def get_alias() -> str:
    """Return the alias of the database to read from."""
    return REPLICA if _lagging.get() and REPLICA in connections else DEFAULT_DB_ALIAS


def open_cursor() -> CursorWrapper:
    return connections[get_alias()].cursor()


class Router:
    """Routes reads through models as `get_alias` says."""

    def db_for_read(self, model: type, **hints: Any) -> str:
        return get_alias()

    def db_for_write(self, model: type, **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS
