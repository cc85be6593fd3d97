"""What is read, two bodies of it by pydantic, and what is written: wall times of the venue, and
money as a number in the currency's own unit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, ValidationInfo
from rest_framework import serializers
from rest_framework.fields import empty

from api import errors, money
from api.contracts import kit
from api.effective_status import get_effective_payment_status
from api.lifecycle import Status
from api.opening_hours import ends_before_start
from api.queries.venues.hours import get_outer_hours
from api.rest.credentials import EmailField, NewPasswordField, PasswordField

STATUS_LABELS: Final[Mapping[str, str]] = {
    Status.OFFERED: "pending",
    Status.HELD: "pending",
    Status.PENDING: "pending",
    Status.CONFIRMED: "confirmed",
    Status.CHECKED_IN: "confirmed",
    Status.COMPLETED: "completed",
    Status.NO_SHOW: "completed",
    Status.CANCELLED: "cancelled",
    Status.REJECTED: "cancelled",
    Status.EXPIRED: "expired",
}
# nothing to pay reads as paid: the page offers to pay whatever is pending; so does what was paid
# and of which a part went back
PAYMENT_STATUS_LABELS: Final[Mapping[str, str]] = {
    **{name: name for name in ("pending", "processing", "succeeded", "failed", "refunded")},
    "partly_refunded": "succeeded",
    "none": "succeeded",
}
BIGGEST: Final = 2**63 - 1
AT_VENUE: Final = "On the venue's clocks"


class PaymentStatusField(kit.LabelField):
    def get_attribute(self, instance: Any) -> str:
        return get_effective_payment_status(instance)


class MoneyField(serializers.FloatField):
    """Minor units of the row's currency, or else its venue's, as a number of its own unit."""

    def get_attribute(self, instance: Any) -> Any:
        priced = instance if hasattr(instance, "currency") else instance.venue
        minor: Any = super().get_attribute(instance)
        return money.to_major(minor, priced.currency)


# accounts


# no docstring: it would be published as the description of those below
class TextsSerializer(kit.Serializer):
    # refuses in this message unless every field is a text with something in it
    message: ClassVar[str]

    def run_validation(self, data: Any = empty) -> Any:
        sent = data if isinstance(data, dict) else {}
        texts = {name: sent.get(name) for name in self.fields}
        if not all(isinstance(text, str) and text and "\0" not in text for text in texts.values()):
            raise errors.Invalid(self.message)
        return self.validate(texts)


class RegisterSerializer(TextsSerializer):
    message = "All fields are required."

    email = EmailField()
    password = NewPasswordField()
    confirm_password = NewPasswordField(help_text="The password again")

    def validate(self, texts: dict[str, Any]) -> dict[str, Any]:
        for name in ("password", "confirm_password"):
            texts[name] = self.fields[name].to_internal_value(texts[name])
        if texts["password"] != texts.pop("confirm_password"):
            raise errors.Invalid("Password and confirm password do not match")
        return texts


class RegisteredSerializer(kit.Serializer):
    message = kit.ConstantField("Registration successful")
    user_id = serializers.IntegerField(source="pk")


class LoginSerializer(TextsSerializer):
    message = "Email and password are required."

    email = serializers.CharField()
    password = PasswordField()

    def validate(self, texts: dict[str, Any]) -> dict[str, Any]:
        return {"login": texts["email"], "password": texts["password"]}


class LoggedInSerializer(kit.Serializer):
    message = kit.ConstantField("Login successful")
    user_id = serializers.IntegerField(source="user.pk")
    email = serializers.CharField(source="user.email")
    is_staff = kit.RoleField("staff", source="user")
    is_superuser = serializers.BooleanField(source="user.is_superuser")
    access = serializers.CharField()


class RefreshedSerializer(kit.AccessSerializer):
    message = kit.ConstantField("Token refreshed successfully")


class LoggedOutSerializer(kit.Serializer):
    message = kit.ConstantField("Logout successful")


# rooms


class RoomSerializer(kit.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    price_per_slot = MoneyField(source="price_minor", help_text="In the venue's currency")
    capacity = serializers.IntegerField(help_text="How many guests it holds")
    amenities = serializers.ListField(child=serializers.CharField())
    is_available = serializers.BooleanField(source="bookable")
    slot_duration_minutes = kit.LengthField(timedelta(minutes=1), source="slot_length")
    opening_time = serializers.SerializerMethodField(help_text=AT_VENUE)
    closing_time = serializers.SerializerMethodField(help_text=AT_VENUE)
    created_at = kit.InstantField()
    updated_at = kit.InstantField()

    def get_opening_time(self, room: Any) -> str:
        return str(get_outer_hours(room)[0].isoformat("seconds"))

    def get_closing_time(self, room: Any) -> str:
        return str(get_outer_hours(room)[1].isoformat("seconds"))


class RoomsSerializer(kit.Serializer):
    count = serializers.IntegerField()
    rooms = RoomSerializer(many=True)


# bookings


def check_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("Text cannot hold null characters")
    return text


def check_date(on: date, info: ValidationInfo[Any]) -> date:
    if on < datetime.now(info.context["view"].venue.zone).date():
        raise ValueError("Booking date cannot be in the past")
    return on


def check_time(at: time) -> time:
    if at.tzinfo is not None:
        raise ValueError("Times are the room's own, without an offset")
    return at


def check_end(at: time, info: ValidationInfo) -> time:
    if "start_time" in info.data and ends_before_start(info.data["start_time"], at):
        raise ValueError("End time must be after start time")
    return at


Id = Annotated[int, Field(le=BIGGEST)]
WallTime = Annotated[time, AfterValidator(check_time), Field(description=AT_VENUE)]


# pydantic names it to whoever sends a body that is no object: the name is part of the contract
class NewBooking(BaseModel):
    room_id: Id
    booking_date: Annotated[date, AfterValidator(check_date)]
    start_time: WallTime
    end_time: Annotated[WallTime, AfterValidator(check_end)]
    guest_count: Annotated[int, Field(gt=0, le=2**31 - 1)]
    special_requests: (
        Annotated[str, StringConstraints(max_length=5000), AfterValidator(check_nul)] | None
    ) = None
    user_id: Annotated[Id | None, Field(description="For whom staff book; else not read")] = None


class BookingSerializer(kit.Serializer):
    id = serializers.IntegerField()
    user_id = serializers.IntegerField(
        source="owner_id", allow_null=True, help_text="Null for a guest"
    )
    user_name = serializers.CharField(source="person.name")
    user_email = serializers.CharField(source="person.email")
    room_id = serializers.IntegerField(source="resource_id")
    room_name = serializers.CharField(source="resource.name")
    booking_date = kit.WallDateField(source="starts_at", help_text=AT_VENUE)
    start_time = kit.WallTimeField(source="starts_at", help_text=AT_VENUE)
    end_time = kit.WallTimeField(source="ends_at", help_text=AT_VENUE)
    guest_count = serializers.IntegerField(source="guests")
    total_amount = MoneyField(source="price_minor", help_text="What there is to pay in all")
    number_of_slots = serializers.SerializerMethodField()
    status = kit.StatusField(STATUS_LABELS)
    payment_status = PaymentStatusField(
        PAYMENT_STATUS_LABELS, help_text="succeeded also where there is nothing to pay"
    )
    special_requests = serializers.CharField(source="notes")
    hold_expires_at = kit.InstantField(
        allow_null=True, help_text="Until when it is held for whoever pays; null when not held"
    )
    created_at = kit.InstantField()
    updated_at = kit.InstantField()

    def get_number_of_slots(self, booking: Any) -> int:
        """A part of one counts whole: slots may be longer by now than when it was booked."""
        length = booking.ends_at - booking.starts_at
        return int(-(-length // booking.resource.slot_length))


class BookingsSerializer(kit.Serializer):
    count = serializers.IntegerField()
    bookings = BookingSerializer(many=True)


# payments

CURRENCY = StringConstraints(min_length=3, max_length=3, pattern="^[A-Za-z]*$", to_lower=True)


# named to clients too
class NewPayment(BaseModel):
    booking_id: Annotated[int, Field(gt=0, le=BIGGEST)]
    amount: Annotated[Decimal, Field(gt=0, le=10**15, decimal_places=2, description="The total")]
    currency: Annotated[str, CURRENCY, Field(description="Overlooked: the venue's is paid")] = "usd"


class PaymentSerializer(kit.Serializer):
    payment_intent_id = serializers.CharField(source="intent_id", help_text="Stripe's")
    client_secret = serializers.CharField(help_text="With which Stripe.js pays the intent")
    amount = MoneyField(source="amount_minor")
    currency = serializers.CharField(help_text="ISO 4217, in lower case")
    status = serializers.CharField(help_text="As Stripe names it")
    booking_id = serializers.IntegerField()


class ReceivedSerializer(kit.Serializer):
    status = kit.ConstantField("success")


class CleanedUpSerializer(kit.Serializer):
    expired_count = serializers.IntegerField()
    message = serializers.CharField()
