"""The dashboards that count bookings."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from .base import example
from .bookings import (
    BOOKING,
    EVENT,
    OWNER,
    BookingEventSerializer,
    BookingSerializer,
    OwnerSerializer,
)


@example({"upcoming": [BOOKING], "pending": 1, "held": 0, "recent": [EVENT]})
class DashboardSerializer(serializers.Serializer[Any]):
    upcoming = BookingSerializer(many=True, help_text="The next bookings, soonest first.")
    pending = serializers.IntegerField(help_text="Requests that wait for an answer.")
    held = serializers.IntegerField(help_text="Bookings that wait for payment.")
    recent = BookingEventSerializer(many=True, help_text="What happened last.")


class RepeatedNoShowSerializer(serializers.Serializer[Any]):
    person = OwnerSerializer(help_text="Who did not come.")
    times = serializers.IntegerField(help_text="How often within the last 90 days.")
    last_missed_at = serializers.DateTimeField(help_text="When the last slot began.")


@example(
    {
        "requests_waiting": 2,
        "bookings_today": 14,
        "held": 1,
        "no_shows_this_week": 3,
        "repeated_no_shows": [
            {"person": OWNER, "times": 2, "last_missed_at": "2030-04-20T09:00:00Z"}
        ],
        "recent": [EVENT],
    }
)
class StaffDashboardSerializer(serializers.Serializer[Any]):
    requests_waiting = serializers.IntegerField(help_text="Requests that wait for staff.")
    bookings_today = serializers.IntegerField(help_text="Bookings of today.")
    held = serializers.IntegerField(help_text="Bookings that wait for payment.")
    no_shows_this_week = serializers.IntegerField(help_text="Bookings nobody came to.")
    repeated_no_shows = RepeatedNoShowSerializer(
        many=True, help_text="People who did not come twice or more."
    )
    recent = BookingEventSerializer(many=True, help_text="What happened last.")
