"""Refusals as problems (RFC 9457), for the document; `api.rest.exceptions` builds them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.models.series import Outcome


class IntervalSerializer(serializers.Serializer[Any]):
    starts_at = serializers.DateTimeField(help_text="When it begins.")
    ends_at = serializers.DateTimeField(help_text="When it ends.")


class ConflictSerializer(IntervalSerializer):
    status = serializers.CharField(help_text="The status of what blocks.")
    id = serializers.IntegerField(required=False, help_text="Its id; for staff only.")
    title = serializers.CharField(required=False, help_text="Its title; for staff only.")
    owner = serializers.CharField(required=False, help_text="Whose it is; for staff only.")
    reason = serializers.CharField(
        required=False, help_text="Why staff have `blocked` it; for staff only."
    )


class OccurrenceSerializer(serializers.Serializer[Any]):
    starts_at = serializers.DateTimeField(help_text="When it begins, or would.")
    ends_at = serializers.DateTimeField(help_text="When it ends.")
    recurrence_id = serializers.DateTimeField(help_text="When the rule has it.")
    outcome = serializers.ChoiceField(choices=Outcome.choices, help_text="What has become of it.")
    code = serializers.CharField(required=False, help_text="Why it is not booked, for programs.")
    booking = serializers.IntegerField(required=False, help_text="The id of its booking.")
    status = serializers.CharField(required=False, help_text="Where the booking stands now.")
    conflicts = ConflictSerializer(many=True, required=False, help_text="What has its time.")
    alternatives = IntervalSerializer(
        many=True, required=False, help_text="The nearest free times within 24 hours."
    )


@extend_schema_field({"type": ["integer", "string"]})
class LimitField(serializers.JSONField):
    pass


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457. `code` names the matter; what a client can act on is beside it."""

    type = serializers.CharField(help_text="Always `about:blank`: `code` says what is the matter.")
    title = serializers.CharField(help_text="The code in words.")
    status = serializers.IntegerField(help_text="The HTTP status.")
    code = serializers.CharField(help_text="What is the matter, for programs: it never changes.")
    detail = serializers.CharField(help_text="What is the matter, for people.")
    errors = serializers.DictField(  # type: ignore[assignment]  # DRF takes fields off the class
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Field to sentences.",
    )
    conflicts = ConflictSerializer(many=True, required=False, help_text="What blocks the slot.")
    alternatives = IntervalSerializer(
        many=True,
        required=False,
        help_text="The nearest free intervals of the same length, nearest first.",
    )
    occurrences = OccurrenceSerializer(
        many=True, required=False, help_text="Of a series what would become of each."
    )
    current = serializers.CharField(required=False, help_text="The status that it has.")
    reason = serializers.CharField(
        required=False, help_text="Why a token was refused, or a day is closed."
    )
    earliest = serializers.DateTimeField(required=False, help_text="The first start allowed.")
    latest = serializers.CharField(
        required=False, help_text="The last start allowed: an instant, or a day."
    )
    opens_at = serializers.CharField(required=False, help_text="A time of day, or an instant.")
    closes_at = serializers.CharField(required=False, help_text="A time of day, or an instant.")
    on = serializers.DateField(required=False, help_text="The day that is closed.")
    capacity = serializers.IntegerField(required=False, help_text="How many people fit.")
    slot = serializers.CharField(required=False, help_text="The length of a slot, `HH:MM:SS`.")
    limit = LimitField(required=False, help_text="How many there may be, or how long: `HH:MM:SS`.")
    quota = serializers.CharField(required=False, help_text="The venue's field that refuses.")
    free_at = serializers.DateTimeField(
        required=False,
        allow_null=True,
        help_text="When the quota refuses it no more, if nobody does anything; null where it"
        " always will.",
    )
