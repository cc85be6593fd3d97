"""The statement that writes bookings of a series: one for all of them, or for none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
from django.db import models
from django.db.models.expressions import DatabaseDefault

from api.models import Allocation, Booking, Series
from api.services.bookings.statements import InsertPart, Place, Statement, build_statement

_LATER = ("approved_by_id", "approved_at", "checked_in_at", "ended_at", "created_at", "updated_at")


def _list_columns(model: type[models.Model], *without: str) -> str:
    fields = (f for f in model._meta.concrete_fields if f.attname not in without)
    return ", ".join(str(f.column) for f in fields)


_BOOKING, _SERIES = _list_columns(Booking, *_LATER), _list_columns(Series, "updated_at")
_ALLOCATIONS = Allocation._meta.db_table
# In one order, so that no two series wait for each other. Every number is a bigint, as the index
# compares exact types.
_PLACES = (
    f"places AS (INSERT INTO {_ALLOCATIONS} (booking_id, resource_id, unit, span, blocking, kind)"
    " SELECT p.booking, p.resource, p.unit, tstzrange(p.starts, p.ends), true, p.kind"
    " FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[],"
    " %s::timestamptz[], %s::text[]) AS p(booking, resource, unit, starts, ends, kind)"
    " ORDER BY p.resource, p.unit, p.starts ON CONFLICT DO NOTHING RETURNING booking_id),"
    " taken AS (SELECT WHERE api_all_or_nothing((SELECT count(*) FROM places), %s::bigint))"
)
_NEW_SERIES = (
    f", series AS (INSERT INTO {Series._meta.db_table} ({_SERIES}) SELECT {_SERIES} FROM taken"
    f" CROSS JOIN jsonb_populate_record(NULL::{Series._meta.db_table}, %s))"
)
_WRITTEN = (
    f", written AS (INSERT INTO {Booking._meta.db_table} ({_BOOKING}) SELECT {_BOOKING} FROM taken"
    f" CROSS JOIN jsonb_populate_recordset(NULL::{Booking._meta.db_table}, %s) ORDER BY id"
    " RETURNING *, '' AS status_left, NULL::timestamptz AS fell_due)"
)
ATTEND = (
    f"INSERT INTO {Booking.attendees.through._meta.db_table} (booking_id, user_id)"
    " SELECT w.id, person FROM written w CROSS JOIN unnest(%s::bigint[]) person"
)


def insert_series(
    series: Series | None,
    bookings: Sequence[Booking],
    places: Sequence[tuple[int, Place]],
    parts: Sequence[InsertPart],
) -> Statement:
    """Inserts the bookings, whose places (with the booking's id) all must be free, else it raises
    23P01; with the series, if it is new. Never deadlocks with another of its kind, or with the
    insert of one booking. Gives back created_at and updated_at of each."""
    columns = zip(*((pk, *place) for pk, place in places), strict=True)
    params: list[Any] = [*map(list, columns), len(places)]
    sql = _PLACES
    if series is not None:
        sql += _NEW_SERIES
        params.append(to_json([series])[1:-1])
    params.append(to_json(bookings))
    select = "SELECT created_at, updated_at FROM written ORDER BY id"
    return build_statement((sql + _WRITTEN, params), parts, select)


_MOVED = [
    str(f.column)
    for f in Booking._meta.concrete_fields
    if f.attname not in ("id", "status", "created_at", "updated_at")
]
_UPDATE = (
    f"UPDATE {Booking._meta.db_table} t SET updated_at = statement_timestamp(),"
    f" {', '.join(f'{column} = r.{column}' for column in _MOVED)}"
    f" FROM jsonb_populate_recordset(NULL::{Booking._meta.db_table}, %s) r WHERE t.id = r.id"
)


def update_bookings(bookings: Sequence[Booking]) -> Statement:
    """Writes all columns of these bookings but their status."""
    return _UPDATE, [to_json(bookings)]


def insert_places(places: Sequence[tuple[int, Place]]) -> Statement:
    """Takes the places, which all must be free, else it raises 23P01."""
    columns = zip(*((pk, *place) for pk, place in places), strict=True)
    return f"WITH {_PLACES} SELECT FROM taken", [*map(list, columns), len(places)]


def to_json(rows: Sequence[models.Model]) -> str:
    """The columns of the rows, as `jsonb_populate_recordset` reads them."""
    fields = rows[0]._meta.concrete_fields
    values = [{f.column: getattr(row, f.attname) for f in fields} for row in rows]
    return orjson.dumps(values, _encode).decode()


def _encode(value: Any) -> str | None:
    if isinstance(value, DatabaseDefault):  # of a column that is not inserted
        return None
    if isinstance(value, timedelta):
        return f"{value // timedelta.resolution} microseconds"
    raise TypeError(value)
