"""Bookings, their history, and the dashboards that count them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from api.effective_status import get_effective_payment_status, get_effective_status
from api.errors import Unfit
from api.models import Booking, BookingEvent
from api.models.allocations import get_places
from api.rest.credentials import EmailField

from .base import SharedFieldsSerializer, StrictSerializer, describe, example
from .fields import DurationField, InstantField

OWNER = {"id": 7, "name": "Ana Example", "email": "ana@example.com"}
BOOKING = {
    "id": 12,
    "venue": "club",
    "resource": 3,
    "resource_name": "Court 1",
    "service": None,
    "owner": OWNER,
    "title": "Practice",
    "notes": "Bring balls",
    "guests": 2,
    "quantity": 1,
    "allocations": [{"resource": 3, "unit": 1}],
    "attendees": [8],
    "starts_at": "2030-05-01T09:00:00Z",
    "ends_at": "2030-05-01T10:00:00Z",
    "status": "confirmed",
    "primetime": False,
    "hold_expires_at": None,
    "lapses_at": None,
    "check_in_opens_at": "2030-05-01T08:45:00Z",
    "check_in_closes_at": "2030-05-01T09:15:00Z",
    "no_show_at": "2030-05-01T09:15:00Z",
    "completes_at": "2030-05-01T10:00:00Z",
    "price_minor": 0,
    "currency": "usd",
    "payment_status": "none",
    "approved_by": None,
    "approved_at": None,
    "rejection_reason": "",
    "checked_in_at": None,
    "ended_at": None,
    "version": 1,
    "created_at": "2030-04-28T12:00:00Z",
    "updated_at": "2030-04-28T12:00:00Z",
}
EVENT = {
    "id": 40,
    "verb": "reject",
    "from_status": "confirmed",
    "to_status": "rejected",
    "by": "staff",
    "actor": "Sam Example",
    "details": {"reason": "Rain"},
    "at": "2030-04-30T08:00:00Z",
}


class OwnerSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(
        allow_null=True, help_text="The id of the person; null for a guest."
    )
    name = serializers.CharField(help_text="First and last name.")
    email = serializers.CharField(help_text="E-mail address.")


class AllocationSerializer(serializers.Serializer[Any]):
    resource = serializers.IntegerField(help_text="The id of the resource.")
    unit = serializers.IntegerField(help_text="Which of its units; it may change.")


@example(BOOKING)
class BookingSerializer(serializers.ModelSerializer[Booking]):
    venue = serializers.CharField(source="venue.slug", help_text="The slug of the venue.")
    resource = serializers.IntegerField(source="resource_id", help_text="The id of what is booked.")
    resource_name = serializers.CharField(source="resource.name", help_text="Its name.")
    service: Any = serializers.IntegerField(
        source="service_id", allow_null=True, help_text="The id of the service; null for none."
    )
    owner = OwnerSerializer(help_text="Whose booking it is.")
    allocations = AllocationSerializer(many=True, help_text="What it takes, one row a unit.")
    attendees: Any = serializers.PrimaryKeyRelatedField(
        many=True, read_only=True, help_text="Ids of the people who are invited."
    )
    approved_by = serializers.IntegerField(
        source="approved_by_id", allow_null=True, help_text="The id of who approved it."
    )

    class Meta:
        model = Booking
        fields = [
            "id",
            "venue",
            "resource",
            "resource_name",
            "service",
            "owner",
            "title",
            "notes",
            "guests",
            "quantity",
            "allocations",
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
        extra_kwargs = describe(
            title="What it is for.",
            notes="What else is to be known.",
            guests="How many people come.",
            quantity="How many units it takes of each resource.",
            status="Where it stands now, by the clock: a hold that ran out reads `expired`.",
            primetime="Whether it touches a primetime window.",
            hold_expires_at="Until when it is held for payment, or for its guest to confirm; null"
            " if it is not.",
            lapses_at="When a request that nobody answered ends; null if it is none.",
            check_in_opens_at="From when one may check in; null if nobody has to.",
            check_in_closes_at="Until when one may check in.",
            no_show_at="When the slot is given away if nobody has checked in.",
            completes_at="When it counts as over.",
            price_minor="Its price, in minor units of the currency; 0 is free of charge.",
            payment_status="Whether it is paid.",
            approved_at="When it was approved.",
            rejection_reason="Why it was rejected, in staff's words.",
            checked_in_at="When somebody checked in.",
            ended_at="When it was ended early.",
        )

    def to_representation(self, instance: Booking) -> dict[str, Any]:
        return render_booking(instance, [person.pk for person in instance.attendees.all()])


def render_booking(booking: Booking, attendees: Sequence[int]) -> dict[str, Any]:
    """The fields of `BookingSerializer`, read directly: 12 µs a booking, and 86 through DRF's
    fields. `attendees` are the ids of who is invited."""
    owner = booking.person
    places = getattr(booking, "places", None) or get_places(booking.allocations.all())
    return {name: getattr(booking, name) for name in _COLUMNS} | {
        "status": get_effective_status(booking),
        "payment_status": get_effective_payment_status(booking),
        "venue": booking.venue.slug,
        "resource": booking.resource_id,
        "resource_name": booking.resource.name,
        "service": booking.service_id,
        "owner": {"id": owner.pk, "name": owner.name, "email": owner.email},
        "allocations": [{"resource": pk, "unit": unit} for pk, unit in places],
        "attendees": attendees,
        "approved_by": booking.approved_by_id,
    }


_WORKED_OUT = ("venue", "resource", "resource_name", "service", "owner", "allocations", "attendees")
_COLUMNS = tuple(
    name for name in BookingSerializer.Meta.fields if name not in (*_WORKED_OUT, "approved_by")
)


@example(
    request={
        "resource": 3,
        "starts_at": "2030-05-01T09:00:00Z",
        "ends_at": "2030-05-01T10:00:00Z",
        "title": "Practice",
        "guests": 2,
    }
)
class NewBookingSerializer(SharedFieldsSerializer):
    resource = serializers.IntegerField(
        min_value=1,
        max_value=2**63 - 1,
        required=False,
        help_text="The id of what is to be booked; or `resources`, or `service`.",
    )
    resources = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        min_length=1,
        max_length=50,
        required=False,
        help_text="The ids of several of one venue that are booked together, all or nothing.",
    )
    service = serializers.IntegerField(
        min_value=1,
        max_value=2**63 - 1,
        required=False,
        help_text="The id of a service: its resources are chosen, and `ends_at` is left out.",
    )
    duration = DurationField(
        required=False,
        help_text="One of the service's; may be left out if it has just one.",
    )
    prefer = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        max_length=50,
        required=False,
        help_text="Ids of resources that should serve it if they are free, the dearest first.",
    )
    quantity = serializers.IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        required=False,
        help_text="How many units of each; 1 if left out.",
    )
    consent = serializers.IntegerField(
        min_value=1,
        max_value=2**63 - 1,
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
    guests = serializers.IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        required=False,
        help_text="How many people come; not more than the units have places for.",
    )
    attendees = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
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


@example(
    request={
        "resource": 3,
        "starts_at": "2030-05-01T09:00:00Z",
        "ends_at": "2030-05-01T10:00:00Z",
        "title": "Practice",
        "guests": 2,
    }
)
class BookingRequestSerializer(NewBookingSerializer):
    owner = serializers.IntegerField(
        min_value=1,
        max_value=2**63 - 1,
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
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        min_length=1,
        max_length=200,
        help_text="The bookings.",
    )


class BookingResultSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="The booking.")
    status = serializers.CharField(required=False, help_text="Its status now, if it was done.")
    code = serializers.CharField(required=False, help_text="Why it was refused, for programs.")
    detail = serializers.CharField(required=False, help_text="Why it was refused, for people.")


@example(
    {
        "results": [
            {"id": 12, "status": "confirmed"},
            {"id": 13, "code": "wrong_status",
             "detail": "A booking that is cancelled cannot do that."},
        ]
    }
)  # fmt: skip
class BookingResultsSerializer(serializers.Serializer[Any]):
    results = BookingResultSerializer(many=True, help_text="One for each id, in their order.")


@example(EVENT)
class BookingEventSerializer(serializers.ModelSerializer[BookingEvent]):
    actor = serializers.SerializerMethodField(
        help_text="The name of the person, job, panel or key."
    )

    class Meta:
        model = BookingEvent
        fields = ["id", "verb", "from_status", "to_status", "by", "actor", "details", "at"]
        extra_kwargs = describe(
            verb="What was done.",
            from_status="The status before; empty for a new booking.",
            to_status="The status after.",
            by="In which role: owner, staff, the clock, a panel, Stripe.",
            details="What else is known: the reason, what was changed.",
            at="When.",
        )

    def get_actor(self, event: BookingEvent) -> str:
        return event.actor_name or (event.actor.name if event.actor else "")


@example({"upcoming": [BOOKING], "pending": 1, "held": 0, "recent": [EVENT]})
class DashboardSerializer(serializers.Serializer[Any]):
    upcoming = BookingSerializer(many=True, help_text="The next bookings, soonest first.")
    pending = serializers.IntegerField(help_text="Requests that wait for an answer.")
    held = serializers.IntegerField(help_text="Bookings that wait for payment.")
    recent = BookingEventSerializer(many=True, help_text="What happened last.")


class RepeatedNoShowSerializer(serializers.Serializer[Any]):
    person = OwnerSerializer(help_text="Who did not come.")
    times = serializers.IntegerField(help_text="How often within the last 90 days.")
    last_missed_at = serializers.DateTimeField(help_text="When the last slot began.")


@example(
    {
        "requests_waiting": 2,
        "bookings_today": 14,
        "held": 1,
        "no_shows_this_week": 3,
        "repeated_no_shows": [
            {"person": OWNER, "times": 2, "last_missed_at": "2030-04-20T09:00:00Z"}
        ],
        "recent": [EVENT],
    }
)
class StaffDashboardSerializer(serializers.Serializer[Any]):
    requests_waiting = serializers.IntegerField(help_text="Requests that wait for staff.")
    bookings_today = serializers.IntegerField(help_text="Bookings of today.")
    held = serializers.IntegerField(help_text="Bookings that wait for payment.")
    no_shows_this_week = serializers.IntegerField(help_text="Bookings nobody came to.")
    repeated_no_shows = RepeatedNoShowSerializer(
        many=True, help_text="People who did not come twice or more."
    )
    recent = BookingEventSerializer(many=True, help_text="What happened last.")
