"""The tables of bookings once more, in a schema of their own and without the exclusion constraint:
where a test shows that it can fail, and where faults are put into the database.

A connection that looks here first sees no other bookings; everything else is the same.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.db import connection

TABLES = (
    "api_allocation",
    *("api_booking", "api_bookingevent", "api_delivery", "api_booking_attendees"),
)
OVERSOLD = """
    SELECT coalesce(max(n), 0) FROM (SELECT count(*) - (SELECT units FROM api_resource
        WHERE id = a.resource_id) AS n FROM api_allocation a JOIN api_allocation b
        ON b.resource_id = a.resource_id AND b.blocking AND b.span @> lower(a.span)
        WHERE a.blocking GROUP BY a.id, a.resource_id) s
"""


def run(sql: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchone()[0] if cursor.description else None


def count_oversold() -> int:
    """The most units of a resource that are taken at once beyond those that it has."""
    return max(0, int(run(OVERSOLD)))


@contextmanager
def schema() -> Iterator[None]:
    """Within, this connection looks into the unguarded schema first."""
    run("CREATE SCHEMA unguarded")
    for table in TABLES:
        run(
            f"CREATE TABLE unguarded.{table} (LIKE public.{table}"
            " INCLUDING DEFAULTS INCLUDING IDENTITY)"
        )
    # what decides ON CONFLICT for the outbox has to be there
    run("CREATE UNIQUE INDEX ON unguarded.api_delivery (key)")
    look()
    try:
        yield
    finally:
        run("SET search_path TO DEFAULT")
        run("DROP SCHEMA unguarded CASCADE")


def look() -> None:
    run("SET search_path TO unguarded, public")


def looking(call: Callable[[], Any]) -> Callable[[], Any]:
    """The call, on a connection that looks into the unguarded schema first."""

    @wraps(call)
    def wrapper() -> Any:
        look()
        return call()

    return wrapper


@contextmanager
def fault(sqlstate: str, times: int, event: str, table: str = "api_booking") -> Iterator[None]:
    """Within `schema()`: the next statements of that kind on the table end in that SQLSTATE. A
    sequence counts, because it does not roll back."""
    run("CREATE SEQUENCE unguarded.faults")
    run(
        "CREATE FUNCTION unguarded.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF nextval('unguarded.faults') <= {times} THEN"
        f" RAISE EXCEPTION 'put in by a test' USING ERRCODE = '{sqlstate}'; END IF;"
        " RETURN NEW; END $$"
    )
    run(
        f"CREATE TRIGGER fail BEFORE {event} ON unguarded.{table}"
        " FOR EACH ROW EXECUTE FUNCTION unguarded.fail()"
    )
    try:
        yield
    finally:
        run("DROP FUNCTION unguarded.fail() CASCADE")
        run("DROP SEQUENCE unguarded.faults")
