"""Rooms, their slots and bookings, and buildings."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from api import errors
from api.contracts import kit
from api.contracts.circletime.serializers import bookings as booking_serializers
from api.contracts.circletime.serializers import rooms as serializers
from api.contracts.circletime.serializers.fields import parse_id
from api.queries.venues import rooms
from api.rest.permissions import IsMember

from .base import CircletimeView


class RoomListView(CircletimeView):
    response_serializer = serializers.RoomSerializer

    @kit.operation("List rooms", query=serializers.RoomQuerySerializer, many=True)
    def get(self, request: Request) -> Any:
        """Those that meet all filters, with what goes on in them now."""
        query = self.validated_query()
        status = query.pop("status", "")
        return [row for row in rooms.search_rooms(self.venue, **query) if status in ("", row[1])]


class RoomView(CircletimeView):
    response_serializer = serializers.RoomSerializer

    @kit.operation("Show a room")
    def get(self, request: Request, room: str) -> Any:
        return rooms.get_room_with_status(self.venue, parse_id(room))


class RoomBookingListView(CircletimeView):
    permission_classes = (IsMember,)
    response_serializer = booking_serializers.BookingSerializer

    @kit.operation("List a room's bookings", query=serializers.DateQuerySerializer, many=True)
    def get(self, request: Request, room: str) -> Any:
        """Those that touch the date, by start, without what was cancelled."""
        resource = self.get_room(room)
        return rooms.list_room_bookings(
            resource, self.validated_query()["date"], booking_serializers.CANCELLED
        )


class SlotListView(CircletimeView):
    response_serializer = serializers.SlotSerializer

    @kit.operation("List a room's slots", query=serializers.DateQuerySerializer, many=True)
    def get(self, request: Request, room: str) -> Any:
        """Those of the date within opening hours. One is available that POST `bookings` takes."""
        resource, on = self.get_room(room), self.validated_query()["date"]
        slots = rooms.list_room_slots(resource, on)
        return [
            {"starts_at": start, "ends_at": end, "available": free} for (start, end), free in slots
        ]


class BuildingListView(CircletimeView):
    response_serializer = serializers.BuildingSerializer

    @kit.operation("List the buildings", many=True)
    def get(self, request: Request) -> Any:
        """Those in which there is a room, by name."""
        return rooms.list_buildings(self.venue)


class FloorView(CircletimeView):
    response_serializer = serializers.FloorPlanSerializer

    @kit.operation("Show the plan of a floor")
    def get(self, request: Request, building: str, floor: str) -> Any:
        """No plans are kept: 404, and the page of the frontend stands without."""
        raise errors.NotFound("No plan is kept of this floor.")
