"""What is asked of who waits."""

from __future__ import annotations

from datetime import timedelta

from api.models import (
    WaitlistEntry,
)
from api.queries.waitlist.line import list_visible_entries
from api.services.actors import Actor

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def by(owner):
    return Actor.for_new_booking(owner)


def offer_of(entry):
    entry.refresh_from_db()
    return entry.booking


def statuses(*entries):
    return [WaitlistEntry.objects.get(pk=entry.pk).status for entry in entries]


def positions(caller):
    rows = list_visible_entries(caller).order_by("pk")
    return [row.position for row in rows]
