"""A resource with everything its policy looks at, in three statements whatever the question.

`current` keeps what it read, and asks the database each time whether that is still the latest:
triggers give the venue a new version with every change of anything here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject, Now

from api.errors import NotFound
from api.models import Closure, PrimetimeWindow, Resource
from api.policy import Rules


def resources(*, retired: bool = False) -> QuerySet[Resource]:
    """Resources with venue, windows and closures at hand, each carrying the database's `now`;
    those that take no new bookings only when asked for."""
    kept = Resource.objects.all() if retired else Resource.objects.filter(retired_at=None)
    return (
        kept.select_related("venue")  # type: ignore[no-redef]
        .prefetch_related("venue__primetime", "venue__closures")
        .annotate(now=Now())
    )


def resource(pk: int, *, retired: bool = False) -> Resource:
    """The resource; refuses `NotFound`."""
    found = resources(retired=retired).filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such resource.")
    return found


def now_of(rows: Sequence[Resource]) -> datetime:
    return rows[0].now


def now() -> datetime:
    """The database's clock, where there is no resource to bring it along."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def of(place: Resource) -> Rules:
    """The rules of a resource that came from here."""
    venue = place.venue
    return Rules(place, venue, list(venue.primetime.all()), list(venue.closures.all()))


_KEPT: dict[int, tuple[int, Rules]] = {}
_MANY = 5000
_NEXT = "nextval('api_booking_id_seq')"
_VERSION = (
    "SELECT v.rules_version, statement_timestamp() FROM api_resource r"
    " JOIN api_venue v ON v.id = r.venue_id WHERE r.id = %s AND r.retired_at IS NULL"
)


_VERSION_AND_ID = _VERSION.replace(" FROM", f", {_NEXT} AS drawn FROM", 1)


@dataclass
class Along:
    """What `to_book` would ask of the database about this resource, for whoever asks it something
    else before: one statement less. `answer` is used once."""

    resource: int
    answer: Sequence[Any] | None = None
    question: ClassVar[str] = _VERSION_AND_ID


def along(pk: Any) -> Along | None:
    """None where it would not help. Within a transaction a statement is planned each time, since
    one that fails would end it; planning both as one costs more than asking twice."""
    known = type(pk) is int and pk in _KEPT
    return Along(pk) if known and not connection.in_atomic_block else None


def current(pk: int) -> tuple[Rules, datetime]:
    """The rules of a resource and the database's now, in one statement.
    What comes back is shared: read it, never write to it. Refuses `NotFound`."""
    rules, (now,) = _current(pk, _VERSION)
    return rules, now


def to_book(pk: int, asked: Along | None = None) -> tuple[Rules, datetime, int]:
    """As `current`, and the id of a booking to be."""
    rules, (now, *drawn) = _current(pk, _VERSION_AND_ID, asked)
    return rules, now, drawn[0] if drawn else _draw()


def _current(pk: int, question: str, asked: Along | None = None) -> tuple[Rules, Sequence[Any]]:
    if kept := _KEPT.get(pk):
        row = _answer(pk, question, asked)
        if row is not None and row[0] == kept[0]:
            return kept[1], row[1:]
    rules, now = _read(pk)
    if len(_KEPT) >= _MANY:
        _KEPT.clear()
    _KEPT[pk] = rules.venue.rules_version, rules
    return rules, (now,)


def _answer(pk: int, question: str, asked: Along | None) -> Sequence[Any] | None:
    if asked and asked.resource == pk and asked.answer:
        row, asked.answer = asked.answer, None
        return row
    with connection.prepared() as cursor:  # type: ignore[attr-defined]
        cursor.execute(question, [pk])
        return cursor.fetchone()  # type: ignore[no-any-return]


def _draw() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_NEXT}")
        return int(cursor.fetchone()[0])


def _read(pk: int) -> tuple[Rules, datetime]:
    """All of it as one row, so that its version is that of what it says."""
    found = (
        Resource.objects.filter(pk=pk, retired_at=None)  # type: ignore[no-redef]
        .select_related("venue")
        .annotate(now=Now(), windows=_part(PrimetimeWindow), closed=_part(Closure))
        .first()
    )
    if found is None:
        raise NotFound("There is no such resource.")
    windows = [_from_json(PrimetimeWindow, values) for values in found.windows]
    closures = [_from_json(Closure, values) for values in found.closed]
    return Rules(found, found.venue, windows, closures), found.now


def _part(model: type[Any]) -> ArraySubquery:
    fields = {field.attname: field.attname for field in model._meta.concrete_fields}
    rows = model.objects.filter(venue=OuterRef("venue")).order_by("pk")
    return ArraySubquery(rows.values_list(JSONObject(**fields)))


def _from_json(model: type[Any], values: dict[str, Any]) -> Any:
    fields = model._meta.concrete_fields
    return model(**{f.attname: f.to_python(values[f.attname]) for f in fields})
