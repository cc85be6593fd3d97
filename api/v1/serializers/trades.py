"""Trades, in and out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.lifecycle import TradeStatus
from api.models import Trade

from .bookings import Owner


class Slot(serializers.Serializer[Any]):
    """One of the two bookings: enough to decide, and nothing that is private."""

    id = serializers.IntegerField()
    resource = serializers.IntegerField(source="resource_id")
    resource_name = serializers.CharField(source="resource.name")
    venue = serializers.CharField(source="venue.slug")
    owner = serializers.IntegerField(source="owner_id")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    status = serializers.CharField()


class TradeShape(serializers.ModelSerializer[Trade]):
    requester = Owner()
    target = Owner()
    requester_booking = Slot()
    target_booking = Slot()
    status = serializers.ChoiceField(
        source="status_now", choices=TradeStatus.choices, help_text="Lapsed once its time has come"
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


class NewTrade(serializers.Serializer[Any]):
    requester_booking = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, help_text="One's own booking"
    )
    target_booking = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, help_text="The booking wanted for it"
    )
    message = serializers.CharField(max_length=1000, required=False, allow_blank=True)


class Answer(serializers.Serializer[Any]):
    message = serializers.CharField(max_length=1000, required=False, allow_blank=True)
