"""When resources are free: their free intervals, and the calendar of a venue."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from .base import example
from .fields import DayField, DurationField, InstantField, WallTimeField

SLOT = {
    "resource": 3,
    "starts_at": "2030-05-01T09:00:00Z",
    "ends_at": "2030-05-01T10:00:00Z",
}


class FreeIntervalSerializer(serializers.Serializer[Any]):
    starts_at = InstantField(help_text="From when it is free.")
    ends_at = InstantField(help_text="Until when it is free.")


class FreeUnitsSerializer(FreeIntervalSerializer):
    units = serializers.IntegerField(
        required=False, help_text="How many units are free; only where there are several."
    )


class RefusedIntervalSerializer(serializers.Serializer[Any]):
    starts_at = InstantField(help_text="From when it cannot be booked.")
    ends_at = InstantField(help_text="Until when.")
    code = serializers.CharField(help_text="The rule, as it would refuse a booking.")
    detail = serializers.CharField(help_text="The rule, for people.")
    free_at = InstantField(
        required=False, help_text="When that rule refuses no more, if it is within the range."
    )


@example(
    {
        "resource": 3,
        "free": [{"starts_at": "2030-05-01T07:00:00Z", "ends_at": "2030-05-01T09:00:00Z"}],
    }
)
class AvailabilitySerializer(serializers.Serializer[Any]):
    resource = serializers.IntegerField(help_text="The id of the resource.")
    free = FreeUnitsSerializer(many=True, help_text="When it is free, in order.")
    refused = RefusedIntervalSerializer(
        many=True, required=False, help_text="With `explain=1`: why not at all other times."
    )


# the document has the format of an instant: that both have to be of one kind it cannot say
@extend_schema_field({"type": "string", "format": "date-time"})
class InstantOrDayField(serializers.Field[Any, str, Any, Any]):
    """An instant with its offset, or a plain date."""

    default_error_messages = {
        "invalid": "Give an instant with its offset from UTC, for example 2030-05-01T09:00:00Z, or"
        " a date, for example 2030-05-01."
    }

    def to_internal_value(self, data: Any) -> date:
        try:
            return DayField().to_internal_value(data)
        except serializers.ValidationError:
            pass
        try:
            return InstantField().to_internal_value(data)
        except serializers.ValidationError:
            self.fail("invalid")


class RangeQuerySerializer(serializers.Serializer[Any]):
    start = InstantOrDayField(
        help_text="An instant, for example `2030-05-01T09:00:00Z`; or a date, for example"
        " `2030-05-01`: from the beginning of that day by the venue's clock."
    )
    end = InstantOrDayField(
        help_text="An instant, if `start` is one; or a date: to the end of that day."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if isinstance(attrs["start"], datetime) != isinstance(attrs["end"], datetime):
            message = "Give `start` and `end` both as instants, or both as dates."
            raise serializers.ValidationError({"end": [message]})
        return attrs


class AvailabilityQuerySerializer(RangeQuerySerializer):
    duration = DurationField(
        required=False, help_text="`HH:MM:SS`: only intervals that are at least this long."
    )
    explain = serializers.BooleanField(
        required=False, default=False, help_text="`1`: also why the rest is `refused`."
    )


class CalendarQuerySerializer(serializers.Serializer[Any]):
    start = DayField(required=False, help_text="The first day there; today if left out.")
    end = DayField(required=False, help_text="The last day; a week from the first if left out.")


class CalendarSlotSerializer(FreeIntervalSerializer):
    resource = serializers.IntegerField(help_text="The id of the resource that is free.")
    primetime = serializers.BooleanField(help_text="Whether it lies in a primetime window.")


class CalendarBookingSerializer(serializers.Serializer[Any]):
    starts_at = InstantField(help_text="When it begins.")
    ends_at = InstantField(help_text="When it ends.")
    resource = serializers.IntegerField(help_text="The id of the resource that is taken.")
    status = serializers.CharField(help_text="The status of the booking; `blocked` for a block.")
    id = serializers.IntegerField(required=False, help_text="Only for staff and the owner.")
    title = serializers.CharField(required=False, help_text="Only for staff and the owner.")
    owner = serializers.CharField(required=False, help_text="Only for staff and the owner.")
    notes = serializers.CharField(required=False, help_text="Only for staff and the owner.")
    reason = serializers.CharField(required=False, help_text="Why it is blocked; only for staff.")


class WallHoursSerializer(serializers.Serializer[Any]):
    opens_at = WallTimeField(help_text="By the venue's clock.")
    closes_at = WallTimeField(help_text="By the venue's clock.")


class CalendarDaySerializer(serializers.Serializer[Any]):
    date = serializers.DateField(help_text="The day there.")
    closed = serializers.BooleanField(help_text="Whether the venue does not open on that day.")
    closure = serializers.CharField(
        allow_blank=True, help_text="Why it is closed: what staff said, or the public holiday."
    )
    hours = WallHoursSerializer(
        many=True, help_text="The opening hours that begin on that day, exceptions included."
    )
    primetime = WallHoursSerializer(many=True, help_text="The primetime windows of that day.")
    slots = CalendarSlotSerializer(many=True, help_text="Slots that are free.")
    bookings = CalendarBookingSerializer(many=True, help_text="Bookings and blocks that are there.")


@example(
    {
        "venue": "club",
        "time_zone": "Europe/Berlin",
        "start": "2030-05-01",
        "end": "2030-05-01",
        "days": [
            {
                "date": "2030-05-01",
                "closed": False,
                "closure": "",
                "hours": [{"opens_at": "07:00:00", "closes_at": "22:00:00"}],
                "primetime": [{"opens_at": "17:00:00", "closes_at": "20:00:00"}],
                "slots": [SLOT | {"primetime": False}],
                "bookings": [SLOT | {"resource": 4, "status": "confirmed"}],
            }
        ],
    }
)
class CalendarSerializer(serializers.Serializer[Any]):
    venue = serializers.CharField(help_text="The slug of the venue.")
    time_zone = serializers.CharField(help_text="The zone of its clock.")
    start = serializers.DateField(help_text="The first day.")
    end = serializers.DateField(help_text="The last day.")
    days = CalendarDaySerializer(many=True, help_text="The days, in order.")
