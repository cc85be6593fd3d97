"""Bookings and their history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from api.effective_status import get_effective_payment_status, get_effective_status
from api.errors import Unfit
from api.models import Booking, BookingEvent, User

from .fields import Instant, Plain


class Owner(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.CharField()


class BookingShape(serializers.ModelSerializer[Booking]):
    venue = serializers.CharField(source="venue.slug")
    resource = serializers.IntegerField(source="resource_id")
    resource_name = serializers.CharField(source="resource.name")
    owner = Owner()
    attendees: Any = serializers.PrimaryKeyRelatedField(many=True, read_only=True)
    approved_by = serializers.IntegerField(source="approved_by_id", allow_null=True)

    class Meta:
        model = Booking
        fields = [
            "id",
            "venue",
            "resource",
            "resource_name",
            "owner",
            "title",
            "notes",
            "guests",
            "attendees",
            "starts_at",
            "ends_at",
            "status",
            "primetime",
            "hold_expires_at",
            "lapses_at",
            "check_in_opens_at",
            "check_in_closes_at",
            "no_show_at",
            "completes_at",
            "price_minor",
            "currency",
            "payment_status",
            "approved_by",
            "approved_at",
            "rejection_reason",
            "checked_in_at",
            "ended_at",
            "version",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


def booking(row: Booking, attendees: Sequence[int] | None = None) -> dict[str, Any]:
    """What `BookingShape` describes, without what a serializer costs; a test keeps them equal."""
    body = {name: getattr(row, name) for name in _AS_THEY_ARE}
    owner = row.owner
    return body | {
        "status": get_effective_status(row),
        "payment_status": get_effective_payment_status(row),
        "venue": row.venue.slug,
        "resource": row.resource_id,
        "resource_name": row.resource.name,
        "owner": {"id": owner.pk, "name": owner.name, "email": owner.email},
        "attendees": attendees if attendees is not None else [p.pk for p in row.attendees.all()],
        "approved_by": row.approved_by_id,
    }


_AS_THEY_ARE = tuple(
    name
    for name in BookingShape.Meta.fields
    if name not in ("venue", "resource", "resource_name", "owner", "attendees", "approved_by")
)


class People(serializers.ListField):
    """Ids of people who exist, in one statement; answers the people."""

    child = serializers.IntegerField(min_value=1, max_value=2**63 - 1)

    def to_internal_value(self, data: Any) -> list[User]:
        ids = set(super().to_internal_value(data))
        found = list(User.objects.filter(pk__in=ids, erased_at=None)) if ids else []
        if unknown := ids - {user.pk for user in found}:
            raise Unfit(errors={"attendees": [f"Unknown people: {sorted(unknown)}."]})
        return found


class BookingEdit(Plain):
    resource = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    starts_at = Instant()
    ends_at = Instant()
    title = serializers.CharField(max_length=255, required=False, allow_blank=True)
    notes = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    guests = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)
    attendees = People(required=False, max_length=500, help_text="Ids of people")


class NewBooking(BookingEdit):
    """What a booking is made from."""


class Reason(Plain):
    reason = serializers.CharField(max_length=1000, required=False, allow_blank=True)


class Many(Reason):
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        min_length=1,
        max_length=200,
    )


class ManyResult(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    status = serializers.CharField(required=False, help_text="Its status now, if it was done")
    code = serializers.CharField(required=False, help_text="Why it was refused")
    detail = serializers.CharField(required=False)


class ManyResults(serializers.Serializer[Any]):
    results = ManyResult(many=True)


class EventShape(serializers.ModelSerializer[BookingEvent]):
    actor = serializers.SerializerMethodField(help_text="The person, job or panel")

    class Meta:
        model = BookingEvent
        fields = ["id", "verb", "from_status", "to_status", "by", "actor", "details", "at"]

    def get_actor(self, event: BookingEvent) -> str:
        return event.actor_name or (event.actor.name if event.actor else "")


class Dashboard(serializers.Serializer[Any]):
    upcoming = BookingShape(many=True)
    pending = serializers.IntegerField()
    held = serializers.IntegerField()
    recent = EventShape(many=True)


class Absentee(serializers.Serializer[Any]):
    person = Owner()
    times = serializers.IntegerField(help_text="Within the last 90 days")
    last_missed_at = serializers.DateTimeField()


class StaffDashboard(serializers.Serializer[Any]):
    requests_waiting = serializers.IntegerField()
    bookings_today = serializers.IntegerField()
    held = serializers.IntegerField()
    no_shows_this_week = serializers.IntegerField()
    repeated_no_shows = Absentee(many=True, help_text="People who did not come twice or more")
    recent = EventShape(many=True)
