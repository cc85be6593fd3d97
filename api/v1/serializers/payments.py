"""Payments and refunds."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.models import Payment, Refund


class RefundShape(serializers.ModelSerializer[Refund]):
    class Meta:
        model = Refund
        fields = ["id", "amount_minor", "reason", "status", "created_at"]
        read_only_fields = fields


class PaymentShape(serializers.ModelSerializer[Payment]):
    booking = serializers.IntegerField(source="booking_id")
    payment_status = serializers.CharField(source="booking.payment_status")
    refunds = RefundShape(many=True)

    class Meta:
        model = Payment
        fields = [
            "id",
            "booking",
            "attempt",
            "intent_id",
            "client_secret",
            "amount_minor",
            "currency",
            "status",
            "payment_status",
            "refunds",
            "created_at",
        ]
        read_only_fields = fields


class NewRefund(serializers.Serializer[Any]):
    amount_minor = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, required=False, help_text="All that is left, by default"
    )
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True)


class Received(serializers.Serializer[Any]):
    received = serializers.BooleanField()
    new = serializers.BooleanField(help_text="False for a copy, and for what is of no concern")
