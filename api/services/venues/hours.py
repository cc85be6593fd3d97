"""The weeks of venues and resources: each replaces the one before it from its date on.

A venue's first week is its columns where it is uniform, else rows; all other weeks are rows. Who
writes locks the venue, so that of two writers one is after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Q

from api import errors
from api.models import Hours, Resource, Venue
from api.opening_hours import (
    Row,
    build_uniform_week,
    build_week,
    find_bad_row,
    get_uniform_span,
    list_closed_weekdays,
    list_rows,
)
from api.queries.venues import hours as hours_query
from api.services.reviews.review import Affected, review_bookings

UNIFORM = ("opens_at", "closes_at", "closed_weekdays")


@transaction.atomic
def put_week(
    venue: Venue, resource: Resource | None, rows: Sequence[Row], valid_from: date | None = None
) -> list[Affected]:
    """The bookings that are affected by this week, from that date on or instead of today's; later
    weeks stay. An empty one of a venue is closed, of a resource means the venue's. Refuses
    `Unfit` for rows that overlap or take no time."""
    if bad := find_bad_row(rows):
        raise errors.Unfit(errors={f"week.{bad[0]}": [bad[1]]})
    _lock(venue)
    write_week(venue, resource, rows, valid_from or get_valid_from(venue, resource))
    return _review(venue, resource)


@transaction.atomic
def delete_week(
    venue: Venue, resource: Resource | None, valid_from: date | None = None
) -> list[Affected]:
    """The bookings that are affected when the week of that date, or today's, is gone: the one
    before it holds on. Refuses `NotFound` where there is none from that date, and `Unfit` for the
    first week of a venue, which another can only replace."""
    _lock(venue)
    found = valid_from or get_valid_from(venue, resource)
    if found is None and resource is None:
        raise errors.Unfit(errors={"from": ["A venue's first week can be replaced, not removed."]})
    rows = Hours.objects.filter(venue=venue, resource=resource, valid_from=found)
    if found is not None and not rows.exists():
        raise errors.NotFound("There is no week from that date.")
    if found is None:
        write_week(venue, resource, (), None)
    else:
        rows.delete()
    return _review(venue, resource)


def get_valid_from(venue: Venue, resource: Resource | None) -> date | None:
    """From when the week of today is valid."""
    weeks = hours_query.list_entered_weeks(venue, resource)
    return hours_query.split_weeks(weeks, hours_query.get_today(venue))[0].valid_from


def write_week(
    venue: Venue, resource: Resource | None, rows: Sequence[Row], valid_from: date | None
) -> None:
    """Instead of the week that was valid from that date."""
    key: dict[str, Any] = {"venue": venue, "resource": resource, "valid_from": valid_from}
    Hours.objects.filter(**key).delete()
    if valid_from is None:
        week = build_week(rows)
        span = get_uniform_span(week) if resource is None else None
        columns: dict[str, Any] = dict(zip(UNIFORM, span or (None, None), strict=False))
        if resource is None:
            columns["closed_weekdays"] = list_closed_weekdays(week) if span else []
        _save(resource or venue, columns)
        rows = () if span else rows
    new = [
        Hours(**key, weekday=weekday, opens_at=opens, closes_at=closes)
        for weekday, opens, closes in rows
    ]
    if not rows and valid_from is not None:
        new = [Hours(**key)]
    Hours.objects.bulk_create(new)


def update_uniform_hours(owner: Venue | Resource, sent: Mapping[str, Any]) -> None:
    """Writes today's week with these of `UNIFORM` changed; the same as there are change nothing.
    Both times null take a resource's own hours away. Refuses `Unfit` where what was left out is
    not the same every day, and for times that are equal and not 00:00."""
    venue, resource = (owner, None) if isinstance(owner, Venue) else (owner.venue, owner)
    _lock(venue)
    before = dict(zip(UNIFORM, _get_uniform_hours(owner), strict=False))
    if all(before[name] == value for name, value in sent.items()):
        return
    after = {**before, **sent}
    missing = [name for name in UNIFORM[:2] if after[name] is None]
    if missing and (resource is None or len(missing) == 1):
        raise errors.Unfit(errors={missing[0]: ["Give both times, or write `hours/`."]})
    valid_from = get_valid_from(venue, resource)
    if missing:
        write_week(venue, resource, (), valid_from)
        return
    if find_bad_row([(0, after["opens_at"], after["closes_at"])]):
        raise errors.Unfit(errors={"closes_at": ["Must differ from `opens_at` or be 00:00 too."]})
    closed_weekdays = after.get("closed_weekdays")
    if closed_weekdays is None:
        closed_weekdays = list_closed_weekdays(hours_query.get_venue_week(venue))
    if valid_from is None:
        Hours.objects.filter(venue=venue, resource=resource, valid_from=None).delete()
        _save(owner, after | ({"closed_weekdays": closed_weekdays} if resource is None else {}))
    else:
        week = build_uniform_week(after["opens_at"], after["closes_at"], closed_weekdays)
        write_week(venue, resource, list_rows(week), valid_from)


def clear_uniform_hours(owner: Venue | Resource) -> None:
    """Empties the columns of a uniform week where rows have taken their place."""
    own = Q(venue=owner, resource=None) if isinstance(owner, Venue) else Q(resource=owner)
    if owner.opens_at is not None and Hours.objects.filter(own, valid_from=None).exists():
        _save(owner, {"opens_at": None, "closes_at": None})


def _get_uniform_hours(owner: Venue | Resource) -> Sequence[Any]:
    if isinstance(owner, Venue):
        return hours_query.get_uniform_hours(owner)
    return hours_query.get_own_uniform_span(owner) or (None, None)


def _save(owner: Venue | Resource, columns: Mapping[str, Any]) -> None:
    for name, value in columns.items():
        setattr(owner, name, value)
    owner.save(update_fields=[*columns, "updated_at"])


def _lock(venue: Venue) -> None:
    Venue.objects.select_for_update(no_key=True).get(pk=venue.pk)


def _review(venue: Venue, resource: Resource | None) -> list[Affected]:
    return review_bookings(venue.pk, None if resource is None else [resource.pk])
