"""Deletes a booking, history and all: what an admin of an old frontend means by deleting. One that
payments or trades refer to is only cancelled."""

from __future__ import annotations

from django.core import serializers
from django.db import transaction
from django.db.models import ProtectedError

from api import errors
from api.lifecycle import BOOKING
from api.models import Booking, Delivery
from api.models.outbox import Kind, State
from api.services.actors import Actor

from .actions import cancel_booking


def delete_booking(booking_id: int, actor: Actor) -> bool:
    """Whether the row is gone, not if payments or trades refer to it. One that still blocked its
    slot is cancelled first, so that its owner is written to. By staff; refuses `Forbidden`."""
    if not actor.is_staff:
        raise errors.Forbidden
    with transaction.atomic():
        booking = Booking.objects.select_for_update(of=("self",)).filter(pk=booking_id).first()
        if booking is None:
            raise errors.NotFound
        if booking.status in BOOKING.blocking:
            booking = cancel_booking(booking_id, actor)
        try:
            with transaction.atomic():
                _detach_emails(booking)
                booking.delete()
        except ProtectedError:
            return False
    return True


def _detach_emails(booking: Booking) -> None:
    """Emails that are still to be sent outlive the row, with a copy of it."""
    copy = serializers.serialize("json", [booking])
    unsent = Delivery.objects.filter(booking=booking, kind=Kind.EMAIL).exclude(
        state__in=[State.SENT, State.WITHHELD]
    )
    for row in unsent:
        row.booking, row.payload = None, row.payload | {"removed": copy}
        row.save(update_fields=["booking", "payload"])
