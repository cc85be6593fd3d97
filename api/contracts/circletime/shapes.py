"""What Circle Time reads and writes: camelCase, ids as strings, instants in UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from rest_framework import serializers

from api import errors
from api.effective_status import get_effective_status
from api.lifecycle import Status
from api.queries.venues import rooms

from . import answers
from .answers import Success, T

STATUS: Mapping[str, answers.Status] = {
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
GONE = tuple(status for status, word in STATUS.items() if word == "cancelled")
OLDEST, NEWEST = 1990, 2200
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)  # the library reads weeks of the year as well


# read


class Moment(serializers.DateTimeField):
    """ISO 8601; without an offset it is UTC."""

    def enforce_timezone(self, value: datetime) -> datetime:
        try:
            return super().enforce_timezone(value)
        except OverflowError:
            self.fail("overflow", timezone="UTC")


class Day(serializers.DateField):
    def to_internal_value(self, value: Any) -> date:
        if isinstance(value, str) and not DAY.fullmatch(value):
            self.fail("invalid", format="YYYY-MM-DD")
        found = super().to_internal_value(value)
        if not OLDEST <= found.year <= NEWEST:
            raise serializers.ValidationError("Not a date anyone can book.")
        return found


class Text(serializers.CharField):
    """A string; a number is a mistake here, not a text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Login(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    password = Text(max_length=1000, trim_whitespace=False)


class NewBooking(serializers.Serializer[Any]):
    roomId = serializers.CharField(max_length=40)
    title = Text(max_length=255)
    description = Text(max_length=5000, required=False, allow_null=True, allow_blank=True)
    startTime = Moment()
    endTime = Moment()
    attendeeIds = serializers.ListField(
        child=serializers.CharField(max_length=40),
        max_length=500,
        required=False,
        allow_null=True,
    )


class RefreshBody(serializers.Serializer[Any]):
    refresh = Text(max_length=4096)


class Search(serializers.Serializer[Any]):
    search = Text(required=False)
    building = Text(required=False)
    floor = serializers.IntegerField(required=False)
    min_capacity = serializers.IntegerField(required=False)
    amenities = Text(required=False, help_text="With commas between them")
    status = Text(required=False)


class Dates(serializers.Serializer[Any]):
    start_date = Day()
    end_date = Day()


class DatesInBuilding(Dates):
    building = Text(required=False)


class OnDate(serializers.Serializer[Any]):
    date = Day()


def number(text: str) -> int:
    """An id; whatever is none belongs to nothing. Refuses `NotFound`."""
    if not (text.isascii() and text.isdecimal()) or int(text[:20]) >= 2**63:
        raise errors.NotFound("There is no such thing.")
    return int(text)


def integer(text: str | None) -> int | None:
    """A filter that is no number filters nothing."""
    try:
        found = int(text or "")
    except ValueError:
        return None
    return found if abs(found) < 2**31 else None


def words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def attendees(ids: Sequence[str]) -> list[Any]:
    """The people of these ids; refuses `Invalid` when somebody is unknown."""
    wanted = {text: int(text) for text in ids if text.isascii() and text.isdecimal()}
    found = rooms.people([pk for pk in wanted.values() if pk < 2**63])
    known = {str(one.pk) for one in found}
    if unknown := [text for text in ids if str(wanted.get(text)) not in known]:
        raise errors.Invalid(errors={"attendeeIds": [f"Unknown person: {unknown[0]}."]})
    return found


def date_range(first: str | None, last: str | None) -> tuple[date, date]:
    """Refuses `Invalid` for what are no dates, and for an end before its start."""
    days = []
    for name, text in (("start_date", first), ("end_date", last)):
        try:
            days.append(Day().run_validation(text))
        except serializers.ValidationError as error:
            raise errors.Invalid(errors={name: error.detail}) from None
    if days[1] < days[0]:
        raise errors.Invalid(errors={"end_date": ["Must not be before start_date."]})
    return days[0], days[1]


# written


def success(data: T, message: str = "") -> Success[T]:
    if message:
        return {"success": True, "data": data, "message": message}
    return {"success": True, "data": data}


def user(person: Any) -> answers.User:
    return {
        "id": str(person.pk),
        "name": person.name,
        "email": person.email,
        "role": "admin" if person.is_staff else "user",
        "department": person.department or None,
    }


def person(one: Any) -> answers.Person:
    return {"id": str(one.pk), "name": one.name, "email": one.email}


def room(place: Any, status: answers.RoomStatus) -> answers.Room:
    return {
        "id": str(place.pk),
        "name": place.name,
        "building": place.building,
        "floor": place.floor,
        "capacity": place.capacity,
        "amenities": place.amenities,
        "status": status,
        "imageUrl": place.image_url or None,
    }


def booking(row: Any) -> answers.Booking:
    over = row.ended_at if row.ended_at and row.ended_at < row.ends_at else None
    return {
        "id": str(row.pk),
        "roomId": str(row.resource_id),
        "roomName": row.resource.name,
        "title": row.title,
        "description": row.notes or None,
        "organizer": person(row.owner),
        "attendees": [person(one) for one in row.attendees.all()],
        "startTime": row.starts_at,
        "endTime": over or row.ends_at,
        "status": STATUS[Status(get_effective_status(row))],
        "checkedIn": row.checked_in_at is not None,
        "checkedInAt": row.checked_in_at,
    }


def state(found: Mapping[str, Any]) -> answers.State:
    place = found["room"]
    return {
        "room": {
            "id": str(place["id"]),
            "name": place["name"],
            "building": place["building"],
            "floor": place["floor"],
            "capacity": place["capacity"],
        },
        "status": found["status"],
        "currentMeeting": found["current"] and meeting(found["current"]),
        "nextMeeting": found["next"] and meeting(found["next"]),
        "upcomingMeetings": [meeting(one) for one in found["upcoming"]],
        "lastUpdated": found["at"],
    }


def meeting(one: Mapping[str, Any]) -> answers.Meeting:
    return {
        "id": str(one["id"]),
        "title": one["title"],
        "organizer": one["organizer"],
        "organizerEmail": one["organizer_email"],
        "startTime": one["starts_at"],
        "endTime": one["ends_at"],
        "attendeeCount": one["people"],
        "checkedIn": one["checked_in_at"] is not None,
        "checkedInAt": one["checked_in_at"],
    }


# analytics


def kpi(found: Mapping[str, Any]) -> list[answers.Figure]:
    return [
        _figure("Total Rooms", found["total_rooms"], None, "rooms"),
        _figure("Avg Utilization", found["avg_utilization"], found["utilization_change"], "%"),
        _figure("Ghosting Rate", found["ghosting_rate"], found["ghosting_change"], "%", -1),
        _figure("Total Bookings", found["total_bookings"], found["bookings_change"], "bookings"),
    ]


def _figure(
    label: str, value: float, change: float | None, unit: str, good: int = 1
) -> answers.Figure:
    """`good`: the sign of a change for the better."""
    word: answers.Change | None = None
    if change is not None:
        word = "neutral" if change == 0 else "positive" if change * good > 0 else "negative"
    return {"label": label, "value": value, "change": change, "changeType": word, "unit": unit}


def utilization(rows: Sequence[Mapping[str, Any]]) -> list[answers.Utilization]:
    return [
        {
            "roomId": str(row["resource_id"]),
            "roomName": row["name"],
            "utilizationRate": row["utilization_rate"],
            "totalBookings": row["total_bookings"],
            "totalHoursBooked": row["total_hours"],
            "peakHours": row["peak_hours"],
        }
        for row in rows
    ]


def ghosting(rows: Sequence[Mapping[str, Any]]) -> list[answers.Ghosting]:
    return [
        {
            "roomId": str(row["resource_id"]),
            "roomName": row["name"],
            "ghostingRate": row["ghosting_rate"],
            "totalNoShows": row["no_shows"],
            "totalBookings": row["total_bookings"],
            "averageWastedMinutes": row["average_wasted_minutes"],
        }
        for row in rows
    ]


def capacity(rows: Sequence[Mapping[str, Any]]) -> list[answers.Capacity]:
    return [
        {
            "roomId": str(row["resource_id"]),
            "roomName": row["name"],
            "roomCapacity": row["capacity"],
            "averageAttendees": row["average_attendees"],
            "capacityUtilization": row["capacity_utilization"],
            "oversizedBookings": row["oversized"],
            "undersizedBookings": row["undersized"],
        }
        for row in rows
    ]
