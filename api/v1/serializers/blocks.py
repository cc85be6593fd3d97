"""Blocks: times at which staff keep a resource from being booked."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.models import Block

from .base import SharedFieldsSerializer, describe, example
from .fields import InstantField
from .reviews import AFFECTED, AffectedMixin

BLOCK = {
    "starts_at": "2030-12-24T09:00:00Z",
    "ends_at": "2030-12-24T12:00:00Z",
    "reason": "The floor is polished",
    "rule": "FREQ=WEEKLY;COUNT=4",
}
STORED = {"id": 4, **BLOCK, "created_at": "2030-12-01T08:00:00Z"}


@example(request=BLOCK)
class NewBlockSerializer(SharedFieldsSerializer):
    starts_at = InstantField(help_text="When it begins.")
    ends_at = InstantField(help_text="When it ends.")
    reason = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="Why; for staff only."
    )
    rule = serializers.CharField(
        max_length=200,
        required=False,
        allow_blank=True,
        help_text="When it comes again, in the venue's wall time (RFC 5545): `FREQ=WEEKLY;COUNT=10`"
        " or with `UNTIL`. Without either only where the venue has `max_advance`: for 366 times or"
        " five years.",
    )
    force = serializers.BooleanField(
        required=False,
        help_text="Whether it may lie over bookings: it gets their time the moment they leave.",
    )


@example(STORED)
class BlockSerializer(serializers.ModelSerializer[Block]):
    class Meta:
        model = Block
        fields = ["id", "starts_at", "ends_at", "reason", "rule", "created_at"]
        read_only_fields = fields
        extra_kwargs = describe(
            starts_at="When it begins.",
            ends_at="When it ends.",
            reason="Why; for staff only.",
            rule="When it comes again; empty for once.",
            created_at="When it was made.",
        )


@example(STORED | {"affected": [AFFECTED | {"code": "slot_taken"}]})
class BlockChangeSerializer(AffectedMixin, BlockSerializer):
    id: Any = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="Its id; null after a dry run."
    )

    class Meta(BlockSerializer.Meta):
        fields = [*BlockSerializer.Meta.fields, "affected"]
