"""The weeks of a venue or a resource as they were entered, and the one that is valid today."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time

from django.utils import timezone

from api.models import Resource, Venue
from api.opening_hours import (
    MIDNIGHT,
    NEVER_OPEN,
    Row,
    Span,
    Week,
    build_schedule,
    build_uniform_week,
    find_week,
    get_outer_span,
    get_uniform_span,
    list_closed_weekdays,
    list_dated_weeks,
    list_rows,
    list_venue_weeks,
)


@dataclass(frozen=True)
class EnteredWeek:
    """The rows of a week by weekday and opening, and the date from which it is valid; None is
    always."""

    valid_from: date | None
    week: list[Row] = field(default_factory=list)


def get_today(venue: Venue) -> date:
    """The date there by the process's clock: a list reads it for each row, and it decides only
    which week is shown as today's."""
    return timezone.now().astimezone(venue.zone).date()


def list_entered_weeks(venue: Venue, resource: Resource | None = None) -> list[EnteredWeek]:
    """The weeks of the venue, or the own ones of the resource, by the date from which they are
    valid. The first is valid always; it may be empty."""
    found: dict[date | None, EnteredWeek] = {None: EnteredWeek(None)}
    rows = list(venue.hours.all())
    for row in sorted(
        (row for row in rows if row.resource_id == (resource and resource.pk)),
        key=lambda row: (row.valid_from or date.min, row.weekday or 0, row.opens_at or MIDNIGHT),
    ):
        entered = found.setdefault(row.valid_from, EnteredWeek(row.valid_from))
        if row.weekday is not None and row.opens_at is not None and row.closes_at is not None:
            entered.week.append((row.weekday, row.opens_at, row.closes_at))
    if not found[None].week and (span := _get_span(resource or venue)):
        if resource:
            week = build_schedule(resource, rows, ()).get_week(get_today(venue))
        else:
            week = build_uniform_week(*span, venue.closed_weekdays)
        found[None] = EnteredWeek(None, list_rows(week))
    return list(found.values())


def _get_span(owner: Venue | Resource) -> Span | None:
    if owner.opens_at is None or owner.closes_at is None:
        return None
    return owner.opens_at, owner.closes_at


def split_weeks(weeks: list[EnteredWeek], today: date) -> tuple[EnteredWeek, list[EnteredWeek]]:
    """The week that is valid today, and the later ones."""
    begun = [week for week in weeks if week.valid_from is None or week.valid_from <= today]
    return begun[-1], weeks[len(begun) :]


def get_venue_week(venue: Venue) -> Week:
    """The week of the venue that is valid today."""
    found = find_week(list_venue_weeks(venue, venue.hours.all()), get_today(venue))
    return found.week if found else NEVER_OPEN


def get_uniform_hours(venue: Venue) -> tuple[time | None, time | None, list[int] | None]:
    """Opening, closing and closed weekdays of the venue's week, where it is the same every day but
    on those; else thrice None. What is in the venue's own columns is answered as it is there."""
    week = get_venue_week(venue)
    span = _get_span(venue)
    if span and week == build_uniform_week(*span, venue.closed_weekdays):
        return *span, list(venue.closed_weekdays)
    if span := get_uniform_span(week):
        return *span, list_closed_weekdays(week)
    return None, None, None


def get_own_uniform_span(resource: Resource) -> Span | None:
    """Opening and closing of the resource's own week, where it is the same every day."""
    own = find_week(list_dated_weeks(resource.own_hours.all()), get_today(resource.venue))
    return _get_span(resource) if own is None else get_uniform_span(own.week)


def get_outer_hours(owner: Venue | Resource) -> Span:
    """From the earliest opening to the latest closing of today's week of the venue or resource."""
    if isinstance(owner, Venue):
        week = get_venue_week(owner)
    else:
        schedule = build_schedule(owner, owner.venue.hours.all(), ())
        week = schedule.get_week(get_today(owner.venue))
    return get_outer_span(week) or (MIDNIGHT, MIDNIGHT)
