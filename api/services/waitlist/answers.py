"""What somebody who waited does with an offer. The entry follows its booking by trigger."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from api import terms
from api.lifecycle import BOOKING
from api.models import Booking
from api.queries.venues.rules import build_rules, get_resource
from api.services.actors import Actor
from api.services.bookings.actions import move_booking
from api.services.bookings.slots import lock_booking
from api.services.conflicts import retry_on_conflict


@retry_on_conflict
@transaction.atomic
def accept_offer(booking_id: int, actor: Actor) -> Booking:
    """Takes an offer: it is confirmed, waits for approval or is held for payment, as the venue's
    policy gives. By whom it was made to. Refuses `AlreadyDone` and `NotAllowedNow` once it is
    decided.

    Against the clock, which lapses the offer, exactly one of the two wins."""
    booking = lock_booking(booking_id)  # so that what is priced and approved is what is taken
    resource = get_resource(booking.resource_id, retired=True)
    rules, now, venue = build_rules(resource), resource.now, booking.venue
    status = terms.get_initial_status(rules, booking.primetime, booking.price_minor)
    times = booking.starts_at, booking.ends_at
    sets: dict[str, Any] = {**terms.calculate_deadlines(venue, *times, now)}
    sets |= terms.get_payment_columns(venue, status, booking.price_minor, now)
    return move_booking(BOOKING.get_transition("accept", status), booking_id, actor, sets=sets)


@retry_on_conflict
def decline_offer(booking_id: int, actor: Actor) -> Booking:
    """Leaves an offer to the next in line. By whom it was made to; refuses as `accept_offer`."""
    return move_booking(BOOKING.decline, booking_id, actor)
