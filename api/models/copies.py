"""Copies of rows that are not written yet."""

from __future__ import annotations

import copy
from typing import TypeVar

from django.db.models import Model

Row = TypeVar("Row", bound=Model)


def copy_row(row: Row) -> Row:
    """The same row once more: what is set of one is not set of the other."""
    found = copy.copy(row)
    found._state = copy.copy(row._state)
    found._state.fields_cache = dict(row._state.fields_cache)
    return found
