"""What a change of a rule does to bookings ahead, and what staff decide about them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from .base import SharedFieldsSerializer, example
from .fields import IdField, InstantField

AFFECTED = {
    "id": 12,
    "starts_at": "2030-12-24T09:00:00Z",
    "ends_at": "2030-12-24T10:00:00Z",
    "code": "closed",
}


class DryRunSerializer(serializers.Serializer[Any]):
    dry_run = serializers.BooleanField(
        required=False,
        default=False,
        help_text="`1`: answers what would be `affected`, and changes nothing.",
    )


class AffectedSerializer(serializers.Serializer[Any]):
    """A booking ahead that breaks a rule since this change."""

    id = serializers.IntegerField(help_text="The id of the booking.")
    starts_at = serializers.DateTimeField(help_text="When it begins; that has not changed.")
    ends_at = serializers.DateTimeField(help_text="When it ends.")
    code = serializers.CharField(
        help_text="The rule, as it would refuse the booking; `time_zone_changed`: its wall time is"
        " another one now."
    )


# no docstring: it would be published as the description of every serializer below
class AffectedMixin(serializers.Serializer[Any]):
    affected = AffectedSerializer(
        many=True,
        read_only=True,
        help_text="Bookings ahead that break a rule since this change, by start. They stay, and"
        " stand in `reviews/`.",
    )


@example({"affected": [AFFECTED]})
class RemovedSerializer(AffectedMixin):
    pass


class RuleSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="For programs, as in a refusal.")
    detail = serializers.CharField(help_text="For people.")


@example(
    {
        "id": 5,
        "booking": 12,
        "rule": {"code": "closed", "detail": "Closed on that day: Winter break"},
        "created_at": "2030-12-01T08:00:00Z",
    }
)
class ReviewSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Its id.")
    booking = serializers.IntegerField(source="booking_id", help_text="The id of the booking.")
    rule = RuleSerializer(source="*", help_text="What it breaks since a rule was changed.")
    created_at = serializers.DateTimeField(help_text="Since when.")


REASON = "Why; it stands in the history and, if something changes, in the e-mail."


@example(request={"reason": "The group has a key"})
class DecisionSerializer(SharedFieldsSerializer):
    reason = serializers.CharField(max_length=1000, help_text=REASON)


@example(
    request={
        "starts_at": "2030-12-23T09:00:00Z",
        "ends_at": "2030-12-23T10:00:00Z",
        "reason": "We are closed on the 24th",
    }
)
class MoveSerializer(DecisionSerializer):
    starts_at = InstantField(help_text="When it is to begin.")
    ends_at = InstantField(help_text="When it is to end.")
    resource = IdField(
        required=False,
        help_text="The id of what is to be booked; left out: the same.",
    )
