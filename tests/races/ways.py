"""Ways to take a slot that is free: each readies a booking, or a block, and answers what takes the
slot."""

from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models.functions import Now

from api.lifecycle import Status
from api.models import Booking, Resource
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking, pay_booking_late, reinstate_booking
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.extend import extend_booking
from api.services.bookings.reschedule import reschedule_booking
from api.services.bookings.status_changes import set_booking_status
from api.services.venues.blocks import create_block

HOUR = timedelta(hours=1)


def owner_of(booking):
    return Actor.for_booking(booking.owner, booking)


class Ways:
    def __init__(self, kind, slot, sam):
        self.kind, self.slot = kind, slot
        self.staff = Actor.in_venue(sam, kind.first.venue_id)
        self.elsewhere = slot + timedelta(days=3)

    def _booking(self, owner, start):
        return create_booking(
            self.kind.request(owner, start, start + HOUR), actor=Actor.for_new_booking(owner)
        )

    def book(self, owner):
        return partial(self._booking, owner, self.slot)

    def book_longer(self, owner):
        return partial(
            create_booking,
            self.kind.request(owner, self.slot - HOUR / 2, self.slot + HOUR / 2),
            actor=Actor.for_new_booking(owner),
        )

    def move_in_time(self, owner):
        self.elsewhere += 2 * HOUR
        row = self._booking(owner, self.elsewhere)
        changes = self.kind.move(self.slot, self.slot + HOUR)
        return partial(reschedule_booking, row.pk, owner_of(row), changes)

    def move_in_place(self, owner):
        annex = Resource.objects.create(venue=self.kind.first.venue, name="Annex", capacity=4)
        request = BookingRequest(
            owner=owner, resource=annex.pk, starts_at=self.slot, ends_at=self.slot + HOUR
        )
        row = create_booking(request, actor=Actor.for_new_booking(owner))
        return partial(reschedule_booking, row.pk, owner_of(row), self.kind.move_here(HOUR))

    def extend(self, owner):
        row = self._booking(owner, self.slot - HOUR - self.kind.gap)
        return partial(extend_booking, row.pk, owner_of(row), by=HOUR + self.kind.gap)

    def reinstate(self, owner):
        row = self._booking(owner, self.slot)
        cancel_booking(row.pk, owner_of(row))
        return partial(reinstate_booking, row.pk, self.staff)

    def set_confirmed(self, owner):
        row = self._booking(owner, self.slot)
        cancel_booking(row.pk, owner_of(row))
        return partial(set_booking_status, row.pk, Status.CONFIRMED, self.staff)

    def pay_late(self, owner):
        row = self._booking(owner, self.slot)
        Booking.objects.filter(pk=row.pk).update(
            status=Status.EXPIRED, hold_expires_at=Now(), price_minor=500
        )

        def paid():
            with transaction.atomic():
                return pay_booking_late(row.pk, Actor.payment("test"))

        return paid

    def block(self, _):
        times = {"starts_at": self.slot, "ends_at": self.slot + HOUR}
        return partial(create_block, self.kind.first, self.staff, **times)
