"""Series and their occurrences."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.errors import Unfit
from api.models import Series
from api.models.series import OnConflict
from api.opening_hours import Interval
from api.rest.renderers import format_duration

from .base import SharedFieldsSerializer, describe, example
from .booking_requests import BookingRequestSerializer, NewBookingSerializer
from .bookings import OWNER, OwnerSerializer
from .fields import DayField, DurationField, InstantField
from .problems import OccurrenceSerializer

REQUEST = {
    "resource": 3,
    "starts_at": "2030-05-01T09:00:00Z",
    "ends_at": "2030-05-01T10:00:00Z",
    "title": "Team meeting",
    "rule": "FREQ=WEEKLY;COUNT=2",
    "on_conflict": "nearest",
}
OCCURRENCES = [
    {
        "starts_at": "2030-05-01T09:00:00Z",
        "ends_at": "2030-05-01T10:00:00Z",
        "recurrence_id": "2030-05-01T09:00:00Z",
        "outcome": "booked",
        "booking": 12,
        "status": "confirmed",
    },
    {
        "starts_at": "2030-05-08T08:00:00Z",
        "ends_at": "2030-05-08T09:00:00Z",
        "recurrence_id": "2030-05-08T09:00:00Z",
        "outcome": "moved",
        "booking": 13,
        "status": "confirmed",
        "conflicts": [
            {
                "starts_at": "2030-05-08T09:00:00Z",
                "ends_at": "2030-05-08T09:30:00Z",
                "status": "confirmed",
            }
        ],
    },
]
SERIES = {
    "id": 4,
    "venue": "club",
    "owner": OWNER,
    "resource": 3,
    "resources": [3],
    "service": None,
    "quantity": 1,
    "title": "Team meeting",
    "notes": "",
    "guests": 1,
    "rule": "FREQ=WEEKLY;COUNT=2",
    "exdates": [],
    "rdates": [],
    "duration": "01:00:00",
    "time_zone": "Europe/Berlin",
    "on_conflict": "nearest",
    "ended_at": None,
    "ended_because": "",
    "created_at": "2030-04-28T12:00:00Z",
    "occurrences": OCCURRENCES,
}


@extend_schema_field({"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]})
class InstantOrDayField(serializers.Field[Any, Any, Any, Any]):
    """An instant, or a local date."""

    def to_internal_value(self, data: Any) -> Any:
        is_day = isinstance(data, str) and len(data) == len("2030-05-01")
        return (DayField() if is_day else InstantField()).to_internal_value(data)

    def to_representation(self, value: Any) -> Any:
        return value


def _list_dates(help_text: str) -> Any:
    return serializers.ListField(
        child=InstantOrDayField(), required=False, max_length=366, help_text=help_text
    )


ON_CONFLICT: dict[str, Any] = {
    "choices": OnConflict.choices,
    "required": False,
    "help_text": "What becomes of times that somebody else has: `refuse` books all or nothing,"
    " `skip` leaves them out, with those that the rules refuse, `nearest` moves them within 24"
    " hours.",
}
DRY_RUN = "Whether it is only said what would come of it; nothing is changed."
REMARK = "The original start of an occurrence, its `recurrence_id`."


@example(request=REQUEST)
class SeriesRequestSerializer(BookingRequestSerializer):
    name = None  # type: ignore[assignment]  # series are of accounts
    email = None  # type: ignore[assignment]
    rule = serializers.CharField(
        max_length=500,
        help_text="When it comes again, in the venue's wall time (RFC 5545): `FREQ=WEEKLY;COUNT=10`"
        " or with `UNTIL`, at most 366 times and five years. Without either only where the venue"
        " has `max_advance`.",
    )
    exdates = _list_dates("What the rule gives and is left out: instants, or local dates.")
    rdates = _list_dates("What comes besides: instants, or local dates.")
    on_conflict = serializers.ChoiceField(**ON_CONFLICT)
    dry_run = serializers.BooleanField(required=False, help_text=DRY_RUN)
    token = serializers.CharField(
        max_length=1000,
        required=False,
        help_text="Of a dry run with the same body: it is booked as that said, or not at all. For"
        " 15 minutes, once.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("dry_run") and "token" in attrs:
            raise Unfit(errors={"token": ["A dry run takes none."]})
        return super().validate(attrs)


SCOPE: dict[str, Any] = {
    "choices": [("all", "All of them"), ("following", "This and those that follow")],
    "help_text": "`all`, or `following` with `from`.",
}


def check_scope(attrs: dict[str, Any]) -> dict[str, Any]:
    """`from` as `since`, where it belongs."""
    since = attrs.pop("from", None)
    if attrs["scope"] == "following" and since is None:
        raise Unfit(errors={"from": ["Say from which one on."]})
    if attrs["scope"] == "all" and since is not None:
        raise Unfit(errors={"from": ["Only with `following`."]})
    return attrs | {"since": since}


def _with_from(serializer: Any) -> Any:
    """`from` is a word of the language."""
    serializer._declared_fields["from"] = InstantField(required=False, help_text=REMARK)
    return serializer


@example(request={"scope": "following", "from": "2030-05-08T09:00:00Z", "reason": "Project over"})
class SeriesScopeSerializer(SharedFieldsSerializer):
    scope = serializers.ChoiceField(**SCOPE)
    reason = serializers.CharField(
        max_length=1000,
        required=False,
        allow_blank=True,
        help_text="Why; it stands in the history and in the e-mail.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return check_scope(attrs)


@example(
    request={
        "scope": "following",
        "from": "2030-05-08T09:00:00Z",
        "starts_at": "2030-05-08T10:00:00Z",
        "ends_at": "2030-05-08T11:00:00Z",
    }
)
class SeriesChangeSerializer(NewBookingSerializer):
    consent = None  # type: ignore[assignment]  # asked for when it is made
    scope = serializers.ChoiceField(**SCOPE)
    on_conflict = serializers.ChoiceField(**ON_CONFLICT)
    dry_run = serializers.BooleanField(required=False, help_text=DRY_RUN)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "scope" not in attrs:
            raise Unfit(errors={"scope": ["Say which of them: all, or following with from."]})
        return super().validate(check_scope(attrs))


for _serializer in (SeriesScopeSerializer, SeriesChangeSerializer):
    _with_from(_serializer)


@example(SERIES)
class SeriesSerializer(serializers.ModelSerializer[Series]):
    id: Any = serializers.IntegerField(allow_null=True, help_text="Its id; null after a dry run.")
    venue = serializers.CharField(source="venue.slug", help_text="The slug of the venue.")
    owner = OwnerSerializer(help_text="Whose series it is.")
    resource: Any = serializers.IntegerField(
        source="resource_id", allow_null=True, help_text="What each books; null for a service."
    )
    resources = serializers.SerializerMethodField(help_text="All that each books.")
    service: Any = serializers.IntegerField(
        source="service_id", allow_null=True, help_text="The id of the service; null for none."
    )
    duration = DurationField(help_text="How long each lasts.")
    time_zone = serializers.CharField(source="zone_name", help_text="Whose wall time it keeps.")
    occurrences = OccurrenceSerializer(many=True, help_text="All of them, cancelled ones too.")
    token = serializers.CharField(
        required=False, help_text="Of a dry run: with it the same body is booked as it says."
    )

    class Meta:
        model = Series
        fields = [
            *("id", "venue", "owner", "resource", "resources", "service", "quantity", "title"),
            *("notes", "guests", "rule", "exdates", "rdates", "duration", "time_zone"),
            *("on_conflict", "ended_at", "ended_because", "created_at", "occurrences", "token"),
        ]
        read_only_fields = fields
        extra_kwargs = describe(
            quantity="How many units each takes of each resource.",
            title="What it is for.",
            notes="What else is to be known.",
            guests="How many people come.",
            rule="When it comes again (RFC 5545).",
            exdates="What the rule gives and is left out.",
            rdates="What comes besides.",
            on_conflict="What becomes of later ones that somebody else has by then.",
            ended_at="When it was ended as a whole; null if it was not.",
            ended_because="Why: it was cancelled, or nobody came too often.",
            created_at="When it was made.",
        )

    def get_resources(self, series: Series) -> list[int]:
        return [series.resource_id, *series.others] if series.resource_id else []

    def to_representation(self, instance: Series) -> dict[str, Any]:
        owner = instance.owner
        plain = (
            *("quantity", "title", "notes", "guests", "rule", "exdates", "rdates"),
            *("on_conflict", "ended_at", "ended_because", "created_at"),
        )
        return {
            "id": instance.pk,
            "venue": instance.venue.slug,
            "owner": {"id": owner.pk, "name": owner.name, "email": owner.email},
            "resource": instance.resource_id,
            "resources": self.get_resources(instance),
            "service": instance.service_id,
            "duration": format_duration(instance.duration),
            "time_zone": instance.zone_name,
            **{name: getattr(instance, name) for name in plain},
        }


def render_interval(interval: Interval) -> dict[str, Any]:
    return {"starts_at": interval[0], "ends_at": interval[1]}
