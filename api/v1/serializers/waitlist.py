"""The waitlist: who waits for what, and what they are offered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.errors import Unfit
from api.lifecycle import OFFERED, WaitlistStatus
from api.models import WaitlistEntry

from .base import SharedFieldsSerializer, example
from .bookings import OWNER, OwnerSerializer
from .fields import CountField, DurationField, IdField, InstantField

THINGS = ("resource", "pool", "service")
REQUEST = {
    "resource": 3,
    "from": "2030-05-01T08:00:00Z",
    "until": "2030-05-01T18:00:00Z",
    "duration": "01:00:00",
    "quantity": 1,
}


class _NamedFieldsMixin:
    # `from` is a word of the language
    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()  # type: ignore[misc]  # a mixin of serializers
        return {name.rstrip("_"): field for name, field in fields.items()}


@example(request=REQUEST)
class WaitlistRequestSerializer(_NamedFieldsMixin, SharedFieldsSerializer):
    resource = IdField(
        required=False,
        help_text="The id of the resource that one waits for; or `pool`, or `service`.",
    )
    pool = IdField(
        required=False,
        help_text="The id of a pool, any of whose resources will do.",
    )
    service = IdField(required=False, help_text="The id of a service.")
    from_ = InstantField(source="from_at", help_text="It is to begin then or later.")
    until = InstantField(source="until_at", help_text="It is to end then or earlier.")
    duration = DurationField(
        required=False,
        help_text="How long it is to be: one of the service's, and left out if that has just one.",
    )
    quantity = CountField(required=False, help_text="How many units; 1 if left out.")
    consent = IdField(
        required=False,
        help_text="The id of the venue's text that one agrees to (`venues/{slug}/consent/`).",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sum(thing in attrs for thing in THINGS) != 1:
            raise Unfit(errors={"resource": ["Give exactly one of resource, pool and service."]})
        return attrs


@example(
    {
        "id": 4,
        "venue": "club",
        "owner": OWNER,
        "resource": 3,
        "pool": None,
        "service": None,
        "from": "2030-05-01T08:00:00Z",
        "until": "2030-05-01T18:00:00Z",
        "duration": "01:00:00",
        "quantity": 1,
        "status": "offered",
        "position": None,
        "offer": 12,
        "offer_expires_at": "2030-04-30T12:00:00Z",
        "created_at": "2030-04-28T12:00:00Z",
    }
)
class WaitlistEntrySerializer(_NamedFieldsMixin, serializers.Serializer[WaitlistEntry]):
    id = serializers.IntegerField(help_text="Its id.")
    venue = serializers.CharField(source="venue.slug", help_text="The slug of the venue.")
    owner = OwnerSerializer(help_text="Who waits.")
    resource = serializers.IntegerField(
        source="resource_id", allow_null=True, help_text="The resource that is waited for, or null."
    )
    pool = serializers.IntegerField(
        source="pool_id", allow_null=True, help_text="The pool, or null."
    )
    service = serializers.IntegerField(
        source="service_id", allow_null=True, help_text="The service, or null."
    )
    from_ = serializers.DateTimeField(source="from_at", help_text="It is to begin then or later.")
    until = serializers.DateTimeField(source="until_at", help_text="It is to end by then.")
    duration = DurationField(help_text="How long it is to be.")
    quantity = serializers.IntegerField(help_text="How many units.")
    status = serializers.ChoiceField(
        choices=WaitlistStatus.choices,
        source="effective",
        help_text="Where it stands now, by the clock: what was not answered in time has `lapsed`.",
    )
    position = serializers.IntegerField(
        allow_null=True,
        help_text="Counted from 1 among those who wait for the same thing in overlapping windows;"
        " null once one waits no more.",
    )
    offer = serializers.SerializerMethodField(
        help_text="The id of the booking that is on offer: accept or decline it; null for none."
    )
    offer_expires_at = serializers.SerializerMethodField(
        help_text="Until when it is on offer; null for none."
    )
    created_at = serializers.DateTimeField(help_text="Since when they are in line.")

    def get_offer(self, entry: Any) -> int | None:
        return entry.booking_id if entry.effective == OFFERED else None

    def get_offer_expires_at(self, entry: Any) -> Any:
        offered = entry.effective == OFFERED and entry.booking is not None
        return entry.booking.offer_expires_at if offered else None
