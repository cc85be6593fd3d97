"""What is read and written. A time without an offset is the shop's wall time; all that is answered
has the shop's offset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rest_framework import serializers

from api.contracts import kit
from api.lifecycle import Status
from api.queries.accounts import people
from api.rest.credentials import (
    NewPasswordField,
    OptionalEmailField,
    PasswordField,
    UsernameField,
)

STATUS_LABELS: Final[Mapping[str, str]] = {
    Status.OFFERED: "pending",
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
# by the label that a client sends
STATUSES: Final[Mapping[str, str]] = {
    "pending": Status.PENDING.value,
    "confirmed": Status.CONFIRMED.value,
    "canceled": Status.CANCELLED.value,
    "cancelled": Status.CANCELLED.value,
    "completed": Status.COMPLETED.value,
}
FLAGS: Final = ("is_admin", "is_staff_member")

# accounts


class RegisterSerializer(kit.Serializer):
    username = UsernameField()
    email = OptionalEmailField(required=False)
    first_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=15, required=False, allow_blank=True)
    password = NewPasswordField()

    def validate_username(self, name: str) -> str:
        if people.has_username(name, but=self.context.get("account", 0)):
            raise serializers.ValidationError("A user with that username already exists.")
        return name

    def validate_email(self, email: str) -> str:
        if email and people.has_email(email, but=self.context.get("account", 0)):
            raise serializers.ValidationError("A user with that email already exists.")
        return email


# no docstrings: they would be published as the descriptions of those below
class UpdateAccountSerializer(RegisterSerializer):
    password = NewPasswordField(required=False)
    current_password = PasswordField(required=False, help_text="One's own, of whoever asks")


class FlagsSerializer(kit.Serializer):
    is_admin = serializers.BooleanField(required=False)
    is_staff_member = serializers.BooleanField(required=False)
    is_active = serializers.BooleanField(required=False)


class AdminUpdateAccountSerializer(UpdateAccountSerializer, FlagsSerializer):
    """Only admins say what somebody is; from anyone else these are not read."""


class AdminCreateAccountSerializer(RegisterSerializer, FlagsSerializer):
    """Only admins say what somebody is; from anyone else these are not read."""


def read_role(body: Mapping[str, Any], role: str = "") -> str:
    """The role that the two flags mean together, of somebody who has this one; empty where neither
    is sent."""
    if not body.keys() & set(FLAGS):
        return ""
    if body.get("is_admin", role == "admin"):
        return "admin"
    # who was an admin is no staff by that
    return "staff" if body.get("is_staff_member", role == "staff") else "customer"


class AccountSerializer(kit.Serializer):
    id = serializers.IntegerField()
    username = serializers.SerializerMethodField()
    email = serializers.CharField(source="address")
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    phone = serializers.CharField()
    is_admin = kit.RoleField("admin")
    is_staff_member = kit.RoleField("staff")
    is_active = serializers.BooleanField()

    def get_username(self, user: Any) -> str:
        return str(user.username or user.email)


class LoginSerializer(kit.Serializer):
    username = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, help_text="Or the e-mail"
    )
    email = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    password = PasswordField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        login, password = attrs.get("username") or attrs.get("email"), attrs.get("password")
        missing = [name for name, text in (("username", login), ("password", password)) if not text]
        if missing:
            raise serializers.ValidationError(
                {name: ["This field is required."] for name in missing}
            )
        return {"login": login, "password": password}


class TokensSerializer(kit.Serializer):
    refresh = serializers.CharField()
    access = serializers.CharField()


# reservations


class UpdateReservationSerializer(kit.Serializer):
    start_time = kit.InstantField(source="starts_at")
    end_time = kit.InstantField(source="ends_at")
    status = serializers.ChoiceField(choices=list(STATUSES), required=False)
    notes = serializers.CharField(max_length=5000, required=False, allow_blank=True)


class CreateReservationSerializer(UpdateReservationSerializer):
    chair = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, required=False, help_text="Else the least busy one"
    )


class CustomerSerializer(AccountSerializer):
    id = serializers.IntegerField(allow_null=True, help_text="Null for a guest")


class ReservationSerializer(kit.Serializer):
    id = serializers.IntegerField()
    customer = serializers.IntegerField(
        source="owner_id", allow_null=True, help_text="Null for a guest"
    )
    customer_details = CustomerSerializer(source="person")
    customer_name = serializers.CharField(source="person.name")
    start_time = kit.LocalInstantField(source="starts_at")
    end_time = kit.LocalInstantField(source="ends_at")
    status = kit.StatusField(STATUS_LABELS)
    notes = serializers.CharField()
    created_at = kit.LocalInstantField()


class StatsSerializer(kit.Serializer):
    total_users = serializers.IntegerField()
    total_reservations = serializers.IntegerField()
    pending_reservations = serializers.IntegerField()


class HealthSerializer(kit.Serializer):
    status = kit.ConstantField("healthy")
