"""Takes a booking out of the books altogether, history and all: what an admin of an old frontend
means by deleting. Money and trades keep it: then it is cancelled, and stays."""

from __future__ import annotations

from django.core import serializers
from django.db import transaction
from django.db.models import ProtectedError

from api import errors
from api.lifecycle import BOOKING
from api.models import Booking, Delivery
from api.models.outbox import Kind, State
from api.services.actors import Actor

from . import bookings


def remove(pk: int, actor: Actor) -> bool:
    """Whether the row is gone; one that still blocked its slot is cancelled first, so its owner is
    told. False if payments or trades hold on to it. By staff only; refuses `Forbidden`."""
    if not actor.is_staff:
        raise errors.Forbidden
    with transaction.atomic():
        booking = Booking.objects.select_for_update(of=("self",)).filter(pk=pk).first()
        if booking is None:
            raise errors.NotFound
        if booking.status in BOOKING.blocking:
            booking = bookings.cancel(pk, actor)
        try:
            with transaction.atomic():
                _detach_emails(booking)
                booking.delete()
        except ProtectedError:
            return False
    return True


def _detach_emails(booking: Booking) -> None:
    """What is still to be told of it outlives the row, with a copy of it."""
    copy = serializers.serialize("json", [booking])
    unsent = Delivery.objects.filter(booking=booking, kind=Kind.EMAIL).exclude(
        state__in=[State.SENT, State.WITHHELD]
    )
    for row in unsent:
        row.booking, row.payload = None, row.payload | {"removed": copy}
        row.save(update_fields=["booking", "payload"])
