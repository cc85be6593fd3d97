"""Rooms, their slots, and buildings."""

from __future__ import annotations

from typing import Any, get_args

from rest_framework.serializers import (
    BooleanField,
    CharField,
    ChoiceField,
    FloatField,
    IntegerField,
    ListField,
)

from api.contracts import kit
from api.queries.venues import rooms

from .fields import DayField, NumberFilterField


class RoomQuerySerializer(kit.Serializer):
    search = CharField(
        source="text",
        required=False,
        allow_blank=True,
        help_text="In the name or the building, also as `searchQuery`",
    )
    building = CharField(required=False, allow_blank=True)
    floor = NumberFilterField(required=False)
    min_capacity = NumberFilterField(required=False, help_text="People, also as `minCapacity`")
    amenities = CharField(required=False, allow_blank=True, help_text="With commas between them")
    status = CharField(required=False, allow_blank=True, trim_whitespace=False)

    def validate_amenities(self, names: str) -> list[str]:
        return [name.strip() for name in names.split(",") if name.strip()]


class RoomSummarySerializer(kit.Serializer):
    id = CharField()
    name = CharField()
    building = CharField()
    floor = IntegerField()
    capacity = IntegerField(help_text="People")


class RoomSerializer(RoomSummarySerializer):
    """A room is `reserved` when a meeting begins within 15 minutes."""

    amenities = ListField(child=CharField())
    status = ChoiceField(choices=get_args(rooms.Status))
    imageUrl = kit.TextOrNullField(source="image_url", allow_null=True)

    def to_representation(self, found: Any) -> Any:
        """Of a room and its status, as the query has them."""
        room, status = found
        return super().to_representation({**vars(room), "status": status})


class DateQuerySerializer(kit.Serializer):
    date = DayField(help_text="Local to the venue")


class SlotSerializer(kit.Serializer):
    startTime = kit.InstantField(source="starts_at")
    endTime = kit.InstantField(source="ends_at")
    isAvailable = BooleanField(source="available", help_text="Whether it could be booked now")


class BuildingSerializer(kit.Serializer):
    id = CharField()
    name = CharField()
    address = kit.ConstantField("", help_text="None is kept")
    floors = IntegerField(help_text="How many have a room")


class PlacedRoomSerializer(kit.Serializer):
    roomId = CharField()
    x = FloatField()
    y = FloatField()
    width = FloatField()
    height = FloatField()


class FloorPlanSerializer(kit.Serializer):
    floorNumber = IntegerField()
    buildingId = CharField()
    svgData = CharField()
    rooms = PlacedRoomSerializer(many=True)
