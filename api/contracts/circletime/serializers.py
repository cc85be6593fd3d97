"""What is read and written: camelCase, ids as strings, instants in UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, get_args

from rest_framework.serializers import (
    BooleanField,
    CharField,
    ChoiceField,
    EmailField,
    FloatField,
    IntegerField,
    ListField,
    SerializerMethodField,
    ValidationError,
)

from api import errors
from api.contracts import kit
from api.lifecycle import Status
from api.queries.venues import rooms

STATUS_LABELS: Final[Mapping[str, str]] = {
    Status.HELD: "pending",
    Status.PENDING: "pending",
    Status.CONFIRMED: "confirmed",
    Status.CHECKED_IN: "confirmed",
    Status.COMPLETED: "completed",
    Status.CANCELLED: "cancelled",
    Status.REJECTED: "cancelled",
    Status.EXPIRED: "cancelled",
    Status.NO_SHOW: "no_show",
}
CANCELLED: Final = tuple(s for s, label in STATUS_LABELS.items() if label == "cancelled")
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)  # the library reads weeks of the year as well


def is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20 and int(text) < 2**63


def parse_id(text: str) -> int:
    """Raises `NotFound` for what is no id."""
    if not is_id(text):
        raise errors.NotFound("There is no such thing.")
    return int(text)


class TextField(CharField):
    """A string; a number is a mistake here, not a text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class DayField(kit.WallDateField):
    def to_internal_value(self, value: Any) -> date:
        if isinstance(value, str) and not DATE.fullmatch(value):
            self.fail("invalid", format="YYYY-MM-DD")
        found = super().to_internal_value(value)
        if not 1990 <= found.year <= 2200:
            raise ValidationError("Not a date anyone can book.")
        return found


class NumberFilterField(IntegerField):
    """What is no number filters nothing."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            found = int(data)
        except ValueError:
            return None
        return found if abs(found) < 2**31 else None


class IsSetField(BooleanField):
    """Whether its source is not null."""

    def get_attribute(self, instance: Any) -> bool:
        return super().get_attribute(instance) is not None


# people


class LoginSerializer(kit.Serializer):
    email = EmailField(max_length=254, source="login")
    password = TextField(max_length=1000, trim_whitespace=False)


class RefreshSerializer(kit.Serializer):
    refresh = TextField(trim_whitespace=False, help_text="Good for one use")


class PersonSerializer(kit.Serializer):
    id = CharField()
    name = CharField()
    email = CharField()


class UserSerializer(PersonSerializer):
    role = kit.LabelField({True: "admin", False: "user"}, source="is_staff")
    department = kit.TextOrNullField(allow_null=True)


class LoggedInSerializer(kit.Serializer):
    token = CharField(source="access", help_text="The access token under its earlier name")
    access = CharField()
    refresh = CharField()
    user = UserSerializer()


# rooms and bookings


class RoomQuerySerializer(kit.Serializer):
    search = CharField(
        source="text", required=False, allow_blank=True, help_text="In the name or the building"
    )
    building = CharField(required=False, allow_blank=True)
    floor = NumberFilterField(required=False)
    min_capacity = NumberFilterField(required=False, help_text="People, also as `minCapacity`")
    amenities = CharField(required=False, allow_blank=True, help_text="With commas between them")
    status = CharField(required=False, allow_blank=True, trim_whitespace=False)

    def validate_amenities(self, names: str) -> list[str]:
        return [name.strip() for name in names.split(",") if name.strip()]


class RoomSummarySerializer(kit.Serializer):
    id = CharField()
    name = CharField()
    building = CharField()
    floor = IntegerField()
    capacity = IntegerField(help_text="People")


class RoomSerializer(RoomSummarySerializer):
    """A room is `reserved` when a meeting begins within 15 minutes."""

    amenities = ListField(child=CharField())
    status = ChoiceField(choices=get_args(rooms.Status))
    imageUrl = kit.TextOrNullField(source="image_url", allow_null=True)

    def to_representation(self, found: Any) -> Any:
        """Of a room and its status, as the query has them."""
        room, status = found
        return super().to_representation({**vars(room), "status": status})


class DateQuerySerializer(kit.Serializer):
    date = DayField(help_text="Local to the venue")


class CreateBookingSerializer(kit.Serializer):
    roomId = CharField(max_length=40, source="resource")
    title = TextField(max_length=255)
    description = TextField(
        source="notes", max_length=5000, required=False, allow_null=True, allow_blank=True
    )
    startTime = kit.InstantField(UTC, source="starts_at", help_text="UTC if without an offset")
    endTime = kit.InstantField(UTC, source="ends_at", help_text="UTC if without an offset")
    attendeeIds = ListField(
        source="attendees",
        child=CharField(max_length=40),
        max_length=500,
        required=False,
        allow_null=True,
        help_text="Besides the organizer",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """With the people of the ids."""
        ids = attrs.get("attendees") or []
        numbers = {text: int(text) for text in ids if is_id(text)}
        people = rooms.list_people(list(numbers.values()))
        known = {person.pk for person in people}
        if unknown := [text for text in ids if numbers.get(text) not in known]:
            raise ValidationError({"attendeeIds": [f"Unknown person: {unknown[0]}."]})
        return {**attrs, "attendees": people, "notes": attrs.get("notes") or ""}


class BookingSerializer(kit.Serializer):
    id = CharField()
    roomId = CharField(source="resource_id")
    roomName = CharField(source="resource.name")
    title = CharField()
    description = kit.TextOrNullField(source="notes", allow_null=True)
    organizer = PersonSerializer(source="owner")
    attendees = PersonSerializer(many=True)
    startTime = kit.InstantField(source="starts_at")
    endTime = SerializerMethodField(method_name="get_end", help_text="Earlier if ended early")
    status = kit.StatusField(STATUS_LABELS)
    checkedIn = IsSetField(source="checked_in_at")
    checkedInAt = kit.InstantField(source="checked_in_at", allow_null=True)

    def get_end(self, booking: Any) -> datetime:
        end: datetime = min(booking.ended_at or booking.ends_at, booking.ends_at)
        return end


class CancelledSerializer(kit.Serializer):
    cancelled = kit.ConstantField(True)


class CheckedInSerializer(kit.Serializer):
    checkedIn = IsSetField(source="checked_in_at")
    checkedInAt = kit.InstantField(source="checked_in_at", allow_null=True)


class EndedSerializer(kit.Serializer):
    ended = kit.ConstantField(True)
    freedMinutes = IntegerField(source="freed", help_text="Whole minutes until the planned end")


class PanelEndedSerializer(kit.Serializer):
    freedMinutes = IntegerField(source="freed", help_text="Whole minutes until the planned end")


# panels


class MeetingSerializer(kit.Serializer):
    id = CharField()
    title = CharField()
    organizer = CharField(help_text="The name")
    organizerEmail = CharField(source="organizer_email")
    startTime = kit.InstantField(source="starts_at")
    endTime = kit.InstantField(source="ends_at")
    attendeeCount = IntegerField(source="people", help_text="With the organizer")
    checkedIn = IsSetField(source="checked_in_at")
    checkedInAt = kit.InstantField(source="checked_in_at", allow_null=True)


class StateSerializer(kit.Serializer):
    """A room is `upcoming` when the next meeting begins within 15 minutes."""

    room = RoomSummarySerializer()
    status = ChoiceField(choices=("available", "occupied", "upcoming", "offline"))
    currentMeeting = MeetingSerializer(source="current", allow_null=True)
    nextMeeting = MeetingSerializer(source="next", allow_null=True)
    upcomingMeetings = MeetingSerializer(source="upcoming", many=True)
    lastUpdated = kit.InstantField(source="at")


# analytics


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
