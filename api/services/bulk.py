"""Many rows in one statement, from columns as arrays: what `bulk_create` does row by row."""

import functools
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


@functools.cache
def _statement(
    model: type[models.Model], names: tuple[str, ...], one: bool
) -> tuple[str, tuple[str, ...]]:
    """The statement up to its conflict clause, and the type of each column. Arrays cost more
    than they save when there is a single row."""
    fields = [next(f for f in model._meta.concrete_fields if f.attname == name) for name in names]
    casts = tuple(TYPES.get(f.get_internal_type(), "text") for f in fields)
    columns = ", ".join(f'"{f.column}"' for f in fields)
    if one:
        rows = f"VALUES ({', '.join(f'%s::{cast}' for cast in casts)})"
    else:
        rows = f"SELECT * FROM unnest({', '.join(f'%s::{cast}[]' for cast in casts)})"  # noqa: S608
    return f"INSERT INTO {model._meta.db_table} ({columns}) {rows} ", casts


def insert(
    model: type[models.Model], columns: Mapping[str, Sequence[Any]], on_conflict: str = ""
) -> None:
    """Inserts len(column) rows; `columns` are named by attribute (`booking_id`). Columns left out
    take their database default. `on_conflict` is appended as written."""
    one = len(next(iter(columns.values()))) == 1
    statement, casts = _statement(model, tuple(columns), one)
    values: list[Any] = [
        [Jsonb(v) for v in column] if cast == "jsonb" else list(column)
        for cast, column in zip(casts, columns.values(), strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement + on_conflict, [v[0] for v in values] if one else values)
