"""Analytics: the range that is asked about, the figures, and files that take a while."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.errors import Unfit
from api.models import Export
from api.models.analytics import ExportState, Figure, Format
from api.queries.analytics.analytics import MAX_DAYS

from .base import describe, example

YEARS = range(1990, 2201)
EXPORT_ID = "0192f0c1-7a3e-7c11-9d2e-3f1b5c7d9e00"
RANGE = {"start": "2030-05-01", "end": "2030-05-31", "venue": "club"}


class FigureQuerySerializer(serializers.Serializer[Any]):
    start = serializers.DateField(help_text="The first day, local to each venue.")
    end = serializers.DateField(help_text="The last day; it counts too.")
    venue = serializers.SlugField(
        max_length=50, required=False, help_text="The slug of one venue; all venues if left out."
    )
    format = serializers.ChoiceField(
        ["json", *Format.values], default="json", help_text="JSON, or a file."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start, end = attrs["start"], attrs["end"]
        absurd = [name for name in ("start", "end") if attrs[name].year not in YEARS]
        if absurd:
            raise Unfit(errors={name: ["That is not a date anyone can book."] for name in absurd})
        if end < start:
            raise Unfit(errors={"end": ["Must not be before the start."]})
        if (end - start).days >= MAX_DAYS:
            raise Unfit(errors={"end": [f"At most {MAX_DAYS} days."]})
        return attrs


class RangeSerializer(serializers.Serializer[Any]):
    start = serializers.DateField(help_text="The first day that was asked for.")
    end = serializers.DateField(help_text="The last day that was asked for.")
    venue = serializers.CharField(allow_null=True, help_text="The venue; null for all of them.")


@example(
    RANGE
    | {
        "total_rooms": 6,
        "avg_utilization": 41.5,
        "utilization_change": 3.2,
        "ghosting_rate": 4.1,
        "ghosting_change": -1.4,
        "total_bookings": 230,
        "bookings_change": 12.2,
    }
)
class KpiSerializer(RangeSerializer):
    total_rooms = serializers.IntegerField(help_text="How many resources there are.")
    avg_utilization = serializers.FloatField(help_text="Percent of the open time that is booked.")
    utilization_change = serializers.FloatField(
        help_text="Percentage points more than in the range before."
    )
    ghosting_rate = serializers.FloatField(help_text="Percent of the bookings nobody came to.")
    ghosting_change = serializers.FloatField(
        help_text="Percentage points more than in the range before."
    )
    total_bookings = serializers.IntegerField(help_text="How many bookings there were.")
    bookings_change = serializers.FloatField(
        allow_null=True, help_text="Percent more than in the range before; null if that had none."
    )


class _RoomSerializer(serializers.Serializer[Any]):
    resource_id = serializers.IntegerField(help_text="The id of the resource.")
    name = serializers.CharField(help_text="The name of the resource.")


class RoomUtilizationSerializer(_RoomSerializer):
    utilization_rate = serializers.FloatField(help_text="Percent of the open time, at most 100.")
    total_bookings = serializers.IntegerField(help_text="How many bookings it had.")
    total_hours = serializers.FloatField(help_text="Booked hours within opening hours.")
    peak_hours = serializers.ListField(
        child=serializers.CharField(),
        max_length=3,
        help_text="The hours in which most bookings start.",
    )


class RoomGhostingSerializer(_RoomSerializer):
    ghosting_rate = serializers.FloatField(help_text="Percent of the bookings nobody came to.")
    no_shows = serializers.IntegerField(help_text="How many bookings nobody came to.")
    total_bookings = serializers.IntegerField(help_text="How many bookings it had.")
    average_wasted_minutes = serializers.FloatField(help_text="Minutes lost by a no-show.")


class RoomCapacitySerializer(_RoomSerializer):
    capacity = serializers.IntegerField(help_text="How many people fit.")
    average_attendees = serializers.FloatField(help_text="People of a booking.")
    capacity_utilization = serializers.FloatField(help_text="Percent of the places, at most 100.")
    oversized = serializers.IntegerField(help_text="Bookings of less than half the capacity.")
    undersized = serializers.IntegerField(help_text="Bookings of more than the capacity.")


@example(
    RANGE
    | {
        "results": [
            {
                "resource_id": 3,
                "name": "Court 1",
                "utilization_rate": 52.0,
                "total_bookings": 61,
                "total_hours": 64.5,
                "peak_hours": ["17:00", "18:00", "09:00"],
            }
        ]
    }
)
class UtilizationSerializer(RangeSerializer):
    results = RoomUtilizationSerializer(many=True, help_text="One row a resource.")


@example(
    RANGE
    | {
        "results": [
            {
                "resource_id": 3,
                "name": "Court 1",
                "ghosting_rate": 4.9,
                "no_shows": 3,
                "total_bookings": 61,
                "average_wasted_minutes": 45.0,
            }
        ]
    }
)
class GhostingSerializer(RangeSerializer):
    results = RoomGhostingSerializer(many=True, help_text="One row a resource.")


@example(
    RANGE
    | {
        "results": [
            {
                "resource_id": 3,
                "name": "Court 1",
                "capacity": 4,
                "average_attendees": 2.5,
                "capacity_utilization": 62.5,
                "oversized": 5,
                "undersized": 0,
            }
        ]
    }
)
class CapacitySerializer(RangeSerializer):
    results = RoomCapacitySerializer(many=True, help_text="One row a resource.")


@example(RANGE | {"hours": [[0.0] * 9 + [1.5, 4.0] + [0.0] * 13] * 7})
class HeatMapSerializer(RangeSerializer):
    hours = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="Booked hours: seven weekdays, Monday first, of 24 hours.",
    )


@example(
    {
        "id": EXPORT_ID,
        "figure": "utilization",
        "format": "pdf",
        "start": "2030-05-01",
        "end": "2030-05-31",
        "venue": "club",
        "state": "working",
        "progress": 40,
        "created_at": "2030-06-01T08:00:00Z",
        "finished_at": None,
        "location": f"/api/v1/analytics/exports/{EXPORT_ID}/",
        "file": None,
    }
)
class ExportSerializer(serializers.ModelSerializer[Export]):
    figure = serializers.ChoiceField(Figure.choices, help_text="What it shows.")
    format = serializers.ChoiceField(Format.choices, help_text="The kind of file.")
    start = serializers.DateField(source="first_on", help_text="The first day that it covers.")
    end = serializers.DateField(source="last_on", help_text="The last day that it covers.")
    venue = serializers.SerializerMethodField(help_text="The venue; null for all of them.")
    state = serializers.ChoiceField(ExportState.choices, help_text="How far it is.")
    progress = serializers.IntegerField(help_text="Percent that is done.")
    location = serializers.SerializerMethodField(help_text="Where to ask again.")
    file = serializers.SerializerMethodField(help_text="Where the file is, once it is ready.")

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
        extra_kwargs = describe(
            finished_at="When the file was ready, or its making failed; null until then."
        )

    def get_venue(self, export: Export) -> str | None:
        return export.venue_slug or None

    def get_location(self, export: Export) -> str:
        return f"/api/v1/analytics/exports/{export.pk}/"

    def get_file(self, export: Export) -> str | None:
        ready = export.state == ExportState.READY
        return f"/api/v1/analytics/exports/{export.pk}/file/" if ready else None
