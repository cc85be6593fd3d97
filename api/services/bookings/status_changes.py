"""Statuses as forms set them, and one action on many bookings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import transaction

from api import errors
from api.lifecycle import BOOKING, CONFIRMED, PENDING, Status
from api.models import Booking, Caller
from api.queries.accounts.scope import limit_to_staff
from api.services.actors import Actor

from . import actions
from .slots import get_booking

Action = Callable[[int, Actor], Booking]

ACTIONS: dict[str, Action] = {
    PENDING: actions.reinstate_booking,
    Status.CONFIRMED.value: actions.approve_booking,
    Status.CANCELLED.value: actions.cancel_booking,
    Status.REJECTED.value: actions.reject_booking,
    Status.COMPLETED.value: actions.complete_booking,
    Status.CHECKED_IN.value: actions.check_in_booking,
}
# to these a booking that has ended comes by way of a request
FROM_REQUEST = (Status.CONFIRMED, Status.CANCELLED, Status.REJECTED)


def set_booking_status(booking_id: int, status: str, actor: Actor) -> Booking:
    """Brings a booking to a status by the actions that lead there, or refuses as they do. The same
    status again changes nothing. Staff may do what the table allows them, owners only cancel."""
    booking = get_booking(booking_id)
    if booking.status == status:
        return booking
    if not actor.is_staff and status != Status.CANCELLED:
        raise errors.Forbidden
    if status not in ACTIONS:
        raise errors.NotAllowedNow(current=booking.status)
    with transaction.atomic():
        if status == PENDING and booking.status == CONFIRMED:
            return actions.move_booking(BOOKING.resubmit, booking_id, actor)
        has_ended = booking.status in BOOKING.reinstate.sources
        if has_ended and status in FROM_REQUEST and actor.is_staff:
            actions.reinstate_booking(booking_id, actor, next_status=status)
        if status == Status.COMPLETED and booking.status == PENDING:
            actions.approve_booking(booking_id, actor, next_status=status)
        return ACTIONS[status](booking_id, actor)


def apply_to_bookings(
    ids: Sequence[int], caller: Caller, action: Action
) -> list[tuple[int, Booking | errors.Refusal]]:
    """Each id with its booking or its refusal: one that is refused does not hold the others up.
    One of a venue where the caller is not staff does not exist."""
    venues = dict(
        limit_to_staff(Booking.objects.filter(pk__in=ids), caller).values_list("pk", "venue_id")
    )
    results: list[tuple[int, Booking | errors.Refusal]] = []
    for booking_id in ids:
        try:
            if booking_id not in venues:
                raise errors.NotFound("There is no such booking.")
            actor = Actor.in_venue(caller, venues[booking_id])
            results.append((booking_id, action(booking_id, actor)))
        except errors.Refusal as refusal:
            results.append((booking_id, refusal))
    return results
