"""Many rows in one statement, from columns as arrays: what `bulk_create` does row by row."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Part:
    """An insert that becomes part of another statement."""

    select: str
    tail: str
    values: list[Any]


_parts: ContextVar[list[Part] | None] = ContextVar("parts", default=None)


@contextmanager
def gathered() -> Iterator[list[Part]]:
    """What is inserted meanwhile is not written but handed to the caller."""
    found: list[Part] = []
    before = _parts.set(found)
    try:
        yield found
    finally:
        _parts.reset(before)


def add(part: Part) -> None:
    """Hands in an insert that selects from the rows of the statement it becomes part of."""
    parts = _parts.get()
    assert parts is not None, "nothing is gathered here"  # noqa: S101
    parts.append(part)


def following(moved: str, parts: Sequence[Part], columns: str) -> str:
    """One statement: `moved`, common table expressions of which the last has that name, the
    inserts that select from it, and what is read of its rows."""
    inserts = "".join(f", part_{n} AS ({part.select} {part.tail})" for n, part in enumerate(parts))
    return f"WITH {moved}{inserts} SELECT {columns} FROM moved"  # noqa: S608


@functools.cache
def along_with(taken: str, parts: tuple[tuple[str, str], ...]) -> str:
    """One statement: what `taken` (an INSERT … RETURNING) gives back, and the inserts of each
    (select, tail) only if it gives something back."""
    with_it = "".join(
        f", part_{n} AS ({select} WHERE EXISTS (SELECT FROM taken) {tail})"
        for n, (select, tail) in enumerate(parts)
    )
    return f"WITH taken AS ({taken}){with_it} SELECT * FROM taken"  # noqa: S608


@functools.cache
def _statement(
    model: type[models.Model], names: tuple[str, ...], arrays: frozenset[str]
) -> tuple[str, tuple[str, ...]]:
    """The statement up to its conflict clause, and the type of each column. What is the same in
    every row, and what there is of a single row, is sent as it is; the rest as arrays."""
    fields = {f.attname: f for f in model._meta.concrete_fields}
    casts = tuple(TYPES.get(fields[name].get_internal_type(), "text") for name in names)
    columns = ", ".join(f'"{fields[name].column}"' for name in names)
    values = ", ".join(
        f'"{name}"' if name in arrays else f"%s::{cast}"
        for name, cast in zip(names, casts, strict=True)
    )
    several = [(name, cast) for name, cast in zip(names, casts, strict=True) if name in arrays]
    source = ", ".join(f"%s::{cast}[]" for _, cast in several)
    names_of = ", ".join(f'"{name}"' for name, _ in several)
    rows = f" FROM unnest({source}) AS rows({names_of})"
    return (
        f"INSERT INTO {model._meta.db_table} ({columns}) SELECT {values}{rows if several else ''} "
    ), casts


def insert(
    model: type[models.Model], columns: Mapping[str, Sequence[Any]], on_conflict: str = ""
) -> None:
    """Inserts len(column) rows; `columns` are named by attribute (`booking_id`). Columns left out
    take their database default. `on_conflict` is appended as written."""
    one = len(next(iter(columns.values()))) == 1
    arrays = frozenset(
        name for name, column in columns.items() if not one and any(v != column[0] for v in column)
    )
    if not arrays and not one:
        arrays = frozenset([next(iter(columns))])  # rows that are all alike are still many
    statement, casts = _statement(model, tuple(columns), arrays)
    single: list[Any] = []
    several: list[Any] = []
    for (name, column), cast in zip(columns.items(), casts, strict=True):
        wrap = Jsonb if cast == "jsonb" else _as_it_is
        if name in arrays:
            several.append([wrap(value) for value in column])
        else:
            single.append(wrap(column[0]))
    values = [*single, *several]
    if (parts := _parts.get()) is not None:
        parts.append(Part(statement, on_conflict, values))
        return
    with connection.cursor() as cursor:
        cursor.execute(statement + on_conflict, values)


def _as_it_is(value: Any) -> Any:
    return value
