"""Venues, their windows and closures, and resources."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.db import models
from rest_framework import serializers

from api.errors import Unfit
from api.models import Closure, PrimetimeWindow, Resource, Venue
from api.models.venues import MINUTE

from .fields import (
    Day,
    Duration,
    Instant,
    Link,
    OptionalEmail,
    SignedDuration,
    WallTime,
    Zone,
)

SECOND = timedelta(seconds=1)


MOST = 10**10  # minor units: more than any room costs


class VenueShape(serializers.ModelSerializer[Venue]):
    serializer_field_mapping: ClassVar = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DurationField: Duration,
        models.TimeField: WallTime,
    }
    slug = serializers.RegexField(r"^[a-zA-Z0-9_-]+$", max_length=50)
    time_zone = Zone(required=False)
    currency = serializers.RegexField(r"^[a-z]{3}$", required=False)
    min_notice = SignedDuration(
        required=False, help_text="Negative: a slot that has begun may still be booked"
    )
    admin_email = OptionalEmail(required=False, allow_blank=True, max_length=254)
    closed_weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=6),
        max_length=7,
        required=False,
        help_text="0 is Monday",
    )

    class Meta:
        model = Venue
        exclude = ["id", "wording", "rules_version"]
        read_only_fields = ["created_at", "updated_at"]

    def to_representation(self, instance: Venue) -> dict[str, Any]:
        data = super().to_representation(instance)
        request = self.context.get("request")
        if not (request and getattr(request.user, "is_staff", False)):
            data.pop("admin_email")
        return data

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        too_short = {
            name: ["Must be longer."]
            for name, least in (("slot_length", MINUTE), ("hold_length", SECOND))
            if attrs.get(name, least) < least
        }
        if too_short:
            raise Unfit(errors=too_short)
        return attrs


class Shifted(serializers.Serializer[Any]):
    """A booking whose wall time changed with the time zone of its venue."""

    id = serializers.IntegerField()
    starts_at = serializers.DateTimeField()
    was = serializers.DateTimeField()

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"is": serializers.DateTimeField()}  # no name in Python


class ChangedVenue(VenueShape):
    to_review = Shifted(many=True, read_only=True)


class Window(serializers.ModelSerializer[PrimetimeWindow]):
    weekday = serializers.IntegerField(min_value=0, max_value=6, help_text="0 is Monday")
    starts_at = WallTime()
    ends_at = WallTime()

    class Meta:
        model = PrimetimeWindow
        fields = ["id", "weekday", "starts_at", "ends_at", "is_active"]


class ClosureShape(serializers.ModelSerializer[Closure]):
    first_on = Day()
    last_on = Day()

    class Meta:
        model = Closure
        fields = ["id", "first_on", "last_on", "reason"]


class ResourceShape(serializers.ModelSerializer[Resource]):
    venue = serializers.SlugRelatedField(slug_field="slug", queryset=Venue.objects.all())
    currency = serializers.CharField(source="venue.currency", read_only=True)
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    capacity = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, help_text="People"
    )
    amenities = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=50, required=False
    )
    image_url = Link(required=False)
    price_minor = serializers.IntegerField(
        min_value=0,
        max_value=MOST,
        required=False,
        help_text="Per slot, in minor units of the currency; 0 is free of charge",
    )
    opens_at = WallTime(
        required=False, allow_null=True, help_text="Own hours instead of the venue's"
    )
    closes_at = WallTime(required=False, allow_null=True)
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
            raise Unfit(errors={"closes_at": ["Give both or neither."]})
        length = attrs.get("own_slot_length")
        if length is not None and length < MINUTE:
            raise Unfit(errors={"own_slot_length": ["Must be longer."]})
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
    start = Day(required=False, help_text="Local date; today if left out")
    end = Day(required=False, help_text="Inclusive; a week if left out")


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
    opens_at = WallTime()
    closes_at = WallTime()


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
