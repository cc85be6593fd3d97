"""What is read and what is answered. The words of a status are this frontend's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.contrib.auth.validators import UnicodeUsernameValidator
from rest_framework import serializers

from api.effective_status import get_effective_status
from api.lifecycle import Status
from api.queries.accounts import people
from api.services.venues import venues

from . import answers

WORDS: Final[Mapping[str, answers.Status]] = {
    Status.HELD: "pending",
    Status.PENDING: "pending",
    Status.CONFIRMED: "confirmed",
    Status.CHECKED_IN: "confirmed",
    Status.COMPLETED: "completed",
    Status.CANCELLED: "canceled",
    Status.REJECTED: "canceled",
    Status.EXPIRED: "canceled",
    Status.NO_SHOW: "canceled",
}
STATUSES: Final[Mapping[str, str]] = {
    "pending": Status.PENDING.value,
    "confirmed": Status.CONFIRMED.value,
    "canceled": Status.CANCELLED.value,
    "cancelled": Status.CANCELLED.value,
    "completed": Status.COMPLETED.value,
}

# read


class Moment(serializers.DateTimeField):
    """ISO 8601; a time without an offset is the shop's wall time. In UTC."""

    def enforce_timezone(self, value: datetime) -> datetime:
        self.timezone = venues.of_contract("barbershop").zone
        try:
            return super().enforce_timezone(value).astimezone(UTC)
        except (OverflowError, ValueError):
            self.fail("overflow")


class Person(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150, validators=[UnicodeUsernameValidator()])
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True)
    first_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=15, required=False, allow_blank=True)
    password = serializers.CharField(max_length=128, trim_whitespace=False)

    def validate_username(self, name: str) -> str:
        if people.has_username(name, but=self.context.get("of", 0)):
            raise serializers.ValidationError("A user with that username already exists.")
        return name

    def validate_email(self, email: str) -> str:
        if email and people.has_email(email, but=self.context.get("of", 0)):
            raise serializers.ValidationError("A user with that email already exists.")
        return email


class PersonEdit(Person):
    """The password may stay as it is."""

    password = serializers.CharField(max_length=128, trim_whitespace=False, required=False)


class PersonByAdmin(PersonEdit):
    """Only admins say what somebody is; from anyone else these are not read."""

    is_admin = serializers.BooleanField(required=False)
    is_staff_member = serializers.BooleanField(required=False)
    is_active = serializers.BooleanField(required=False)


class NewPersonByAdmin(PersonByAdmin):
    password = serializers.CharField(max_length=128, trim_whitespace=False)


class Login(serializers.Serializer[Any]):
    username = serializers.CharField(
        max_length=254, required=False, allow_blank=True, allow_null=True, help_text="Or the e-mail"
    )
    email = serializers.CharField(max_length=254, required=False, allow_blank=True, allow_null=True)
    password = serializers.CharField(max_length=128, trim_whitespace=False, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        login, password = attrs.get("username") or attrs.get("email"), attrs.get("password")
        missing = [name for name, text in (("username", login), ("password", password)) if not text]
        if missing:
            raise serializers.ValidationError(
                {name: ["This field is required."] for name in missing}
            )
        return {"login": login, "password": password}


class RefreshBody(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=4096)


class ReservationEdit(serializers.Serializer[Any]):
    start_time = Moment(source="starts_at")
    end_time = Moment(source="ends_at")
    status = serializers.ChoiceField(choices=list(STATUSES), required=False)
    notes = serializers.CharField(max_length=5000, required=False, allow_blank=True)


class NewReservation(ReservationEdit):
    chair = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, required=False, help_text="Else the least busy one"
    )


# answered


def person(user: Any) -> answers.Person:
    return {
        "id": user.pk,
        "username": user.username or user.email,
        "email": user.address,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "phone": user.phone,
        "is_admin": user.is_admin,
        "is_staff_member": user.is_staff,
        "is_active": user.is_active,
    }


def reservation(booking: Any) -> answers.Reservation:
    return {
        "id": booking.pk,
        "customer": booking.owner_id,
        "customer_details": person(booking.owner),
        "customer_name": booking.owner.name,
        "start_time": booking.starts_at,
        "end_time": booking.ends_at,
        "status": WORDS[get_effective_status(booking)],
        "notes": booking.notes,
        "created_at": booking.created_at,
    }


def role_of(flags: Mapping[str, Any], user: Any = None) -> dict[str, Any]:
    """The role that the two flags mean together, as changes of an account."""
    if not {"is_admin", "is_staff_member"} & flags.keys():
        return {}
    if flags.get("is_admin", bool(user and user.is_admin)):
        return {"role": "admin"}
    # who was an admin is no staff by that
    staff = flags.get("is_staff_member", bool(user and user.is_staff and not user.is_admin))
    return {"role": "staff" if staff else "user", "is_superuser": False}
