"""What follows once the bookings of a series were changed: history, transitions, who attends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from api.lifecycle import BOOKING, Transition
from api.models import Booking, Series
from api.services.actors import Actor
from api.services.bookings.changes import record_values
from api.services.bookings.slots import list_bookings_now
from api.services.bookings.transitions import apply_transition
from api.signals import booking_changed


def announce_changes(
    series: Series,
    before: Sequence[Booking],
    after: Sequence[Booking],
    moved: Collection[int],
    follow_ups: Mapping[int, Transition],
    actor: Actor,
) -> list[Booking]:
    """The bookings as they stand after the transitions that follow from their move (by id), each
    with its history. One statement each for all that were changed alike."""
    had = {booking.pk: record_values(booking) for booking in before}
    alike: dict[tuple[bool, bool], list[Booking]] = defaultdict(list)
    changes: dict[int, dict[str, Any]] = {}
    for booking in after:
        old, new = had[booking.pk], record_values(booking)
        if changed := [name for name in old if old[name] != new[name]]:
            changes[booking.pk] = {
                "from": {name: old[name] for name in changed},
                "to": {name: new[name] for name in changed},
            }
            resubmitted = follow_ups.get(booking.pk) is BOOKING.resubmit
            alike[booking.pk in moved, resubmitted].append(booking)
    for (is_moved, resubmitted), rows in alike.items():
        details: dict[str, Any] = {
            "moved": is_moved,
            "resubmitted": resubmitted,
            "series": series.pk,
        }
        booking_changed.send(
            sender=Booking, rows=rows, actor=actor, details=details, changes=changes
        )
    for move in (BOOKING.resubmit, BOOKING.confirm):
        if ids := [pk for pk, follow_up in follow_ups.items() if follow_up is move]:
            details = {"reason": "moved", "series": series.pk}
            apply_transition(move, ids, actor, details=details)
    return list_bookings_now([booking.pk for booking in after]) if follow_ups else list(after)


def replace_attendees(bookings: Sequence[Booking], people: Collection[int]) -> None:
    """These people attend all of them, and nobody else."""
    through = Booking.attendees.through
    ids = [booking.pk for booking in bookings]
    through.objects.filter(booking__in=ids).exclude(user__in=people).delete()
    through.objects.bulk_create(
        [through(booking_id=pk, user_id=person) for pk in ids for person in people],
        ignore_conflicts=True,
    )
