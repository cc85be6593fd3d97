"""Fields with our own reading of a type."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.wire import duration

ZONES = frozenset(available_timezones())


class Instant(serializers.DateTimeField):
    """ISO 8601 with an offset: a time without one is nobody's time. Answered in UTC."""

    default_error_messages = {
        "naive": "Give the offset from UTC, for example 2030-05-01T09:00:00Z."
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("naive")
        return self._in_utc(value)

    def _in_utc(self, value: datetime) -> datetime:
        try:
            return super().enforce_timezone(value)
        except OverflowError:
            self.fail("overflow", timezone="UTC")


@extend_schema_field({"type": "string", "example": "00:30:00", "pattern": r"^-?\d+:\d\d:\d\d$"})
class Duration(serializers.DurationField):
    """`HH:MM:SS`; hours may be more than 24."""

    def to_representation(self, value: timedelta) -> str:
        return duration(value)

    def to_internal_value(self, value: Any) -> timedelta:
        if not isinstance(value, (str, timedelta)) or len(str(value)) > 20:
            self.fail("invalid", format="[-]HH:MM:SS")
        found = super().to_internal_value(value)
        if abs(found) > timedelta(days=3660):
            self.fail("overflow")
        return found


class Zone(serializers.CharField):
    """A name of the IANA time zone database."""

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name not in ZONES:
            raise serializers.ValidationError(f"“{name}” is not a time zone.")
        return name
