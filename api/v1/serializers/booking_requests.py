"""What is sent about bookings."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.errors import Unfit
from api.rest.credentials import EmailField

from .base import SharedFieldsSerializer, StrictSerializer, example
from .fields import CountField, DurationField, IdField, InstantField

PRACTICE = {
    "resource": 3,
    "starts_at": "2030-05-01T09:00:00Z",
    "ends_at": "2030-05-01T10:00:00Z",
    "title": "Practice",
    "guests": 2,
}


@example(request=PRACTICE)
class NewBookingSerializer(SharedFieldsSerializer):
    resource = IdField(
        required=False,
        help_text="The id of what is to be booked; or `resources`, or `service`.",
    )
    resources = serializers.ListField(
        child=IdField(),
        min_length=1,
        max_length=50,
        required=False,
        help_text="The ids of several of one venue that are booked together, all or nothing.",
    )
    service = IdField(
        required=False,
        help_text="The id of a service: its resources are chosen, and `ends_at` is left out.",
    )
    duration = DurationField(
        required=False,
        help_text="One of the service's; may be left out if it has just one.",
    )
    prefer = serializers.ListField(
        child=IdField(),
        max_length=50,
        required=False,
        help_text="Ids of resources that should serve it if they are free, the dearest first.",
    )
    quantity = CountField(
        required=False,
        help_text="How many units of each; 1 if left out.",
    )
    consent = IdField(
        required=False,
        help_text="The id of the venue's text that one agrees to (`venues/{slug}/consent/`).",
    )
    starts_at = InstantField(help_text="When it begins.")
    ends_at = InstantField(
        required=False, help_text="When it ends; of a service its duration says it."
    )
    title = serializers.CharField(
        max_length=255, required=False, allow_blank=True, help_text="What it is for."
    )
    notes = serializers.CharField(
        max_length=5000, required=False, allow_blank=True, help_text="What else is to be known."
    )
    guests = CountField(
        required=False,
        help_text="How many people come; not more than the units have places for.",
    )
    attendees = serializers.ListField(
        child=IdField(),
        required=False,
        max_length=500,
        help_text="Ids of the people who are invited: people of the venue.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        check_one_thing(attrs, partial=self.partial)
        named = [name for name in ("resource", "resources") if name in attrs]
        if resources := attrs.pop("resources", None):
            attrs["resource"], *attrs["others"] = resources
        elif named:
            attrs["others"] = []
        return attrs


def check_one_thing(attrs: dict[str, Any], *, partial: bool) -> None:
    """Refuses `Unfit` unless exactly one thing is to be booked, with what belongs to it."""
    named = [name for name in ("resource", "resources", "service") if name in attrs]
    if len(named) > 1 or not (named or partial):
        message = "Give exactly one of resource, resources and service."
        raise Unfit(errors={"resource": [message]})
    is_service = "service" in named
    if not partial and "ends_at" not in attrs and not is_service:
        raise Unfit(errors={"ends_at": ["Say when it ends."]})
    if "ends_at" in attrs and (is_service or "duration" in attrs):
        raise Unfit(errors={"ends_at": ["Of a service it follows from the duration."]})
    if not is_service and (named or not partial):
        for name in ("duration", "prefer"):
            if name in attrs:
                raise Unfit(errors={name: ["Only of a service."]})


@example(request=PRACTICE)
class BookingRequestSerializer(NewBookingSerializer):
    owner = IdField(
        required=False,
        help_text="For keys, which book for others: the id of one of the venue's people.",
    )
    name = serializers.CharField(
        max_length=150,
        required=False,
        help_text="For keys, with `email` and instead of `owner`: what a guest is called.",
    )
    email = EmailField(
        required=False, help_text="For keys, with `name` and instead of `owner`: where to write."
    )


@example(request={"starts_at": "2030-05-01T10:00:00Z", "ends_at": "2030-05-01T11:00:00Z"})
class BookingChangeSerializer(NewBookingSerializer):
    consent = None  # type: ignore[assignment]  # asked for when it is made


@example(request={"reason": "Rain"})
class ReasonSerializer(SharedFieldsSerializer):
    reason = serializers.CharField(
        max_length=1000,
        required=False,
        allow_blank=True,
        help_text="Why; it stands in the history and in the e-mail.",
    )


@example(request={"ends_at": "2030-05-01T11:00:00Z"})
class ExtensionSerializer(SharedFieldsSerializer):
    ends_at = InstantField(help_text="When it is to end: later than it does now.")
    waive = serializers.BooleanField(
        required=False,
        help_text="Whether the added time is free of charge; said by anybody but staff, it is not.",
    )


@example(request={"ids": [12, 13], "reason": "Rain"})
class BookingIdsSerializer(StrictSerializer):
    reason = serializers.CharField(
        max_length=1000, required=False, allow_blank=True, help_text="Why, for all of them."
    )
    ids = serializers.ListField(
        child=IdField(),
        min_length=1,
        max_length=200,
        help_text="The bookings.",
    )
