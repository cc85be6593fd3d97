"""What must be true of the rows at any time, whatever has died: checked after every fault test and
by operators with `manage.py check_invariants`."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from api.lifecycle import BOOKING
from api.queries.operations import lag
from api.services.payments import invariants

from . import jobs

ALLOWED_LAG = timedelta(minutes=5)
MAX_LISTED = 20


def list_problems(allowed_lag: timedelta | None = ALLOWED_LAG) -> list[str]:
    """Return one sentence for each violation. `allowed_lag` is how far past its deadline a row may
    be; None while no worker runs."""
    found: list[str] = []
    for done, sql in enumerate(CHECKS, 1):
        found += _list_rows(sql)
        jobs.report_progress(done)
    found += invariants.list_problems()
    if allowed_lag is not None:
        found += [
            f"{job} is {seconds:.0f} s behind"
            for job, seconds in lag.get_lag_by_job().items()
            if seconds > allowed_lag.total_seconds()
        ]
    return found


def _list_rows(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} LIMIT {MAX_LISTED}")
        return [str(row[0]) for row in cursor.fetchall()]


def _list_allowed_moves() -> str:
    """Return every (verb, from, to) of the bookings' table, as SQL rows."""
    moves = [(m.name, source, m.target) for m in BOOKING for source in m.sources]
    return ", ".join(f"('{verb}', '{source}', '{target}')" for verb, source, target in moves)


BLOCKING = ", ".join(f"'{status}'" for status in BOOKING.blocking)

TWO_AT_ONCE = """
    SELECT format('allocations %s and %s of unit %s of resource %s overlap', a.id, b.id, a.unit,
        a.resource_id)
    FROM api_allocation a JOIN api_allocation b ON a.resource_id = b.resource_id
    AND a.unit = b.unit AND a.id < b.id AND a.span && b.span
    WHERE a.blocking AND b.blocking"""

# what it takes is what it shows: as many units of each of its resources, its whole time, if it
# blocks at all. Of what serves a service it takes as many times more as the service needs
WRONG_PLACES = f"""
    SELECT format('booking %s does not have the places that it shows', b.id)
    FROM api_booking b LEFT JOIN LATERAL (
        SELECT sum(units) AS units, count(*) FILTER (WHERE resource_id = b.resource_id) AS first,
            count(*) AS resources, min(units) AS fewest, max(units) AS most,
            bool_and(follows) AS follows, bool_and(whole) AS whole
        FROM (SELECT a.resource_id, count(*) AS units,
                bool_and(a.blocking = (b.status IN ({BLOCKING}))) AS follows,
                bool_and(a.span @> tstzrange(b.starts_at, b.ends_at)) AS whole
            FROM api_allocation a WHERE a.booking_id = b.id GROUP BY a.resource_id) r) p ON true
    WHERE (p.first = 1 AND (p.fewest = b.quantity AND p.most = b.quantity
            OR b.service_id IS NOT NULL AND mod(p.units, b.quantity) = 0)
        AND p.follows AND p.whole AND b.several = (p.resources > 1)) IS NOT TRUE"""

# of every unit all of its times, whether it has them already or waits for them
INCOMPLETE_BLOCK = """
    SELECT format('block %s neither has nor waits for all of its time of unit %s', k.id, n)
    FROM api_block k JOIN api_resource r ON r.id = k.resource_id
    CROSS JOIN LATERAL generate_series(1::bigint, r.units::bigint) n
    WHERE (SELECT range_agg(a.span) FROM api_allocation a WHERE a.block_id = k.id AND a.unit = n)
        IS DISTINCT FROM (SELECT range_agg(t)
            FROM unnest(array_prepend(tstzrange(k.starts_at, k.ends_at), k.repeats)) t)"""

# what is free goes to blocks first
IDLE_BLOCK = """
    SELECT format('block %s waits for unit %s of resource %s, which is free', a.block_id, a.unit,
        a.resource_id)
    FROM api_allocation a WHERE a.kind = 'block' AND NOT a.blocking
    AND NOT tstzmultirange(a.span) <@ coalesce((SELECT range_agg(o.span) FROM api_allocation o
        WHERE o.resource_id = a.resource_id AND o.unit = a.unit AND o.blocking
        AND o.span && a.span), '{}')"""

# unless the number of units was lowered, until it fits
INVENTED_UNIT = """
    SELECT format('allocation %s is of unit %s of resource %s, which has %s', a.id, a.unit, r.id,
        r.units)
    FROM api_allocation a JOIN api_resource r ON r.id = a.resource_id
    WHERE a.blocking AND a.unit > r.units AND a.span && tstzrange(statement_timestamp(), NULL)
    AND r.crowded_until IS NULL"""

# unless staff have it under review, or have decided to keep it
TOO_MANY_GUESTS = f"""
    SELECT format('booking %s has %s guests in a place for %s', b.id, b.guests, r.capacity)
    FROM api_booking b JOIN api_resource r ON r.id = b.resource_id
    JOIN api_venue v ON v.id = r.venue_id
    WHERE v.capacity_enforced AND b.status IN ({BLOCKING}) AND b.guests > r.capacity * b.quantity
    AND b.ends_at > statement_timestamp() AND NOT EXISTS (SELECT FROM api_review w
        WHERE w.booking_id = b.id AND w.decision IN ('', 'keep')
        AND (w.decided_at IS NULL OR 'over_capacity' = ANY(w.broken)))"""

# the time before which lines may have been deleted for their age; that of no line is not known
HISTORY_STARTS_AT = """
    (SELECT coalesce((SELECT at FROM api_bookingevent ORDER BY id LIMIT 1), '-infinity'))"""

# the newest line that moved it has its status: nothing moved it without a line of history. All
# lines of an old booking may have been deleted
UNRECORDED_MOVE = f"""
    SELECT format('booking %s is %s but its history ends with %s', b.id, b.status,
        coalesce(e.to_status, 'nothing'))
    FROM api_booking b LEFT JOIN LATERAL (SELECT to_status FROM api_bookingevent
        WHERE booking_id = b.id ORDER BY id DESC LIMIT 1) e ON true
    WHERE e.to_status IS DISTINCT FROM b.status
    AND (e.to_status IS NOT NULL OR b.created_at >= {HISTORY_STARTS_AT})"""

# each line continues where the one before it ended: no change without a line, none twice
BROKEN_HISTORY = """
    SELECT format('history of booking %s: %s from %s after %s', booking_id, verb, from_status,
        before)
    FROM (SELECT booking_id, verb, from_status, to_status, lag(to_status) OVER
        (PARTITION BY booking_id ORDER BY id) AS before FROM api_bookingevent) e
    WHERE before IS NOT NULL AND from_status <> '' AND from_status <> before"""

UNKNOWN_MOVE = f"""
    SELECT format('booking %s went by %s from %s to %s', booking_id, verb, from_status, to_status)
    FROM api_bookingevent WHERE from_status <> '' AND from_status <> to_status
    AND (verb, from_status, to_status) NOT IN ({_list_allowed_moves()})"""

CLOCK_WITHOUT_JOB = """
    SELECT format('event %s was made by the clock, but by no job', id)
    FROM api_bookingevent WHERE by = 'clock' AND actor_name = ''"""

FINISHED_WITHOUT_TIME = """
    SELECT format('delivery %s is %s without a time', id, state) FROM api_delivery
    WHERE (state IN ('sent', 'withheld', 'parked')) <> (finished_at IS NOT NULL)"""

CHECKS = (
    TWO_AT_ONCE,
    WRONG_PLACES,
    INVENTED_UNIT,
    INCOMPLETE_BLOCK,
    IDLE_BLOCK,
    TOO_MANY_GUESTS,
    UNRECORDED_MOVE,
    BROKEN_HISTORY,
    UNKNOWN_MOVE,
    CLOCK_WITHOUT_JOB,
    FINISHED_WITHOUT_TIME,
)
