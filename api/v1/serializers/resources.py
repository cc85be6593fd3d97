"""Resources: what can be booked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rest_framework import serializers

from api.errors import Unfit
from api.models import Resource, Venue
from api.models.venues import MINUTE
from api.opening_hours import MIDNIGHT
from api.queries.venues.hours import get_own_uniform_span

from .base import StrictMixin, StrictSerializer, describe, example
from .fields import CountField, DayField, DurationField, LinkField, WallTimeField
from .hours import SpanSerializer
from .reviews import AFFECTED, AffectedMixin

MAX_UNITS = 10_000
NO_BUFFER, MAX_BUFFER = timedelta(0), timedelta(days=1)
MAX_PRICE_MINOR = 10**10  # more than any room costs
RESOURCE = {
    "venue": "club",
    "name": "Court 1",
    "description": "Clay, with floodlights",
    "building": "East",
    "floor": 0,
    "capacity": 4,
    "units": 1,
    "buffer_before": "00:00:00",
    "buffer_after": "00:10:00",
    "amenities": ["floodlights", "net"],
    "image_url": "https://club.example/court-1.jpg",
    "is_available": True,
    "maintenance": False,
    "price_minor": 3000,
    "opens_at": None,
    "closes_at": None,
    "own_slot_length": None,
    "user": None,
}


RATE = {
    "weekdays": [0, 1, 2, 3, 4],
    "opens_at": "17:00",
    "closes_at": "22:00",
    "first_on": "2030-05-01",
    "last_on": "2030-09-30",
    "price_minor": 4500,
}


class RateSerializer(SpanSerializer):
    weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=6),
        min_length=1,
        max_length=7,
        help_text="On which; 0 is Monday.",
    )
    first_on = DayField(required=False, allow_null=True, help_text="The first day; null: any.")
    last_on = DayField(
        required=False, allow_null=True, help_text="The last day, inclusive; null: any."
    )
    price_minor = serializers.IntegerField(
        min_value=0,
        max_value=MAX_PRICE_MINOR,
        help_text="What a slot costs that begins then, in minor units.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["opens_at"] == attrs["closes_at"] != MIDNIGHT:
            raise Unfit(errors={"closes_at": ["Must differ from `opens_at` or be 00:00 too."]})
        first, last = attrs.get("first_on"), attrs.get("last_on")
        if first and last and last < first:
            raise Unfit(errors={"last_on": ["Must not be before `first_on`."]})
        return attrs


@example({"rates": [RATE]}, request={"rates": [RATE]})
class RatesSerializer(StrictSerializer):
    rates = serializers.ListField(
        child=RateSerializer(),
        max_length=200,
        help_text="Prices of slots; the first that fits a slot's start decides, else the"
        " resource's `price_minor`.",
    )


@example(
    {"id": 3, "currency": "eur", "slot_length": "01:00:00"} | RESOURCE,
    request={"venue": "club", "name": "Court 1", "capacity": 4, "price_minor": 3000},
)
class ResourceSerializer(StrictMixin, serializers.ModelSerializer[Resource]):
    venue = serializers.SlugRelatedField(
        slug_field="slug", queryset=Venue.objects.all(), help_text="The slug of its venue."
    )
    currency = serializers.CharField(
        source="venue.currency", read_only=True, help_text="The currency of its venue."
    )
    description = serializers.CharField(
        max_length=10_000, required=False, allow_blank=True, help_text="What people should know."
    )
    capacity = CountField(required=False, help_text="How many people fit.")
    units = serializers.IntegerField(
        min_value=1,
        max_value=MAX_UNITS,
        required=False,
        help_text="How many identical places it has (seats, bikes); `capacity` people fit in each.",
    )
    buffer_before = DurationField(
        required=False,
        help_text="Kept free before each booking that is made from now on.",
    )
    buffer_after = DurationField(
        required=False,
        help_text="Kept free after each booking; buffers of two neighbours add up.",
    )
    amenities = serializers.ListField(
        child=serializers.CharField(max_length=60),
        max_length=50,
        required=False,
        help_text="What it has; the filter `amenities` finds these words.",
    )
    image_url = LinkField(required=False, help_text="A picture of it.")
    price_minor = serializers.IntegerField(
        min_value=0,
        max_value=MAX_PRICE_MINOR,
        required=False,
        help_text="Per slot, in minor units of the currency; 0 is free of charge.",
    )
    opens_at = WallTimeField(
        required=False,
        allow_null=True,
        help_text="Own hours on the days on which the venue is open; null: none, or other ones"
        " (`hours/`).",
    )
    closes_at = WallTimeField(
        required=False,
        allow_null=True,
        help_text="As `opens_at`; 00:00 is midnight.",
    )
    slot_length = DurationField(read_only=True, help_text="The length of a slot here.")
    own_slot_length = DurationField(
        required=False, allow_null=True, help_text="Instead of the venue's; null: the venue's."
    )

    user = serializers.IntegerField(
        source="user_id",
        min_value=1,
        max_value=2**63 - 1,
        required=False,
        allow_null=True,
        help_text="The id of the person that it is, one of the venue's people, shown to staff only;"
        " null if it is none. A person is one resource at most.",
    )

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
            "units",
            "buffer_before",
            "buffer_after",
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
            "user",
        ]
        extra_kwargs = describe(
            name="What people call it.",
            building="The building that it is in.",
            floor="The floor that it is on.",
            is_available="Whether it may be booked at all.",
            maintenance="Whether it is out of order for now.",
        )

    def to_representation(self, instance: Resource) -> dict[str, Any]:
        data = super().to_representation(instance)
        span = get_own_uniform_span(instance) or (None, None)
        data["opens_at"], data["closes_at"] = (at and at.isoformat() for at in span)
        request = self.context.get("request")
        if not (request and request.user.is_staff_of(instance.venue_id)):
            data.pop("user")
        return data

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        def get_value(name: str) -> Any:
            return attrs.get(name, getattr(self.instance, name, None))

        opens, closes = get_value("opens_at"), get_value("closes_at")
        if (opens is None) != (closes is None):
            raise Unfit(errors={"closes_at": ["Give both or neither."]})
        if opens == closes not in (None, MIDNIGHT):
            raise Unfit(errors={"closes_at": ["Must differ from `opens_at` or be 00:00 too."]})
        length = attrs.get("own_slot_length")
        if length is not None and length < MINUTE:
            raise Unfit(errors={"own_slot_length": ["Must be longer."]})
        for name in ("buffer_before", "buffer_after"):
            if not NO_BUFFER <= attrs.get(name, NO_BUFFER) <= MAX_BUFFER:
                raise Unfit(errors={name: ["Must be from nothing to a day."]})
        return attrs


@example(
    {"id": 3, "currency": "eur", "slot_length": "01:00:00"}
    | RESOURCE
    | {"capacity": 2, "affected": [AFFECTED | {"code": "over_capacity"}]},
    request={"capacity": 2},
)
class ResourceChangeSerializer(AffectedMixin, ResourceSerializer):
    id = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="Its id; null after a dry run."
    )

    class Meta(ResourceSerializer.Meta):
        fields = [*ResourceSerializer.Meta.fields, "affected"]
