"""What is asked of the analytics, and what they answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.errors import Unfit
from api.models import Export
from api.models.analytics import ExportState, Figure, Format

MOST_DAYS = 5 * 366
YEARS = range(1990, 2201)


class FigureQuery(serializers.Serializer[Any]):
    """Local dates, first to last inclusive."""

    start = serializers.DateField()
    end = serializers.DateField()
    venue = serializers.SlugField(max_length=50, required=False, help_text="All venues if left out")
    format = serializers.ChoiceField(["json", *Format.values], default="json")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start, end = attrs["start"], attrs["end"]
        absurd = [name for name in ("start", "end") if attrs[name].year not in YEARS]
        if absurd:
            raise Unfit(errors={name: ["That is not a date anyone can book."] for name in absurd})
        if end < start:
            raise Unfit(errors={"end": ["Must not be before the start."]})
        if (end - start).days >= MOST_DAYS:
            raise Unfit(errors={"end": [f"At most {MOST_DAYS} days."]})
        return attrs


class Asked(serializers.Serializer[Any]):
    start = serializers.DateField()
    end = serializers.DateField()
    venue = serializers.CharField(allow_null=True)


class Kpi(Asked):
    total_rooms = serializers.IntegerField()
    avg_utilization = serializers.FloatField(help_text="Percent of the open time")
    utilization_change = serializers.FloatField(help_text="Percentage points")
    ghosting_rate = serializers.FloatField(help_text="Percent of the bookings")
    ghosting_change = serializers.FloatField(help_text="Percentage points")
    total_bookings = serializers.IntegerField()
    bookings_change = serializers.FloatField(allow_null=True, help_text="Percent")


class RoomUtilization(serializers.Serializer[Any]):
    resource_id = serializers.IntegerField()
    name = serializers.CharField()
    utilization_rate = serializers.FloatField(help_text="Percent of the open time, at most 100")
    total_bookings = serializers.IntegerField()
    total_hours = serializers.FloatField()
    peak_hours = serializers.ListField(child=serializers.CharField(), max_length=3)


class RoomGhosting(serializers.Serializer[Any]):
    resource_id = serializers.IntegerField()
    name = serializers.CharField()
    ghosting_rate = serializers.FloatField(help_text="Percent of the bookings")
    no_shows = serializers.IntegerField()
    total_bookings = serializers.IntegerField()
    average_wasted_minutes = serializers.FloatField()


class RoomCapacity(serializers.Serializer[Any]):
    resource_id = serializers.IntegerField()
    name = serializers.CharField()
    capacity = serializers.IntegerField()
    average_attendees = serializers.FloatField()
    capacity_utilization = serializers.FloatField(help_text="Percent, at most 100")
    oversized = serializers.IntegerField(help_text="Bookings of less than half the capacity")
    undersized = serializers.IntegerField(help_text="Bookings of more than the capacity")


class Utilization(Asked):
    results = RoomUtilization(many=True)


class Ghosting(Asked):
    results = RoomGhosting(many=True)


class Capacity(Asked):
    results = RoomCapacity(many=True)


class HeatMap(Asked):
    hours = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="Seven weekdays, Monday first, of 24 hours",
    )


class ExportShape(serializers.ModelSerializer[Export]):
    figure = serializers.ChoiceField(Figure.choices)
    format = serializers.ChoiceField(Format.choices)
    start = serializers.DateField(source="first_on")
    end = serializers.DateField(source="last_on")
    venue = serializers.SerializerMethodField()
    state = serializers.ChoiceField(ExportState.choices)
    progress = serializers.IntegerField(help_text="Percent")
    location = serializers.SerializerMethodField(help_text="Where to ask again")
    file = serializers.SerializerMethodField(help_text="Where the file is, once it is ready")

    class Meta:
        model = Export
        fields = [
            "id",
            "figure",
            "format",
            "start",
            "end",
            "venue",
            "state",
            "progress",
            "created_at",
            "finished_at",
            "location",
            "file",
        ]
        read_only_fields = fields

    def get_venue(self, export: Export) -> str | None:
        return export.venue_slug or None

    def get_location(self, export: Export) -> str:
        return f"/api/v1/analytics/exports/{export.pk}/"

    def get_file(self, export: Export) -> str | None:
        ready = export.state == ExportState.READY
        return f"/api/v1/analytics/exports/{export.pk}/file/" if ready else None
