"""Many rows in one statement, from columns as arrays: what `bulk_create` does row by row."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models
from psycopg.types.json import Jsonb

TYPES = {
    "BigAutoField": "bigint",
    "ForeignKey": "bigint",
    "JSONField": "jsonb",
    "DateTimeField": "timestamptz",
    "PositiveIntegerField": "int",
}


def insert(
    model: type[models.Model], columns: Mapping[str, Sequence[Any]], on_conflict: str = ""
) -> None:
    """Inserts len(column) rows; `columns` are named by attribute (`booking_id`). Columns left out
    take their database default. `on_conflict` is appended as written."""
    fields = [next(f for f in model._meta.concrete_fields if f.attname == name) for name in columns]
    casts = [TYPES.get(f.get_internal_type(), "text") for f in fields]
    values = [
        [Jsonb(v) for v in column] if cast == "jsonb" else list(column)
        for cast, column in zip(casts, columns.values(), strict=True)
    ]
    names = ", ".join(f'"{f.column}"' for f in fields)
    arrays = ", ".join(f"%s::{cast}[]" for cast in casts)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({names})"  # noqa: S608
            f" SELECT * FROM unnest({arrays}) {on_conflict}",
            values,
        )
