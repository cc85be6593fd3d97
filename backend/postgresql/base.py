"""Django's PostgreSQL, with three things that it lacks: a check of the connection that asks nobody,
cursors whose statements the server parses and plans once per connection, and instants that are read
by the language itself.

The rule: everything else is Django's own.
"""

from __future__ import annotations

import select
import time
from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import BaseTzLoader

TRUSTED = 5.0  # seconds after which the server itself is asked again


class UtcLoader(BaseTzLoader):  # type: ignore[misc]
    """What PostgreSQL writes in a session that is in UTC, in a tenth of the time. The library reads
    what the language cannot: years before 1, and the one after 9999."""

    timezone = UTC

    def load(self, data: Any) -> datetime:
        try:
            return datetime.fromisoformat(str(data, "ascii"))
        except ValueError:
            return super().load(data)  # type: ignore[no-any-return]


class DatabaseWrapper(base.DatabaseWrapper):
    asked_at = float("-inf")
    prepared_cursor: Any = base.ServerBindingCursor  # tracing puts one that is watched here

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        if self.timezone is UTC:
            connection.adapters.register_loader("timestamptz", UtcLoader)
        return connection

    def is_usable(self) -> bool:
        """A server that ends a connection says so, and what it said can be read. So a connection
        used lately on which there is nothing to read is as it was left."""
        if self.connection is None or self.connection.closed:
            return False
        now = time.monotonic()
        if now - self.asked_at < TRUSTED and not _readable(self.connection):
            return True
        usable: bool = super().is_usable()
        self.asked_at = now if usable else float("-inf")
        return usable

    def prepared(self) -> Any:
        """A cursor for a statement that is made again and again, and whose plan does not depend on
        its values; an ordinary one while statements are logged, so that the values are seen."""
        if self.queries_logged:
            return self.cursor()
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor: Any = self.prepared_cursor(self.connection)
            return self._prepare_cursor(cursor)  # type: ignore[attr-defined]


def _readable(connection: Any) -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
