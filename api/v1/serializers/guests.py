"""What guests send, and what is shown to whoever has the link of a letter."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.models import Booking
from api.rest.credentials import EmailField

from .base import SharedFieldsSerializer, example
from .booking_requests import NewBookingSerializer
from .bookings import BOOKING, BookingSerializer
from .fields import InstantField

GUEST_BOOKING = BOOKING | {
    "owner": {"id": None, "name": "Gus Example", "email": "gus@example.com"},
    "attendees": [],
    "confirmed_at": "2030-04-28T12:05:00Z",
}


@example(
    request={
        "resource": 3,
        "starts_at": "2030-05-01T09:00:00Z",
        "ends_at": "2030-05-01T10:00:00Z",
        "name": "Gus Example",
        "email": "gus@example.com",
    }
)
class NewGuestBookingSerializer(NewBookingSerializer):
    name = serializers.CharField(max_length=150, help_text="What to call the guest.")
    email = EmailField(help_text="Where the letter with the link is sent.")
    attendees = None  # type: ignore[assignment]  # accounts, which are no guest's to name


@example({"detail": "We have sent a letter.", "expires_at": "2030-04-28T12:15:00Z"})
class GuestBookingRequestedSerializer(serializers.Serializer[Any]):
    detail = serializers.CharField(help_text="What is to be done next, for people.")
    expires_at = serializers.DateTimeField(
        source="hold_expires_at", help_text="Until when the time is held to be confirmed."
    )


@example(GUEST_BOOKING)
class GuestBookingSerializer(BookingSerializer):
    confirmed_at = serializers.DateTimeField(
        source="guest_confirmed_at",
        allow_null=True,
        help_text="When it was confirmed by the letter's link; null while that is still to come.",
    )

    class Meta(BookingSerializer.Meta):
        fields = [*BookingSerializer.Meta.fields, "confirmed_at"]
        read_only_fields = fields

    def to_representation(self, instance: Booking) -> dict[str, Any]:
        """The same before and after it has joined an account: the link is nobody's sign-in."""
        person = instance.person
        return super().to_representation(instance) | {
            "owner": {"id": None, "name": person.name, "email": person.email},
            "attendees": [],
            "approved_by": None,
            "confirmed_at": instance.guest_confirmed_at,
        }


@example(request={"starts_at": "2030-05-01T10:00:00Z", "ends_at": "2030-05-01T11:00:00Z"})
class GuestMoveSerializer(SharedFieldsSerializer):
    starts_at = InstantField(help_text="When it is to begin.")
    ends_at = InstantField(help_text="When it is to end.")
