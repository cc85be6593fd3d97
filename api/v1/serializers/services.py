"""Pools, services, and when a service can be booked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rest_framework import serializers

from api.models import Pool, Service, Venue
from api.models.venues import MINUTE
from api.policy import MAX_LENGTH

from .availability import RangeQuerySerializer
from .base import StrictMixin, StrictSerializer, describe, example
from .fields import CountField, DurationField, IdField, InstantField
from .resources import MAX_BUFFER, MAX_PRICE_MINOR, MAX_UNITS, NO_BUFFER

POOL = {"venue": "club", "name": "Barbers", "resources": [3, 4, 5]}
SERVICE = {
    "venue": "club",
    "name": "Cut",
    "description": "Wash, cut and dry",
    "durations": [{"duration": "00:45:00", "price_minor": 3500}],
    "buffer_before": "00:00:00",
    "buffer_after": "00:05:00",
    "needs": [{"pool": 2, "quantity": 1}],
}


class DurationBetweenField(DurationField):
    """From `least` to `most`."""

    default_error_messages = {"range": "Must be from {least} to {most}."}

    def __init__(self, least: timedelta, most: timedelta, **options: Any) -> None:
        super().__init__(**options)
        self.least, self.most = least, most

    def to_internal_value(self, value: Any) -> timedelta:
        found = super().to_internal_value(value)
        if not self.least <= found <= self.most:
            least, most = map(self.to_representation, (self.least, self.most))
            self.fail("range", least=least, most=most)
        return found


@example({"id": 2} | POOL, request=POOL)
class PoolSerializer(StrictMixin, serializers.ModelSerializer[Pool]):
    venue = serializers.SlugRelatedField(
        slug_field="slug",
        queryset=Venue.objects.all(),
        help_text="The slug of its venue; it stays.",
    )
    resources = serializers.ListField(
        child=IdField(),
        max_length=1000,
        help_text="The ids of its resources, all of its venue; a resource may be in many pools.",
    )

    class Meta:
        model = Pool
        fields = ["id", "venue", "name", "resources"]
        extra_kwargs = describe(name="What people call it.")

    def to_representation(self, instance: Pool) -> dict[str, Any]:
        return {
            "id": instance.pk,
            "venue": instance.venue.slug,
            "name": instance.name,
            "resources": sorted(row.pk for row in instance.resources.all() if not row.retired_at),
        }


class PricedDurationSerializer(StrictSerializer):
    duration = DurationBetweenField(MINUTE, MAX_LENGTH, help_text="How long it lasts.")
    price_minor = serializers.IntegerField(
        min_value=0,
        max_value=MAX_PRICE_MINOR,
        required=False,
        default=0,
        help_text="What that costs, in minor units of the venue's currency; 0 is free of charge.",
    )


class NeedSerializer(StrictSerializer):
    pool = IdField(source="pool_id", help_text="The id of the pool.")
    quantity = serializers.IntegerField(
        min_value=1,
        max_value=MAX_UNITS,
        required=False,
        default=1,
        help_text="How many units of its resources; no resource serves two needs of a booking.",
    )


@example({"id": 6, "currency": "eur"} | SERVICE, request=SERVICE)
class ServiceSerializer(StrictMixin, serializers.ModelSerializer[Service]):
    venue = serializers.SlugRelatedField(
        slug_field="slug",
        queryset=Venue.objects.all(),
        help_text="The slug of its venue; it stays.",
    )
    currency = serializers.CharField(
        source="venue.currency", read_only=True, help_text="The currency of its venue."
    )
    description = serializers.CharField(
        max_length=10_000, required=False, allow_blank=True, help_text="What people should know."
    )
    durations = serializers.ListField(
        child=PricedDurationSerializer(),
        min_length=1,
        max_length=50,
        help_text="How long it may last, and the price.",
    )
    buffer_before = DurationBetweenField(
        NO_BUFFER,
        MAX_BUFFER,
        required=False,
        help_text="Kept free before each booking; a resource's own counts if it is longer.",
    )
    buffer_after = DurationBetweenField(
        NO_BUFFER, MAX_BUFFER, required=False, help_text="Kept free after each booking, likewise."
    )
    needs = serializers.ListField(
        child=NeedSerializer(),
        min_length=1,
        max_length=20,
        help_text="What a booking takes, all or nothing.",
    )

    class Meta:
        model = Service
        fields = [
            "id",
            "venue",
            "name",
            "description",
            "durations",
            "currency",
            "buffer_before",
            "buffer_after",
            "needs",
        ]
        extra_kwargs = describe(name="What people call it.")

    def to_representation(self, instance: Service) -> dict[str, Any]:
        lists = {
            "durations": PricedDurationSerializer(instance.durations.all(), many=True).data,
            "needs": NeedSerializer(instance.needs.all(), many=True).data,
        }
        fields = (name for name in self.fields if name not in lists)
        data = {name: self.fields[name] for name in fields}
        shown = {n: f.to_representation(f.get_attribute(instance)) for n, f in data.items()}
        return {name: (shown | lists)[name] for name in self.fields}


class ServiceSlotSerializer(serializers.Serializer[Any]):
    starts_at = InstantField(help_text="When it begins.")
    ends_at = InstantField(help_text="When it ends.")
    price_minor = serializers.IntegerField(help_text="What that `quantity` costs.")
    free = serializers.IntegerField(help_text="How many bookings of quantity 1 still fit.")
    resources = serializers.ListField(
        child=serializers.IntegerField(), help_text="The ids of who and what is free for it."
    )


@example(
    {
        "slots": [
            {
                "starts_at": "2030-05-01T09:00:00Z",
                "ends_at": "2030-05-01T09:45:00Z",
                "price_minor": 3500,
                "free": 2,
                "resources": [3, 5],
            }
        ]
    }
)
class ServiceSlotsSerializer(serializers.Serializer[Any]):
    slots = ServiceSlotSerializer(many=True, help_text="What can be booked, in order.")


class ServiceSlotsQuerySerializer(RangeQuerySerializer):
    duration = DurationField(
        required=False, help_text="One of the service's; may be left out if it has just one."
    )
    quantity = CountField(
        required=False,
        default=1,
        help_text="Only where so many can be had by one booking.",
    )
