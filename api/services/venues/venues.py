"""Venues and what belongs to them; one preset per contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from api.models import Resource, Series, Venue
from api.models.venues import Approval, CompletionFrom, SlotRule
from api.queries.accounts import people
from api.queries.venues.broken_rules import are_rules
from api.services.reviews.review import review_bookings

from . import hours

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

PRESETS: dict[str, dict[str, Any]] = {
    "primetime": {
        "name": "Primetime Court",
        "opens_at": time(7),
        "closes_at": time(19),
        "slot_length": 60 * MINUTE,
        "approval": Approval.PRIMETIME,
        "max_advance": 30 * DAY,
        "wording": "primetime",
    },
    "barbershop": {
        "name": "Fade District",
        "time_zone": "Europe/Berlin",
        "opens_at": time(9),
        "closes_at": time(20),
        "hours_enforced": False,
        "slot_length": 30 * MINUTE,
        "approval": Approval.ALWAYS,
        "completion_from": CompletionFrom.START,
        "completion_after": 35 * MINUTE,
        "wording": "barbershop",
    },
    "circletime": {
        "name": "Circle Time",
        "opens_at": time(7),
        "closes_at": time(19),
        "hours_enforced": False,
        "slot_length": 30 * MINUTE,
        # a small room may be full: analytics count that, nobody is turned away for it
        "capacity_enforced": False,
        # a meeting that has begun may still be put on the door
        "min_notice": -1 * DAY,
        "check_in_required": True,
        "grace_from_booking": False,
        "remind_before": 15 * MINUTE,
        "wording": "circletime",
    },
    "resources": {
        "name": "Resources",
        "slot_length": 60 * MINUTE,
        "approval": Approval.ALWAYS,
        "min_notice": 30 * MINUTE,
        "wording": "resources",
    },
    "paidrooms": {
        "name": "Paid Rooms",
        "opens_at": time(9),
        "closes_at": time(18),
        "slot_length": 30 * MINUTE,
        "slot_rule": SlotRule.WHOLE,
        "hold_length": 30 * MINUTE,
        "wording": "paidrooms",
    },
}


def get_contract_venue(slug: str) -> Venue:
    """The venue behind a contract, with its staff (`people.read_staff_roles`); made from its preset
    when it is not there yet."""
    rows: QuerySet[Venue] = people.annotate_staff(Venue.objects.filter(slug=slug))
    venue = rows.first()
    if venue is None:
        Venue.objects.get_or_create(slug=slug, defaults=PRESETS[slug])
        venue = rows.get()
    return venue


def get_only_resource(venue: Venue, name: str, **fields: Any) -> Resource:
    """The one resource of a venue that has a single calendar; made when it is not there yet."""
    mine = Resource.objects.filter(venue=venue, retired_at=None).order_by("pk")
    if found := mine.first():
        return found
    with transaction.atomic():  # two calendars of one court would be sold twice
        Venue.objects.select_for_update(no_key=True).get(pk=venue.pk)
        return mine.first() or Resource.objects.create(venue=venue, name=name, **fields)


def create_venue(**columns: Any) -> Venue:
    """A new venue. A slug that is taken is an IntegrityError, which refuses `Conflict`."""
    with transaction.atomic():
        return Venue.objects.create(**columns)


@transaction.atomic
def update_venue(venue: Venue, columns: Mapping[str, Any]) -> Venue:
    """The venue with these columns changed, and the bookings that this has `affected`: they stay,
    also at their instants when its time zone is another one. Refuses `Unfit` for hours that are
    not whole."""
    uniform = {name: columns[name] for name in hours.UNIFORM if name in columns}
    others = {name: value for name, value in columns.items() if name not in uniform}
    for name, value in others.items():
        setattr(venue, name, value)
    if others:
        venue.save(update_fields=[*others, "updated_at"])
    if "max_advance" in others:
        reconsider_later(venue)
    if uniform:
        hours.update_uniform_hours(venue, uniform)
    if are_rules(venue, columns):
        venue.affected = review_bookings(venue.pk)
    return venue


def reconsider_later(venue: Venue) -> None:
    """Has the next run look whether later occurrences of series can be booked by now."""
    waiting = Series.objects.filter(venue=venue, later_from__isnull=False, ended_at=None)
    waiting.update(extends_at=Now())
