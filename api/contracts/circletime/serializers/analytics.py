"""The figures, for admins."""

from __future__ import annotations

from calendar import day_name
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, timedelta
from typing import Any, Final, get_args

from rest_framework.serializers import (
    CharField,
    ChoiceField,
    DateField,
    FloatField,
    IntegerField,
    ListField,
    SerializerMethodField,
    ValidationError,
)

from api.contracts import kit
from api.queries.analytics.breakdowns import Metric

from .bookings import STATUS_LABELS
from .fields import DayField, IdsFilterField

MAX_PERIOD: Final = timedelta(days=366)


class PeriodSerializer(kit.Serializer):
    start_date = DayField(source="first_on", help_text="Local to the venue, also as `startDate`")
    end_date = DayField(source="last_on", help_text="Included, also as `endDate`")

    def to_internal_value(self, data: Any) -> Any:
        """Raises for the first mistake alone."""
        try:
            return super().to_internal_value(data)
        except ValidationError as error:
            detail: Any = error.detail
            field = next(iter(detail))
            raise ValidationError({field: detail[field]}) from None

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["last_on"] < attrs["first_on"]:
            raise ValidationError({"end_date": "Must not be before start_date."})
        if attrs["last_on"] - attrs["first_on"] > MAX_PERIOD:
            raise ValidationError({"end_date": "At most a year after start_date."})
        return attrs


class PeriodInBuildingSerializer(PeriodSerializer):
    building = CharField(required=False, allow_blank=True)

    def validate_building(self, name: str) -> str | None:
        return name or None


class FigureSerializer(kit.Serializer):
    label = CharField()  # type: ignore[assignment]  # the name in the JSON
    value = SerializerMethodField(help_text="A count or a rate")
    change = FloatField(allow_null=True, help_text="Since the period before, in points or percent")
    changeType = ChoiceField(choices=("positive", "negative", "neutral"), allow_null=True)
    unit = CharField()

    def get_value(self, figure: Mapping[str, Any]) -> float:
        value: float = figure["value"]
        return value


def build_kpi_figures(kpi: Mapping[str, Any]) -> list[dict[str, Any]]:
    """In the README's order."""
    return [
        _build_figure("Total Rooms", kpi["total_rooms"], None, "rooms"),
        _build_figure("Avg Utilization", kpi["avg_utilization"], kpi["utilization_change"], "%"),
        _build_figure(
            "Ghosting Rate", kpi["ghosting_rate"], kpi["ghosting_change"], "%", better=-1
        ),
        _build_figure("Total Bookings", kpi["total_bookings"], kpi["bookings_change"], "bookings"),
    ]


def _build_figure(
    label: str, value: float, change: float | None, unit: str, better: int = 1
) -> dict[str, Any]:
    """`better` is the sign of a change for the better."""
    kind = None
    if change is not None:
        kind = "neutral" if change == 0 else "positive" if change * better > 0 else "negative"
    return {"label": label, "value": value, "change": change, "changeType": kind, "unit": unit}


class ReportSerializer(kit.Serializer):
    roomId = CharField(source="resource_id")
    roomName = CharField(source="name")


class UtilizationSerializer(ReportSerializer):
    utilizationRate = FloatField(source="utilization_rate", help_text="Percent of the open time")
    totalBookings = IntegerField(source="total_bookings")
    totalHoursBooked = FloatField(source="total_hours")
    peakHours = ListField(
        source="peak_hours", child=CharField(), help_text="In which most meetings begin, as `09:00`"
    )


class GhostingSerializer(ReportSerializer):
    ghostingRate = FloatField(source="ghosting_rate", help_text="Percent of the bookings")
    totalNoShows = IntegerField(source="no_shows")
    totalBookings = IntegerField(source="total_bookings")
    averageWastedMinutes = FloatField(source="average_wasted_minutes", help_text="Per no-show")


class CapacitySerializer(ReportSerializer):
    roomCapacity = IntegerField(source="capacity", help_text="People")
    averageAttendees = FloatField(source="average_attendees", help_text="With the organizer")
    capacityUtilization = FloatField(source="capacity_utilization", help_text="Percent")
    oversizedBookings = IntegerField(source="oversized", help_text="Under half the places taken")
    undersizedBookings = IntegerField(source="undersized", help_text="More people than places")


class HeatSerializer(kit.Serializer):
    day = kit.LabelField(dict(enumerate(day_name)), source="weekday")
    hour = IntegerField(help_text="Of the venue's clock")
    value = IntegerField(source="count", help_text="How many bookings start in it")


class CompareQuerySerializer(PeriodSerializer):
    roomIds = IdsFilterField(
        source="ids", required=False, allow_blank=True, help_text="With commas between them"
    )


class ComparedRoomSerializer(ReportSerializer):
    utilization = FloatField(source="utilization_rate", help_text="Percent of the open time")
    ghosting = FloatField(source="ghosting_rate", help_text="Percent of the bookings")
    capacity = FloatField(source="capacity_utilization", help_text="Percent of the places")
    bookings = IntegerField(source="total_bookings")


class TrendQuerySerializer(PeriodSerializer):
    metric = ChoiceField(choices=get_args(Metric))


class TrendSerializer(kit.Serializer):
    date = DateField(source="on", format=None)
    value = FloatField(help_text="A rate in percent, or a count")


class DepartmentSerializer(kit.Serializer):
    name = CharField(source="department")
    rate = FloatField(source="ghosting_rate", help_text="Percent of the bookings")
    totalBookings = IntegerField(source="total_bookings")
    noShows = IntegerField(source="no_shows")


class ExportQuerySerializer(PeriodSerializer):
    format = ChoiceField(choices=("csv",), default="csv")


EXPORT_HEADINGS: Final = (
    *("Booking ID", "Room", "Title", "Organizer", "Start", "End", "Status", "Checked In"),
)


def export_rows(bookings: Iterable[Mapping[str, Any]]) -> Iterator[Sequence[Any]]:
    """The bookings as lines of a table, instants as they are written elsewhere."""
    for row in bookings:
        ends_at = min(row["ended_at"] or row["ends_at"], row["ends_at"])
        yield (
            *(row["id"], row["room"], row["title"], row["organizer"]),
            *(f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (row["starts_at"], ends_at)),
            *(STATUS_LABELS[row["status"]], "Yes" if row["checked_in_at"] else "No"),
        )
