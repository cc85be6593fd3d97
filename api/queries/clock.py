"""The one clock that decides: the database's."""

from datetime import datetime
from typing import Any, TypeVar

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now

Rows = TypeVar("Rows", bound=QuerySet[Any])


def database_now() -> datetime:
    """The instant at which this statement began, aware."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def annotate_now(rows: Rows) -> Rows:
    """The same rows, each with the database's `now`."""
    return rows.annotate(now=Now())
