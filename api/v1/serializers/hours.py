"""Hours of venues and resources: weeks, and exceptions from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from api.models import Closure, HoursException
from api.opening_hours import Row
from api.queries.venues.hours import EnteredWeek

from .base import StrictMixin, StrictSerializer, describe, example
from .fields import DayField, ShortWallTimeField
from .reviews import AFFECTED, AffectedMixin, DryRunSerializer

MAX_SPANS = 24  # a day
WEEK = [
    {"weekday": 0, "opens_at": "09:00", "closes_at": "12:30"},
    {"weekday": 0, "opens_at": "13:30", "closes_at": "18:00"},
    {"weekday": 5, "opens_at": "20:00", "closes_at": "02:00"},
]
UPCOMING = [{"from": "2030-11-01", "week": WEEK[:2]}]
VALID_FROM = "The first day of the week, by the venue's calendar; null: from the beginning."


class SpanSerializer(StrictSerializer):
    opens_at = ShortWallTimeField(help_text="When it opens, by the venue's clock.")
    closes_at = ShortWallTimeField(
        help_text="When it closes; 00:00 is midnight, before `opens_at` it is the next day, and"
        " 00:00 to 00:00 is the whole day."
    )


class WeekRowSerializer(SpanSerializer):
    weekday = serializers.IntegerField(
        min_value=0, max_value=6, help_text="On which it opens; 0 is Monday."
    )

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        return {"weekday": fields.pop("weekday"), **fields}

    def to_representation(self, row: Row) -> dict[str, Any]:
        return super().to_representation(
            dict(zip(("weekday", "opens_at", "closes_at"), row, strict=True))
        )


# no docstring: it would be published as the description of every serializer below
class FromMixin(serializers.Serializer[Any]):
    # `from` is no name that a class can give

    def get_fields(self) -> dict[str, Any]:
        field = DayField(source="valid_from", required=False, allow_null=True, help_text=VALID_FROM)
        return {**super().get_fields(), "from": field}


@example(UPCOMING[0])
class UpcomingWeekSerializer(FromMixin, StrictSerializer):
    week = WeekRowSerializer(many=True, help_text="Its rows.")


@example({"week": WEEK, "from": None, "upcoming": UPCOMING}, request={"week": WEEK})
class HoursSerializer(FromMixin, StrictSerializer):
    week = serializers.ListField(
        child=WeekRowSerializer(),
        max_length=7 * MAX_SPANS,
        help_text="Its rows, several a weekday if need be; rows that meet are one interval. None:"
        " a venue is closed, and a resource has the hours of its venue.",
    )
    upcoming = UpcomingWeekSerializer(
        many=True, read_only=True, help_text="The weeks that replace it later; they stay."
    )


@example(
    {
        "week": WEEK,
        "from": None,
        "upcoming": UPCOMING,
        "affected": [AFFECTED | {"code": "outside_hours"}],
    },
    request={"week": WEEK},
)
class HoursChangeSerializer(AffectedMixin, HoursSerializer):
    pass


class HoursQuerySerializer(FromMixin, DryRunSerializer):
    pass


def render_hours(valid: EnteredWeek, upcoming: list[EnteredWeek]) -> Mapping[str, Any]:
    body = {"week": valid.week, "valid_from": valid.valid_from, "upcoming": upcoming}
    return HoursSerializer(body).data


EXCEPTION = {
    "first_on": "2030-12-24",
    "last_on": "2030-12-24",
    "hours": [{"opens_at": "09:00", "closes_at": "13:00"}],
    "reason": "Christmas Eve",
}


class ExceptionSpanSerializer(SpanSerializer):
    def to_representation(self, span: Any) -> dict[str, Any]:
        return super().to_representation(dict(zip(("opens_at", "closes_at"), span, strict=True)))


@example({"id": 6} | EXCEPTION, request=EXCEPTION)
class HoursExceptionSerializer(StrictMixin, serializers.ModelSerializer[HoursException]):
    first_on = DayField(help_text="The first day, by the venue's calendar.")
    last_on = DayField(help_text="The last day; it counts too.")
    hours = serializers.ListField(
        child=ExceptionSpanSerializer(),
        source="spans",
        required=False,
        max_length=MAX_SPANS,
        help_text="The hours of each of these days, instead of those of the week; none: closed.",
    )

    class Meta:
        model = HoursException
        fields = ["id", "first_on", "last_on", "hours", "reason"]
        extra_kwargs = describe(reason="Why; people who try to book on a closed day are told.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "spans" in attrs:
            attrs["hours"] = [
                [at.isoformat() for at in (span["opens_at"], span["closes_at"])]
                for span in attrs.pop("spans")
            ]
        return attrs


# no docstring: as above
class SavedMixin(AffectedMixin):
    id = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="Its id; null after a dry run."
    )


@example({"id": 6} | EXCEPTION | {"affected": [AFFECTED]}, request=EXCEPTION)
class HoursExceptionChangeSerializer(SavedMixin, HoursExceptionSerializer):
    class Meta(HoursExceptionSerializer.Meta):
        fields = [*HoursExceptionSerializer.Meta.fields, "affected"]


CLOSURE = {"first_on": "2030-12-24", "last_on": "2031-01-01", "reason": "Winter break"}


@example({"id": 6} | CLOSURE, request=CLOSURE)
class ClosureSerializer(StrictMixin, serializers.ModelSerializer[Closure]):
    first_on = DayField(help_text="The first closed day, by the venue's calendar.")
    last_on = DayField(help_text="The last closed day; it counts too.")

    class Meta:
        model = Closure
        fields = ["id", "first_on", "last_on", "reason"]
        extra_kwargs = describe(reason="Why; people who try to book are told.")


@example({"id": 6} | CLOSURE | {"affected": [AFFECTED]}, request=CLOSURE)
class ClosureChangeSerializer(SavedMixin, ClosureSerializer):
    class Meta(ClosureSerializer.Meta):
        fields = [*ClosureSerializer.Meta.fields, "affected"]
