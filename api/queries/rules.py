"""A resource with everything its policy looks at, in three statements whatever the question."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import QuerySet
from django.db.models.functions import Now

from api.errors import NotFound
from api.models import Resource


def resources() -> QuerySet[Resource]:
    """Resources with venue, windows and closures at hand, each carrying the database's `now`."""
    return (
        Resource.objects.filter(retired_at=None)  # type: ignore[no-redef]
        .select_related("venue")
        .prefetch_related("venue__primetime", "venue__closures")
        .annotate(now=Now())
    )


def resource(pk: int) -> Resource:
    """The resource; refuses `NotFound`."""
    found = resources().filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such resource.")
    return found


def now_of(rows: Sequence[Resource]) -> datetime:
    return rows[0].now
