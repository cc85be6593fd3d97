"""What goes in and out: dates and wall times of the venue, upper-case words for statuses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.utils import timezone
from rest_framework import serializers

from api import errors, policy
from api.effective_status import get_effective_status
from api.lifecycle import Status, TradeStatus

from . import answers

# our nine statuses in the contract's five words: an end that is nobody's decision is a
# cancellation, a booked time that has passed is completed whether or not anybody came
WORDS: Mapping[str, answers.Status] = {
    Status.HELD: "PENDING",
    Status.PENDING: "PENDING",
    Status.CONFIRMED: "CONFIRMED",
    Status.CHECKED_IN: "CONFIRMED",
    Status.COMPLETED: "COMPLETED",
    Status.NO_SHOW: "COMPLETED",
    Status.CANCELLED: "CANCELLED",
    Status.EXPIRED: "CANCELLED",
    Status.REJECTED: "REJECTED",
}
SAID = {
    "PENDING": "Pending Approval",
    "CONFIRMED": "Confirmed",
    "REJECTED": "Rejected",
    "CANCELLED": "Cancelled",
    "COMPLETED": "Completed",
}
TRADE_WORDS: Mapping[str, answers.TradeStatus] = {
    TradeStatus.OFFERED: "PENDING",
    TradeStatus.ACCEPTED: "ACCEPTED",
    TradeStatus.REJECTED: "REJECTED",
    TradeStatus.WITHDRAWN: "CANCELLED",
    TradeStatus.LAPSED: "CANCELLED",
}
TYPES = {"PRIMETIME": "Primetime", "FREE_FOR_ALL": "Free for All"}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# verbs of the history; any other is an update
ACTIONS: Mapping[str, answers.Action] = {
    "book": "CREATED",
    "approve": "APPROVED",
    "reject": "REJECTED",
    "cancel": "CANCELLED",
    "expire": "CANCELLED",
    "lapse": "CANCELLED",
    "trade": "TRADED",
}
MIDNIGHT, DAY = time(0), timedelta(days=1)
# who performs what the clock does: pages read a name here
NOBODY: answers.Somebody = {
    "id": 0,
    "email": "",
    "first_name": "Holdfast",
    "last_name": "",
    "role": "admin",
}


# in


class Day(serializers.DateField):
    def to_internal_value(self, value: Any) -> date:
        found = super().to_internal_value(value)
        if not 1990 <= found.year <= 2200:
            raise serializers.ValidationError("That is not a date anyone can book.")
        return found


class Clock(serializers.TimeField):
    def to_internal_value(self, value: Any) -> time:
        return super().to_internal_value(value).replace(microsecond=0)


class Text(serializers.CharField):
    """May be left out, empty or null."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_blank=True, allow_null=True, **options)

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        return (True, "") if data is None else super().validate_empty_values(data)


class Registration(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=128, trim_whitespace=False)
    first_name = Text(max_length=150)
    last_name = Text(max_length=150)


class PersonEdit(Registration):
    role = serializers.ChoiceField(choices=("user", "staff", "admin"))


class Credentials(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=128, trim_whitespace=False)


class NewReservation(serializers.Serializer[Any]):
    date = Day()
    start_time = Clock()
    end_time = Clock()
    notes = Text(max_length=5000)
    booking_name = Text(max_length=255)


class Filter(serializers.Serializer[Any]):
    date = Day(required=False)
    status = serializers.ChoiceField(choices=sorted(SAID), required=False)
    user = serializers.CharField(max_length=254, required=False)


class Approval(serializers.Serializer[Any]):
    action = serializers.ChoiceField(choices=("approve", "reject"))
    rejection_reason = Text(max_length=1000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["action"] == "reject" and not attrs.get("rejection_reason"):
            raise serializers.ValidationError("Rejection reason is required when rejecting")
        return attrs


class Range(serializers.Serializer[Any]):
    start_date = Day(required=False)
    end_date = Day(required=False)


class SettingsEdit(serializers.Serializer[Any]):
    business_start_time = Clock(source="opens_at")
    business_end_time = Clock(source="closes_at")
    slot_duration_minutes = serializers.IntegerField(min_value=1, max_value=1440)
    max_advance_booking_days = serializers.IntegerField(
        min_value=0, max_value=1000, allow_null=True
    )
    allow_same_day_booking = serializers.BooleanField(source="same_day_allowed")
    admin_email = serializers.EmailField(max_length=254, allow_blank=True, allow_null=True)
    send_confirmation_emails = serializers.BooleanField()


class Window(serializers.Serializer[Any]):
    weekday = serializers.IntegerField(min_value=0, max_value=6)
    start_time = Clock(source="starts_at")
    end_time = Clock(source="ends_at")
    is_active = serializers.BooleanField(required=False)


class NewTrade(serializers.Serializer[Any]):
    requester_reservation_id = serializers.IntegerField(max_value=2**63 - 1)
    target_reservation_id = serializers.IntegerField(max_value=2**63 - 1)
    message = Text(max_length=1000)


class TradeAnswer(serializers.Serializer[Any]):
    action = serializers.ChoiceField(choices=("accept", "reject"))
    response_message = Text(max_length=1000)


def planned(zone: ZoneInfo, body: Mapping[str, Any], now: Any = None) -> dict[str, Any]:
    """What the services take, from the fields that were sent and, for the others, the booking
    `now`. A booking that ends at midnight ends at 00:00."""
    told = {
        new: body[old]
        for old, new in (("booking_name", "title"), ("notes", "notes"))
        if old in body
    }
    if not body.keys() & {"date", "start_time", "end_time"}:
        return told
    was = local(zone, now) if now else {}
    on, start, end = ({**was, **body}[name] for name in ("date", "start_time", "end_time"))
    last = on + DAY if end == MIDNIGHT and start != MIDNIGHT else on
    return told | {
        "starts_at": policy.to_instant(zone, on, start),
        "ends_at": policy.to_instant(zone, last, end),
    }


def columns(venue: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    """The venue's columns; refuses `EndsBeforeStart`."""
    found = dict(body)
    if "slot_duration_minutes" in found:
        found["slot_length"] = timedelta(minutes=found.pop("slot_duration_minutes"))
    if "max_advance_booking_days" in found:
        days = found.pop("max_advance_booking_days")
        found["max_advance"] = None if days is None else timedelta(days=days)
    if "admin_email" in found:
        found["admin_email"] = found["admin_email"] or ""
    opens, closes = (found.get(name, getattr(venue, name)) for name in ("opens_at", "closes_at"))
    if found.keys() & {"opens_at", "closes_at"} and closes <= opens:
        raise errors.EndsBeforeStart
    return found


# out


def person(user: Any) -> answers.Person:
    """An account, to its owner."""
    return {**somebody(user), "username": user.username}


def somebody(user: Any) -> answers.Somebody:
    return {
        "id": user.pk,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "role": "admin" if user.is_admin else user.role,
    }


def local(zone: ZoneInfo, booking: Any) -> dict[str, Any]:
    start, end = booking.starts_at.astimezone(zone), booking.ends_at.astimezone(zone)
    return {"date": start.date(), "start_time": start.time(), "end_time": end.time()}


def clock(at: time) -> str:
    return f"{at:%H:%M:%S}"


def is_open(booking: Any) -> bool:
    """Whether it may still be edited or cancelled: awaited or confirmed, and not on a past day."""
    zone, words = booking.venue.zone, ("PENDING", "CONFIRMED")
    today = timezone.now().astimezone(zone).date()
    return (
        WORDS[Status(get_effective_status(booking))] in words
        and local(zone, booking)["date"] >= today
    )


def reservation(booking: Any) -> answers.Reservation:
    """For its owner and for admins."""
    when, status = local(booking.venue.zone, booking), get_effective_status(booking)
    word, tradable = WORDS[Status(status)], status == "confirmed" and booking.owner.role == "user"
    kind: answers.Kind = "PRIMETIME" if booking.primetime else "FREE_FOR_ALL"
    ahead = booking.starts_at > timezone.now()
    return {
        "id": booking.pk,
        "user": somebody(booking.owner),
        "booking_name": booking.title,
        "date": when["date"],
        "start_time": clock(when["start_time"]),
        "end_time": clock(when["end_time"]),
        "status": word,
        "status_display": SAID[word],
        "reservation_type": kind,
        "reservation_type_display": TYPES[kind],
        "notes": booking.notes,
        "approved_by": somebody(booking.approved_by) if booking.approved_by else None,
        "approved_at": booking.approved_at,
        "rejection_reason": booking.rejection_reason,
        "is_editable": is_open(booking),
        "can_be_traded": ahead and tradable,
        "created_at": booking.created_at,
        "updated_at": booking.updated_at,
    }


def veiled(booking: Any, reader: Any, *, named: bool) -> answers.Reservation:
    """To anybody else just that it is taken; to the people of a trade also by whom."""
    whole = reservation(booking)
    if reader.is_staff or booking.owner_id == reader.pk:
        return whole
    if not named:
        nobody: answers.Somebody = {**whole["user"], "email": "", "first_name": "", "last_name": ""}
        whole = {**whole, "user": nobody}
    return {
        **whole,
        "booking_name": "",
        "notes": "",
        "rejection_reason": "",
        "approved_by": None,
    }


def day(entry: Any, place: Any, reader: Any) -> answers.Day:
    zone, (opens, closes), window = place.venue.zone, place.hours, entry.window
    return {
        "date": entry.date,
        "is_primetime": window is not None,
        "primetime_hours": window and hours(window.starts_at, window.ends_at),
        "business_hours": hours(opens, closes),
        "available_slots": [slot(zone, each) for each in entry.slots],
        "reserved_slots": [veiled(booking, reader, named=False) for booking in entry.bookings],
    }


def hours(start: time, end: time) -> answers.Hours:
    return {"start_time": clock(start), "end_time": clock(end)}


def slot(zone: ZoneInfo, entry: Any) -> answers.Slot:
    when = local(zone, entry)
    return {
        **hours(when["start_time"], when["end_time"]),
        "type": "PRIMETIME" if entry.primetime else "FREE_FOR_ALL",
        "available": True,
    }


def settings(venue: Any) -> answers.Settings:
    advance = venue.max_advance
    return {
        "business_start_time": clock(venue.opens_at),
        "business_end_time": clock(venue.closes_at),
        "slot_duration_minutes": int(venue.slot_length.total_seconds() // 60),
        "max_advance_booking_days": None if advance is None else advance.days,
        "allow_same_day_booking": venue.same_day_allowed,
        "admin_email": venue.admin_email,
        "send_confirmation_emails": venue.send_confirmation_emails,
    }


def window(row: Any) -> answers.Window:
    return {
        "id": row.pk,
        "weekday": row.weekday,
        "weekday_display": WEEKDAYS[row.weekday],
        "start_time": clock(row.starts_at),
        "end_time": clock(row.ends_at),
        "is_active": row.is_active,
    }


def trade(row: Any, reader: Any) -> answers.Trade:
    word = TRADE_WORDS[row.status_now]
    row.requester_booking.now = row.target_booking.now = row.now
    return {
        "id": row.pk,
        "requester": somebody(row.requester),
        "target_user": somebody(row.target),
        "requester_reservation": veiled(row.requester_booking, reader, named=True),
        "target_reservation": veiled(row.target_booking, reader, named=True),
        "status": word,
        "status_display": word.capitalize(),
        "message": row.message,
        "response_message": row.response_message,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "responded_at": row.responded_at,
    }


def activity(line: Any, zone: ZoneInfo, addresses: Mapping[int, str]) -> answers.Activity:
    action = ACTIONS.get(line.verb, "UPDATED")
    return {
        "id": line.pk,
        "action": action,
        "action_display": action.capitalize(),
        "performed_by": somebody(line.actor) if line.actor else NOBODY,
        "details": _details(action, line, zone, addresses),
        "timestamp": line.at,
    }


def _details(
    action: str, line: Any, zone: ZoneInfo, addresses: Mapping[int, str]
) -> answers.Details:
    told = line.details
    if action == "CREATED":
        return {"initial_status": WORDS[line.to_status]}
    if action == "TRADED":
        other = addresses.get(told.get("traded_with", 0), "")
        return {"traded_with": other, "trade_id": told.get("trade_id")}
    if action == "APPROVED":
        return {"action": "approve"}
    if action == "REJECTED":
        return {"action": "reject", "rejection_reason": told.get("reason", "")}
    if action == "CANCELLED":
        return {}
    was, now = told.get("from", {}), told.get("to", {})
    if line.from_status:
        was, now = {"status": line.from_status}, {"status": line.to_status}
    return {"old_data": _edited(was, zone), "new_data": _edited(now, zone)}


def _edited(fields: Mapping[str, Any], zone: ZoneInfo) -> answers.Edited:
    """What an edit changed, in this contract's fields."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if name == "status":
            found["status"] = WORDS[Status(value)]
        elif name in ("starts_at", "ends_at"):
            at = datetime.fromisoformat(value).astimezone(zone)
            found["start_time" if name == "starts_at" else "end_time"] = clock(at.time())
            found["date"] = at.date()
        else:
            found["booking_name" if name == "title" else name] = value
    return cast(answers.Edited, found)
