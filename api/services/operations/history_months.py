"""History by month: its table is partitioned by `at`, and here the partitions are made and dropped.

The rule: no line fails for want of a month. Months are made long before they begin; a line that
has none all the same falls into the DEFAULT partition, and moves into its month here. And nobody
waits for us as long as a request does: a lock that is not to be had is left to the next run.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from api.models import BookingEvent

TABLE = BookingEvent._meta.db_table
REST = f"{TABLE}_default"
MONTHS_AHEAD = 3
PATIENCE = "1200ms"  # with a lock; all of them together stay below the 5 s of a request
LOCK = 0x6D6F6E746873  # of the advisory kind: one run at a time

# every partition with its bounds; NULL for DEFAULT
PARTS = f"""
    SELECT name, replace(bounds[1], 'MINVALUE', '-infinity')::timestamptz AS begins_at,
        bounds[2]::timestamptz AS ends_at
    FROM (SELECT c.relname AS name, regexp_match(replace(pg_get_expr(c.relpartbound, c.oid),
            '''', ''), 'FROM .([^)]*). TO .([^)]*).') AS bounds
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = '{TABLE}'::regclass) AS found"""  # noqa: S608

# what is to do: months without a partition, partitions that are not kept any more
TO_DO = f"""
    WITH parts AS ({PARTS}), here AS (SELECT date_trunc('month', statement_timestamp()) AS month)
    SELECT month, NULL AS outlived FROM (
        SELECT month + n * interval '1 month' AS month
        FROM here, generate_series(0, %s) AS n
        UNION SELECT date_trunc('month', at) FROM {REST}) AS wanted
    WHERE NOT EXISTS (SELECT FROM parts WHERE month >= begins_at AND month < ends_at)
    UNION ALL
    SELECT NULL, name FROM parts, here WHERE ends_at <= month - %s::int * interval '1 month'
    ORDER BY 1, 2"""  # noqa: S608

KEPT_SINCE = f"(SELECT min(begins_at) FROM ({PARTS}) AS parts)"  # noqa: S608

IS_PARTITION = "SELECT relispartition FROM pg_class WHERE oid = to_regclass(%s)"
FOREIGN_KEYS = """
    SELECT format('ALTER TABLE %%I ADD CONSTRAINT %%I %%s', %s, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f' ORDER BY conname"""


def keep() -> int:
    """How many months were made or dropped. Safe to run twice or at once with itself; when there
    is nothing to do it costs one look at the catalog."""
    to_do = _run(TO_DO, MONTHS_AHEAD, settings.KEEP_HISTORY_MONTHS or None)
    for month, outlived in to_do:
        if outlived:
            _drop(outlived)
        else:
            _make(month)
    if to_do:
        _learn()
    return len(to_do)


def _make(month: datetime) -> None:
    """What takes its time is done before the locks are taken: the table has its indexes and foreign
    keys while it is empty, and lines move into it while others go on."""
    name, following = f"{TABLE}_{month:%Y_%m}", (month + timedelta(days=31)).replace(day=1)
    since, until = month.isoformat(), following.isoformat()
    within = f"at >= '{since}' AND at < '{until}'"
    with transaction.atomic():
        if _ours() and _run("SELECT to_regclass(%s)", name) == [(None,)]:
            _run(
                f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING DEFAULTS INCLUDING INDEXES,"
                f" CONSTRAINT within CHECK ({within}))"
            )
            for (key,) in _run(FOREIGN_KEYS, name, TABLE):
                _run(key)
    with transaction.atomic():
        if not _ours() or _run(IS_PARTITION, name) != [(False,)]:
            return
        move = (
            f"WITH moved AS (DELETE FROM {REST} WHERE {within} RETURNING *)"  # noqa: S608
            f" INSERT INTO {name} SELECT * FROM moved"
        )
        _run("SET CONSTRAINTS ALL IMMEDIATE")
        _run(move)
        # In the order in which a booking takes them, so that nobody who has one waits for us. Who
        # writes a line waits at the table: at DEFAULT it would have chosen its partition already.
        _run("LOCK TABLE api_user, api_booking IN SHARE ROW EXCLUSIVE MODE")
        _run(f"LOCK TABLE ONLY {TABLE} IN SHARE ROW EXCLUSIVE MODE")
        _run(f"LOCK TABLE {REST} IN ACCESS EXCLUSIVE MODE")
        _run(move)  # what came meanwhile
        bounds = f"FOR VALUES FROM ('{since}') TO ('{until}')"
        _run(f"ALTER TABLE {TABLE} ATTACH PARTITION {name} {bounds}")
        _run(f"ALTER TABLE {name} DROP CONSTRAINT IF EXISTS within")


def _drop(name: str) -> None:
    """Whole: nothing refers to a line. (Beside a DEFAULT partition none can be detached
    concurrently; this lock is as short.)"""
    with transaction.atomic():
        if _ours():
            _run(f"DROP TABLE IF EXISTS {name}")


def _learn() -> None:
    """Autovacuum looks at every month, never at the table as a whole."""
    with transaction.atomic():
        if _ours():
            _run(f"ANALYZE {TABLE}")


def _ours() -> bool:
    """Whether no other run is at it, until our transaction ends; and how patient that is."""
    _run(f"SET LOCAL lock_timeout = '{PATIENCE}'; SET LOCAL statement_timeout = 0")
    return bool(_run("SELECT pg_try_advisory_xact_lock(%s)", LOCK)[0][0])


def _run(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchall() if cursor.description else []
