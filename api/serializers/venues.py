"""Venues, their windows and closures, and resources."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from rest_framework import serializers

from api.models import Closure, PrimetimeWindow, Resource, Venue

from .fields import Duration, Instant, Zone


class VenueShape(serializers.ModelSerializer[Venue]):
    serializer_field_mapping: ClassVar = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DurationField: Duration,
    }
    time_zone = Zone(max_length=64, required=False)
    currency = serializers.RegexField(r"^[a-z]{3}$", required=False)

    class Meta:
        model = Venue
        exclude = ["id", "wording"]
        read_only_fields = ["created_at", "updated_at"]

    def to_representation(self, instance: Venue) -> dict[str, Any]:
        data = super().to_representation(instance)
        request = self.context.get("request")
        if not (request and getattr(request.user, "is_staff", False)):
            data.pop("admin_email")
        return data

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        problems = {
            name: ["Must be longer than nothing."]
            for name in ("slot_length", "hold_length")
            if name in attrs and not attrs[name]
        } | {
            name: ["Must not be negative."]
            for name in attrs
            if hasattr(attrs[name], "total_seconds")
            and name != "min_notice"
            and attrs[name].total_seconds() < 0
        }
        if problems:
            raise serializers.ValidationError(problems)
        return attrs


class Window(serializers.ModelSerializer[PrimetimeWindow]):
    class Meta:
        model = PrimetimeWindow
        fields = ["id", "weekday", "starts_at", "ends_at", "is_active"]

    def validate_weekday(self, value: int) -> int:
        if value > 6:
            raise serializers.ValidationError("0 is Monday, 6 is Sunday.")
        return value


class ClosureShape(serializers.ModelSerializer[Closure]):
    class Meta:
        model = Closure
        fields = ["id", "first_on", "last_on", "reason"]


class ResourceShape(serializers.ModelSerializer[Resource]):
    venue = serializers.SlugRelatedField(slug_field="slug", queryset=Venue.objects.all())
    currency = serializers.CharField(source="venue.currency", read_only=True)
    slot_length = Duration(read_only=True)
    own_slot_length = Duration(required=False, allow_null=True)

    class Meta:
        model = Resource
        fields = [
            "id",
            "venue",
            "name",
            "description",
            "building",
            "floor",
            "capacity",
            "amenities",
            "image_url",
            "is_available",
            "maintenance",
            "price_minor",
            "currency",
            "opens_at",
            "closes_at",
            "slot_length",
            "own_slot_length",
        ]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        def now(name: str) -> Any:
            return attrs.get(name, getattr(self.instance, name, None))

        if (now("opens_at") is None) != (now("closes_at") is None):
            raise serializers.ValidationError({"closes_at": ["Give both or neither."]})
        length = attrs.get("own_slot_length")
        if length is not None and length.total_seconds() <= 0:
            raise serializers.ValidationError({"own_slot_length": ["Must be longer than nothing."]})
        if attrs.get("capacity") == 0:
            raise serializers.ValidationError({"capacity": ["At least one."]})
        return attrs


class Interval(serializers.Serializer[Any]):
    starts_at = Instant()
    ends_at = Instant()


class Availability(serializers.Serializer[Any]):
    resource = serializers.IntegerField()
    free = Interval(many=True)


class Range(serializers.Serializer[Any]):
    start = Instant()
    end = Instant()
    duration = Duration(required=False, help_text="Only intervals at least this long")


class DateRange(serializers.Serializer[Any]):
    start = serializers.DateField(required=False, help_text="Local date; today if left out")
    end = serializers.DateField(required=False, help_text="Inclusive; a week if left out")


class CalendarSlot(Interval):
    resource = serializers.IntegerField()
    primetime = serializers.BooleanField()


class CalendarBooking(Interval):
    resource = serializers.IntegerField()
    status = serializers.CharField()
    id = serializers.IntegerField(required=False, help_text="Only for staff and the owner")
    title = serializers.CharField(required=False)
    owner = serializers.CharField(required=False)
    notes = serializers.CharField(required=False)


class WallHours(serializers.Serializer[Any]):
    opens_at = serializers.TimeField()
    closes_at = serializers.TimeField()


class CalendarDay(serializers.Serializer[Any]):
    date = serializers.DateField()
    closed = serializers.BooleanField()
    closure = serializers.CharField(allow_blank=True)
    hours = WallHours()
    primetime = WallHours(allow_null=True)
    slots = CalendarSlot(many=True)
    bookings = CalendarBooking(many=True)


class Calendar(serializers.Serializer[Any]):
    venue = serializers.CharField()
    time_zone = serializers.CharField()
    start = serializers.DateField()
    end = serializers.DateField()
    days = CalendarDay(many=True)
