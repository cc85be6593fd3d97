"""Payments and refunds."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.models import Dispute, Payment, Refund

from .base import StrictSerializer, describe, example

REFUND = {
    "id": 2,
    "amount_minor": 1500,
    "reason": "Rain",
    "status": "pending",
    "created_at": "2030-05-01T08:00:00Z",
}


@example(REFUND)
class RefundSerializer(serializers.ModelSerializer[Refund]):
    class Meta:
        model = Refund
        fields = ["id", "amount_minor", "reason", "status", "created_at"]
        read_only_fields = fields
        extra_kwargs = describe(
            amount_minor="How much is given back, in minor units of the currency.",
            reason="Why, in staff's words.",
            status="How far it is: waiting, blocked by a dispute, or Stripe's word.",
        )


DISPUTE = {
    "id": 1,
    "amount_minor": 3000,
    "reason": "fraudulent",
    "status": "needs_response",
    "created_at": "2030-05-03T08:00:00Z",
}


@example(DISPUTE)
class DisputeSerializer(serializers.ModelSerializer[Dispute]):
    class Meta:
        model = Dispute
        fields = ["id", "amount_minor", "reason", "status", "created_at"]
        read_only_fields = fields
        extra_kwargs = describe(
            amount_minor="How much the customer's bank asks back, in minor units of the currency.",
            reason="Why, in Stripe's word.",
            status="How far it is, in Stripe's word; while open, nothing is refunded by itself.",
        )


@example(
    {
        "id": 5,
        "booking": 12,
        "attempt": 1,
        "intent_id": "pi_3Nq0",
        "client_secret": "pi_3Nq0_secret_x",
        "amount_minor": 3000,
        "currency": "usd",
        "status": "requires_payment_method",
        "payment_status": "unpaid",
        "refunds": [],
        "disputes": [],
        "created_at": "2030-04-30T18:00:00Z",
    }
)
class PaymentSerializer(serializers.ModelSerializer[Payment]):
    booking = serializers.IntegerField(
        source="booking_id", help_text="The booking that it pays for."
    )
    payment_status = serializers.CharField(
        source="booking.payment_status", help_text="What it has made of the booking."
    )
    refunds = RefundSerializer(
        many=True, help_text="What was given back, by us or at Stripe's dashboard."
    )
    disputes = DisputeSerializer(many=True, help_text="What the customer's bank asks back.")

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
            "disputes",
            "created_at",
        ]
        read_only_fields = fields
        extra_kwargs = describe(
            attempt="Counts from 1; a new one begins when the one before was given up.",
            intent_id="The PaymentIntent at Stripe.",
            client_secret="What Stripe.js needs to take the payment.",  # noqa: S106 - a description
            amount_minor="The price of the booking, in minor units of the currency.",
            status="Where the payment is at Stripe.",
        )


@example(request={"amount_minor": 1500, "reason": "Rain"})
class NewRefundSerializer(StrictSerializer):
    amount_minor = serializers.IntegerField(
        min_value=1,
        max_value=2**63 - 1,
        required=False,
        help_text="In minor units of the currency; all that is left if left out.",
    )
    reason = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="Why, for the history."
    )


@example({"received": True, "new": True})
class StripeEventReceivedSerializer(serializers.Serializer[Any]):
    received = serializers.BooleanField(help_text="Always true.")
    new = serializers.BooleanField(help_text="False for a copy, and for what is of no concern.")
