"""Bookings, and what is done with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from rest_framework.serializers import CharField, IntegerField, SerializerMethodField

from api.contracts import kit
from api.lifecycle import Status

from .accounts import OrganizerSerializer, PersonSerializer
from .fields import IsSetField, OptionalTextField, PeopleField, TextField

STATUS_LABELS: Final[Mapping[str, str]] = {
    Status.OFFERED: "pending",
    Status.HELD: "pending",
    Status.PENDING: "pending",
    Status.CONFIRMED: "confirmed",
    Status.CHECKED_IN: "confirmed",
    Status.COMPLETED: "completed",
    Status.CANCELLED: "cancelled",
    Status.REJECTED: "cancelled",
    Status.EXPIRED: "cancelled",
    Status.NO_SHOW: "no_show",
}
CANCELLED: Final = tuple(s for s, label in STATUS_LABELS.items() if label == "cancelled")


class CreateBookingSerializer(kit.Serializer):
    roomId = CharField(max_length=40, source="resource")
    title = TextField(max_length=255)
    description = OptionalTextField(source="notes", max_length=5000)
    startTime = kit.InstantField(
        source="starts_at", help_text="The venue's wall time if without an offset"
    )
    endTime = kit.InstantField(
        source="ends_at", help_text="The venue's wall time if without an offset"
    )
    attendeeIds = PeopleField(
        source="attendees",
        max_length=500,
        required=False,
        allow_null=True,
        help_text="Besides the organizer",
    )


class ExtendSerializer(kit.Serializer):
    minutes = kit.LengthField(
        timedelta(minutes=1), source="by", min_value=1, max_value=31 * 24 * 60
    )


class BookingSerializer(kit.Serializer):
    id = CharField()
    roomId = CharField(source="resource_id")
    roomName = CharField(source="resource.name")
    title = CharField()
    description = kit.TextOrNullField(source="notes", allow_null=True)
    organizer = OrganizerSerializer(source="person")
    attendees = PersonSerializer(many=True)
    startTime = kit.InstantField(source="starts_at")
    endTime = SerializerMethodField(method_name="get_end", help_text="Earlier if ended early")
    status = kit.StatusField(STATUS_LABELS)
    checkedIn = IsSetField(source="checked_in_at")
    checkedInAt = kit.InstantField(source="checked_in_at", allow_null=True)

    def get_end(self, booking: Any) -> datetime:
        end: datetime = min(booking.ended_at or booking.ends_at, booking.ends_at)
        return end


class CancelledSerializer(kit.Serializer):
    cancelled = kit.ConstantField(True)


class CheckedInSerializer(kit.Serializer):
    checkedIn = IsSetField(source="checked_in_at")
    checkedInAt = kit.InstantField(source="checked_in_at", allow_null=True)


class EndedSerializer(kit.Serializer):
    ended = kit.ConstantField(True)
    freedMinutes = IntegerField(source="freed", help_text="Whole minutes until the planned end")
