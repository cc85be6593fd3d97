"""The statements that write many reviews at once: ten thousand are opened in a second, with the
emails to the owners of their bookings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from api.models import Booking, Review
from api.services.bookings.statements import build_statement
from api.services.messages import notifications

_OPENED = f"""found AS (
        SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[])
            AS f(booking_id, code, detail, broken)),
    opened AS (
        INSERT INTO {Review._meta.db_table} (booking_id, code, detail, decision, reason, broken)
        SELECT b.id, f.code, left(f.detail, 400), '', '', string_to_array(f.broken, ',')
        FROM found f
        JOIN {Booking._meta.db_table} b ON b.id = f.booking_id ORDER BY b.id FOR KEY SHARE OF b
        ON CONFLICT DO NOTHING RETURNING id, booking_id, detail),
    written AS (
        SELECT b.*, NULL::timestamptz AS fell_due, o.id AS review_id, o.detail AS rule
        FROM opened o JOIN {Booking._meta.db_table} b ON b.id = o.booking_id)"""


def open_reviews(reviews: Sequence[Review]) -> None:
    """Opens these reviews and writes to the owners of their bookings. Of a booking that is deleted
    by now there is none."""
    rows = [(row.booking_id, row.code, row.detail, ",".join(row.broken)) for row in reviews]
    part = notifications.review_part()
    with connection.cursor() as cursor:
        cursor.execute(*build_statement((_OPENED, _columns(rows)), [part], "SELECT FROM opened"))


_UPDATE = f"""UPDATE {Review._meta.db_table} r
    SET code = f.code, detail = left(f.detail, 400), broken = string_to_array(f.broken, ',')
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS f(id, code, detail, broken)
    WHERE r.id = f.id"""


def update_reviews(reviews: Sequence[Review]) -> None:
    """Writes code, detail and the broken rules of these rows."""
    rows = [(row.pk, row.code, row.detail, ",".join(row.broken)) for row in reviews]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_UPDATE, _columns(rows))


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    return [list(column) for column in zip(*rows, strict=True)]
