"""Trades: two people swap their slots."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.lifecycle import TradeStatus
from api.models import Trade

from .base import StrictSerializer, describe, example
from .bookings import OWNER, OwnerSerializer
from .fields import IdField

SLOT = {
    "id": 12,
    "resource": 3,
    "resource_name": "Court 1",
    "venue": "club",
    "owner": 7,
    "starts_at": "2030-05-01T09:00:00Z",
    "ends_at": "2030-05-01T10:00:00Z",
    "status": "confirmed",
}


class TradeSlotSerializer(serializers.Serializer[Any]):
    """One of the two bookings: enough to decide, and nothing that is private."""

    id = serializers.IntegerField(help_text="The id of the booking.")
    resource = serializers.IntegerField(source="resource_id", help_text="What is booked.")
    resource_name = serializers.CharField(source="resource.name", help_text="Its name.")
    venue = serializers.CharField(source="venue.slug", help_text="The slug of its venue.")
    owner = serializers.IntegerField(source="owner_id", help_text="The id of whose booking it is.")
    starts_at = serializers.DateTimeField(help_text="When it begins.")
    ends_at = serializers.DateTimeField(help_text="When it ends.")
    status = serializers.CharField(help_text="The status of the booking.")


@example(
    {
        "id": 4,
        "requester": OWNER,
        "target": {"id": 8, "name": "Ben Example", "email": "ben@example.com"},
        "requester_booking": SLOT,
        "target_booking": SLOT | {"id": 13, "owner": 8, "starts_at": "2030-05-02T09:00:00Z",
                                  "ends_at": "2030-05-02T10:00:00Z"},
        "status": "offered",
        "message": "Could we swap? I have to leave early.",
        "response_message": "",
        "lapses_at": "2030-05-01T09:00:00Z",
        "responded_at": None,
        "version": 1,
        "created_at": "2030-04-28T12:00:00Z",
        "updated_at": "2030-04-28T12:00:00Z",
    }
)  # fmt: skip
class TradeSerializer(serializers.ModelSerializer[Trade]):
    requester = OwnerSerializer(help_text="Who offers the trade.")
    target = OwnerSerializer(help_text="Who is asked.")
    requester_booking = TradeSlotSerializer(help_text="What is offered.")
    target_booking = TradeSlotSerializer(help_text="What is wanted for it.")
    status = serializers.ChoiceField(
        source="status_now", choices=TradeStatus.choices, help_text="Lapsed once its time has come."
    )

    class Meta:
        model = Trade
        fields = [
            "id",
            "requester",
            "target",
            "requester_booking",
            "target_booking",
            "status",
            "message",
            "response_message",
            "lapses_at",
            "responded_at",
            "version",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields
        extra_kwargs = describe(
            message="What the requester wrote.",
            response_message="What was written back.",
            lapses_at="When the offer ends by itself: the earlier of the two slots begins.",
            responded_at="When it was answered or withdrawn; null until then.",
        )


@example(request={"requester_booking": 12, "target_booking": 13, "message": "Could we swap?"})
class NewTradeSerializer(StrictSerializer):
    requester_booking = IdField(help_text="One's own booking.")
    target_booking = IdField(help_text="The booking wanted for it.")
    message = serializers.CharField(
        max_length=1000, required=False, allow_blank=True, help_text="A word to the other person."
    )


@example(request={"message": "Gladly."})
class TradeResponseSerializer(StrictSerializer):
    message = serializers.CharField(
        max_length=1000, required=False, allow_blank=True, help_text="A word to the requester."
    )
