"""Bookings of the organizer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework.request import Request

from api import errors
from api.contracts import kit
from api.contracts.circletime.errors import taken_after
from api.contracts.circletime.serializers import bookings as serializers
from api.contracts.circletime.serializers.fields import parse_id
from api.queries.venues import rooms
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.extend import extend_booking
from api.services.bookings.reschedule import reschedule_booking

from .base import CircletimeView


class BookingListView(CircletimeView):
    request_serializer = serializers.CreateBookingSerializer
    response_serializer = serializers.BookingSerializer

    @kit.operation("Book a room", status=201)
    def post(self, request: Request) -> Any:
        body = self.validated()
        body["resource"] = self.get_room(body["resource"]).pk
        wanted = BookingRequest(
            owner=self.user,
            guests=count_people(self.user.pk, body.get("attendees", ())),
            contract=self.contract,
            **body,
        )
        actor = Actor.for_new_booking(self.user)
        return create_booking(wanted, actor=actor)


class BookingView(CircletimeView):
    request_serializer = serializers.CreateBookingSerializer
    response_serializer = serializers.BookingSerializer

    @kit.operation("Show a booking")
    def get(self, request: Request, booking: str) -> Any:
        """The organizer's right, that of who is invited, and the staff's."""
        return rooms.get_visible_booking(self.venue, parse_id(booking), self.user)

    @kit.operation("Change a booking", partial=True)
    def put(self, request: Request, booking: str) -> Any:
        """The organizer's right, and the staff's. What is left out stays."""
        row = self.get_own_booking(parse_id(booking))
        body = self.validated()
        if "resource" in body:
            body["resource"] = self.get_room(body["resource"]).pk
        if "attendees" in body:
            body["guests"] = count_people(row.owner_id, body["attendees"])
        changes = BookingChanges(**body)
        reschedule_booking(row.pk, self.actor_for(row), changes)
        return self.get_booking(booking)

    @kit.operation("Cancel a booking", response=serializers.CancelledSerializer)
    def delete(self, request: Request, booking: str) -> Any:
        """The organizer's right, and the staff's."""
        row = self.get_booking(booking)
        return cancel_booking(row.pk, self.actor_for(row))


class ExtendView(CircletimeView):
    request_serializer = serializers.ExtendSerializer
    response_serializer = serializers.BookingSerializer

    @kit.operation("Extend a meeting", errors={errors.SlotTaken: taken_after()})
    def post(self, request: Request, booking: str) -> Any:
        """The organizer's right, and the staff's, also once it has begun."""
        row = self.get_own_booking(parse_id(booking))
        extend_booking(row.pk, self.actor_for(row), **self.validated())
        return self.get_booking(booking)


def count_people(organizer: int, attendees: Iterable[Any]) -> int:
    return len({organizer, *(person.pk for person in attendees)})
