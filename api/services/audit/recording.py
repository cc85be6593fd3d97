"""On whose behalf statements are run, told to the database, whose triggers write the audit log.

While a request of staff, an admin, an operator or a key is recorded, each of its transactions
begins by setting `holdfast.actor`; a statement outside of one gets a transaction of its own. The
setting ends with its transaction, so that it never reaches another request, nor another session
behind a pooler. Requests of customers are not recorded, and run not a statement more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection, transaction
from psycopg.types.json import Jsonb

from api.models import AuditEntry, Caller, KeyCaller, Role
from api.models.audit import AuditKind
from api.models.roles import STAFF_ROLES

SETTING = "holdfast.actor"  # as in `migrations/sql/audit.sql`
_READ = (
    f"INSERT INTO {AuditEntry._meta.db_table} (venue_id, kind, user_id, key_id, action, object,"
    " after, request_id, content_digest, digest) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '', '')"
)
_READS = "SELECT"
_ENDS = ("ROLLBACK", "RELEASE")


@dataclass(frozen=True)
class AuditActor:
    """Who acts. `kind` is the highest role that they have; `venues` the role at each venue, or None
    for whoever has theirs at every one. `venue` is where a row belongs that has no venue itself."""

    kind: str
    user_id: int | None = None
    key_id: int | None = None
    venues: Mapping[int, str] | None = None
    venue: int | None = None

    @classmethod
    def for_caller(cls, caller: Caller) -> AuditActor | None:
        """None for whoever is no more than a customer anywhere."""
        if caller.is_operator:
            return cls(AuditKind.OPERATOR, caller.person_id)
        if isinstance(caller, KeyCaller):
            venues = dict.fromkeys(caller.roles, AuditKind.KEY.value)
            return cls(AuditKind.KEY, key_id=caller.key.pk, venues=venues) if venues else None
        roles = {pk: role for pk, role in caller.roles.items() if role in STAFF_ROLES}
        if not roles:
            return None
        kind = AuditKind.ADMIN if Role.ADMIN in roles.values() else AuditKind.STAFF
        return cls(kind, caller.person_id, venues=roles)

    def get_kind(self, venue: int | None) -> str | None:
        """The role at that venue; None as a customer."""
        if venue is None or self.venues is None:
            return self.kind
        return self.venues.get(venue)


class Recorder:
    """An execute wrapper of Django's, from `start` to `stop`."""

    def __init__(self, actor: AuditActor, request_id: str) -> None:
        self.value = orjson.dumps(
            {
                "kind": actor.kind,
                "user_id": actor.user_id,
                "key_id": actor.key_id,
                "venues": actor.venues,
                "venue": actor.venue,
                "request_id": request_id,
            },
            option=orjson.OPT_NON_STR_KEYS,
        ).decode()

    def start(self) -> None:
        connection.execute_wrappers.append(self)

    def stop(self) -> None:
        """Also within a transaction that goes on, as that of an `Idempotency-Key` does."""
        connection.execute_wrappers.remove(self)
        may_be_set = connection.audit_actor != ""  # type: ignore[attr-defined]  # of backend.postgresql
        if may_be_set and connection.in_atomic_block and not connection.needs_rollback:
            _set_actor(connection, "")

    def __call__(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        connection = context["connection"]
        verb = str(sql).lstrip()[:8].upper()
        if connection.in_atomic_block:
            is_set = connection.audit_actor == self.value
            if not (is_set or connection.needs_rollback or verb.startswith(_ENDS)):
                _set_actor(connection, self.value)
            return execute(sql, params, many, context)
        if verb.startswith(_READS):
            return execute(sql, params, many, context)
        with transaction.atomic(using=connection.alias):
            _set_actor(connection, self.value)
            return execute(sql, params, many, context)


def _set_actor(connection: Any, value: str) -> None:
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, value])
    connection.audit_actor = value


def record_read(
    actor: AuditActor,
    action: str,
    name: str,
    venues: Iterable[int | None],
    details: Mapping[str, Any],
    request_id: str,
) -> None:
    """Writes that somebody looked at people's data, for each of those venues where they are more
    than a customer."""
    rows = [
        (venue, kind, actor.user_id, actor.key_id, action, name[:200], Jsonb(details), request_id)
        for venue in venues
        if (kind := actor.get_kind(venue))
    ]
    if not rows:
        return
    connection.ensure_connection()
    # psycopg's own cursor: this belongs to the log, not to the statements of the view
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.executemany(_READ, rows)
