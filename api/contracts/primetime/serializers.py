"""What is read and written: dates and wall times of the venue, upper-case labels for statuses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.utils import timezone
from rest_framework import serializers

from api import errors
from api.contracts import kit
from api.effective_status import get_effective_status
from api.lifecycle import Status
from api.opening_hours import ends_before_start, to_interval
from api.queries.venues.hours import get_outer_hours
from api.rest.credentials import EmailField, NewPasswordField, OptionalEmailField, PasswordField

from .labels import (
    STATUS_DISPLAYS,
    STATUS_LABELS,
    TRADE_STATUS_LABELS,
    TYPE_DISPLAYS,
    TYPE_LABELS,
    WEEKDAYS,
)

MIDNIGHT, DAY = time(0), timedelta(days=1)
BIGGEST = 2**63 - 1


class DayField(kit.WallDateField):
    def to_internal_value(self, value: Any) -> date:
        found = super().to_internal_value(value)
        if not 1990 <= found.year <= 2200:
            raise serializers.ValidationError("That is not a date anyone can book.")
        return found


# accounts


class RegisterSerializer(kit.Serializer):
    email = EmailField()
    password = NewPasswordField()
    first_name = kit.OptionalTextField(max_length=150)
    last_name = kit.OptionalTextField(max_length=150)


class UpdateAccountSerializer(RegisterSerializer):
    role = serializers.ChoiceField(choices=("user", "staff", "admin"))
    current_password = PasswordField(required=False, help_text="One's own, of whoever asks")


class LoginSerializer(kit.Serializer):
    email = serializers.CharField(source="login")
    password = PasswordField()


class UserSerializer(kit.Serializer):
    id = serializers.IntegerField()
    email = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    role = serializers.SerializerMethodField()

    def get_role(self, user: Any) -> Literal["user", "staff", "admin"]:
        if kit.has_role(self, user, "admin"):
            return "admin"
        return "staff" if kit.has_role(self, user, "staff") else "user"


class AccountSerializer(UserSerializer):
    username = serializers.CharField(allow_null=True)


class LoggedInSerializer(kit.Serializer):
    message = kit.ConstantField("Login successful")
    tokens = kit.TokensSerializer(source="*")
    user = AccountSerializer()


class LoggedOutSerializer(kit.Serializer):
    message = kit.ConstantField("Logged out")


class UserCountsSerializer(kit.Serializer):
    total_users = serializers.IntegerField()
    by_role = serializers.DictField(child=serializers.IntegerField())


# reservations


class CreateReservationSerializer(kit.Serializer):
    date = DayField()
    start_time = kit.WallTimeField()
    end_time = kit.WallTimeField()
    notes = kit.OptionalTextField(max_length=5000)
    booking_name = kit.OptionalTextField(max_length=255)


def build_booking_fields(
    zone: ZoneInfo, body: Mapping[str, Any], booking: Any = None
) -> dict[str, Any]:
    """What the services take, from the fields that were sent and, for the others, the booking as
    it is. One that ends at midnight ends at 00:00."""
    names = (("booking_name", "title"), ("notes", "notes"))
    fields = {new: body[old] for old, new in names if old in body}
    if not body.keys() & {"date", "start_time", "end_time"}:
        return fields
    before: dict[str, Any] = {}
    if booking is not None:
        starts_at, ends_at = booking.starts_at.astimezone(zone), booking.ends_at.astimezone(zone)
        before = {"date": starts_at.date(), "start_time": starts_at.time()}
        before["end_time"] = ends_at.time()
    day, start, end = ({**before, **body}[name] for name in ("date", "start_time", "end_time"))
    starts_at, ends_at = to_interval(zone, day, start, end)
    return fields | {"starts_at": starts_at, "ends_at": ends_at}


class ReservationQuerySerializer(kit.Serializer):
    date = DayField(required=False)
    status = serializers.ChoiceField(choices=sorted(STATUS_DISPLAYS), required=False)
    user = serializers.CharField(max_length=254, required=False)


class ApprovalSerializer(kit.Serializer):
    action = serializers.ChoiceField(choices=("approve", "reject"))
    rejection_reason = kit.OptionalTextField(max_length=1000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["action"] == "reject" and not attrs.get("rejection_reason"):
            raise serializers.ValidationError("Rejection reason is required when rejecting")
        return attrs


def get_label(booking: Any) -> str:
    return STATUS_LABELS[get_effective_status(booking)]


def clock_of(booking: Any) -> datetime:
    """The time for which the booking was read."""
    return getattr(booking, "now", None) or timezone.now()


def is_open(booking: Any) -> bool:
    """Whether it may still be edited or cancelled: awaited or confirmed, and not on a past day."""
    zone = booking.venue.zone
    today = clock_of(booking).astimezone(zone).date()
    open_label = get_label(booking) in ("PENDING", "CONFIRMED")
    return open_label and booking.starts_at.astimezone(zone).date() >= today


class OwnerSerializer(UserSerializer):
    id = serializers.IntegerField(allow_null=True, help_text="Null for a guest")

    def get_role(self, user: Any) -> Literal["user", "staff", "admin"]:
        return "user" if user.id is None else super().get_role(user)


class ReservationSerializer(kit.Serializer):
    """For its owner and for admins."""

    id = serializers.IntegerField()
    user = OwnerSerializer(source="person")
    booking_name = serializers.CharField(source="title")
    date = kit.WallDateField(source="starts_at")
    start_time = kit.WallTimeField(source="starts_at")
    end_time = kit.WallTimeField(source="ends_at")
    status = kit.StatusField(STATUS_LABELS)
    status_display = kit.StatusField({s: STATUS_DISPLAYS[w] for s, w in STATUS_LABELS.items()})
    reservation_type = kit.LabelField(TYPE_LABELS, source="primetime")
    reservation_type_display = kit.LabelField(TYPE_DISPLAYS, source="primetime")
    notes = serializers.CharField()
    approved_by = UserSerializer(allow_null=True)
    approved_at = kit.InstantField(allow_null=True)
    rejection_reason = serializers.CharField()
    is_editable = serializers.SerializerMethodField()
    can_be_traded = serializers.SerializerMethodField()
    created_at = kit.InstantField()
    updated_at = kit.InstantField()

    def get_is_editable(self, booking: Any) -> bool:
        return is_open(booking)

    def get_can_be_traded(self, booking: Any) -> bool:
        confirmed = get_effective_status(booking) == Status.CONFIRMED
        ahead = booking.starts_at > clock_of(booking)
        owner = booking.owner  # none of a guest's, who trades nothing
        return ahead and confirmed and owner is not None and not kit.has_role(self, owner, "staff")


class TradedReservationSerializer(ReservationSerializer):
    """To the other side of a trade: by whom it is taken, and nothing that is private."""

    hidden = {"booking_name": "", "notes": "", "rejection_reason": "", "approved_by": None}

    def to_representation(self, booking: Any) -> Any:
        reader = self.context["request"].user
        whole = super().to_representation(booking)
        is_staff = reader.is_staff_of(booking.venue_id)
        return whole if is_staff or booking.owner_id == reader.pk else self.hide(whole)

    def hide(self, whole: dict[str, Any]) -> dict[str, Any]:
        return {**whole, **self.hidden}


class TakenReservationSerializer(TradedReservationSerializer):
    """To anybody else: just that it is taken."""

    def hide(self, whole: dict[str, Any]) -> dict[str, Any]:
        nobody = {**whole["user"], "email": "", "first_name": "", "last_name": ""}
        return {**super().hide(whole), "user": nobody}


# calendar and settings


class CalendarQuerySerializer(kit.Serializer):
    start_date = DayField(required=False)
    end_date = DayField(required=False)


class HoursSerializer(kit.Serializer):
    start_time = kit.WallTimeField(source="starts_at")
    end_time = kit.WallTimeField(source="ends_at")


class SlotSerializer(HoursSerializer):
    type = kit.LabelField(TYPE_LABELS, source="primetime")
    available = serializers.SerializerMethodField()

    def get_available(self, slot: Any) -> bool:
        return True


class DaySerializer(kit.Serializer):
    date = kit.WallDateField()
    is_primetime = serializers.SerializerMethodField()
    primetime_hours = HoursSerializer(source="window", allow_null=True)
    business_hours = HoursSerializer(source="hours")
    available_slots = SlotSerializer(source="slots", many=True)
    reserved_slots = TakenReservationSerializer(source="bookings", many=True)

    def get_is_primetime(self, day: Any) -> bool:
        return day["window"] is not None


class CalendarSerializer(kit.Serializer):
    start_date = kit.WallDateField()
    end_date = kit.WallDateField()
    calendar = DaySerializer(many=True)


class AdminEmailField(OptionalEmailField):
    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        return (True, "") if data is None else super().validate_empty_values(data)


class SettingsSerializer(kit.Serializer):
    business_start_time = kit.WallTimeField(source="opens_at")
    business_end_time = kit.WallTimeField(source="closes_at")
    slot_duration_minutes = kit.LengthField(
        timedelta(minutes=1), source="slot_length", min_value=1, max_value=1440
    )
    max_advance_booking_days = kit.LengthField(
        DAY, source="max_advance", min_value=0, max_value=1000, allow_null=True
    )
    allow_same_day_booking = serializers.BooleanField(source="same_day_allowed")
    admin_email = AdminEmailField(allow_null=True)
    send_confirmation_emails = serializers.BooleanField()

    def to_representation(self, venue: Any) -> dict[str, Any]:
        """One pair of times a day: from the earliest opening to the latest closing."""
        data = super().to_representation(venue)
        for name, at in zip(("start", "end"), get_outer_hours(venue), strict=True):
            data[f"business_{name}_time"] = at.isoformat("seconds")
        return data

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuses `EndsBeforeStart`, of what was sent and what stays."""
        if attrs.keys() & {"opens_at", "closes_at"}:
            opens, closes = get_outer_hours(self.context["view"].venue)
            attrs = {"opens_at": opens, "closes_at": closes, **attrs}
            if ends_before_start(attrs["opens_at"], attrs["closes_at"]):
                raise errors.EndsBeforeStart
        return attrs


class WindowSerializer(kit.Serializer):
    id = serializers.IntegerField(read_only=True)
    weekday = serializers.IntegerField(min_value=0, max_value=6)
    weekday_display = kit.LabelField(WEEKDAYS, source="weekday", read_only=True)
    start_time = kit.WallTimeField(source="starts_at")
    end_time = kit.WallTimeField(source="ends_at")
    is_active = serializers.BooleanField(required=False)


# trades


class CreateTradeSerializer(kit.Serializer):
    requester_reservation_id = serializers.IntegerField(max_value=BIGGEST)
    target_reservation_id = serializers.IntegerField(max_value=BIGGEST)
    message = kit.OptionalTextField(max_length=1000)


class TradeResponseSerializer(kit.Serializer):
    action = serializers.ChoiceField(choices=("accept", "reject"))
    response_message = kit.OptionalTextField(max_length=1000)


class TradeSerializer(kit.Serializer):
    id = serializers.IntegerField()
    requester = UserSerializer()
    target_user = UserSerializer(source="target")
    requester_reservation = TradedReservationSerializer(source="requester_booking")
    target_reservation = TradedReservationSerializer(source="target_booking")
    status = kit.LabelField(TRADE_STATUS_LABELS, source="status_now")
    status_display = kit.LabelField(
        {status: label.capitalize() for status, label in TRADE_STATUS_LABELS.items()},
        source="status_now",
    )
    message = serializers.CharField()
    response_message = serializers.CharField()
    created_at = kit.InstantField()
    updated_at = kit.InstantField()
    responded_at = kit.InstantField(allow_null=True)

    def to_representation(self, trade: Any) -> Any:
        trade.requester_booking.now = trade.target_booking.now = trade.now
        return super().to_representation(trade)


class TradesSerializer(kit.Serializer):
    sent_requests = TradeSerializer(many=True)
    received_requests = TradeSerializer(many=True)


class HealthSerializer(kit.Serializer):
    status = kit.ConstantField("ok")
