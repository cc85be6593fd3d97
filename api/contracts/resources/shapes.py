"""What is read and what is answered. The words of a status are this frontend's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, cast

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.validators import URLValidator
from djoser import serializers as djoser
from rest_framework import serializers

from api import errors
from api.effective_status import get_effective_status
from api.emails import get_status_label
from api.queries.accounts import people
from api.queries.venues import rules as rules_query
from api.rest.throttling import AddressThrottle
from api.services.accounts import accounts
from api.services.venues import venues

from . import answers

SLUG = "resources"

STATUSES: Final = ("pending", "confirmed", "cancelled", "rejected")
USERNAME_TAKEN: Final = "A user with this username already exists."
EMAIL_TAKEN: Final = (
    "This email is already in use. Please use another email or login to your existing account."
)

# people: djoser asks for serializers


class Names(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150, validators=[UnicodeUsernameValidator()])
    email = serializers.EmailField(max_length=254)

    def validate_username(self, name: str) -> str:
        if people.has_username(name, but=self.instance.pk if self.instance else 0):
            raise serializers.ValidationError(USERNAME_TAKEN)
        return name

    def validate_email(self, email: str) -> str:
        if people.has_email(email, but=self.instance.pk if self.instance else 0):
            raise serializers.ValidationError(EMAIL_TAKEN)
        return email


class Registration(Names):
    password = serializers.CharField(max_length=128, trim_whitespace=False, write_only=True)
    first_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=150, required=False, allow_blank=True)

    def create(self, validated_data: dict[str, Any]) -> Any:
        return accounts.register(strong=False, **validated_data)

    def to_representation(self, instance: Any) -> Any:
        return registered(instance)


class Me(Names):
    email = serializers.EmailField(max_length=254, required=False)

    def update(self, instance: Any, validated_data: dict[str, Any]) -> Any:
        return accounts.update_account(instance, validated_data, by=instance)

    def to_representation(self, instance: Any) -> Any:
        return person(instance)


class SignIn(djoser.TokenCreateSerializer):  # type: ignore[misc]
    """By username or e-mail address; failures are counted."""

    email = serializers.CharField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        address = AddressThrottle().get_ident(self.context["request"])
        login = attrs.get("username") or attrs.get("email") or ""
        try:
            self.user = accounts.sign_in(
                login=login, password=attrs.get("password") or "", address=address
            )
        except errors.WrongCredentials:
            self.fail("invalid_credentials")
        return attrs


class NewPassword(djoser.SetPasswordRetypeSerializer):  # type: ignore[misc]
    current_password = serializers.CharField(max_length=128, trim_whitespace=False)
    new_password = serializers.CharField(max_length=128, trim_whitespace=False)
    re_new_password = serializers.CharField(max_length=128, trim_whitespace=False)


class ResetByLink(djoser.PasswordResetConfirmRetypeSerializer):  # type: ignore[misc]
    uid = serializers.CharField(max_length=64)
    token = serializers.CharField(max_length=128)
    new_password = serializers.CharField(max_length=128, trim_whitespace=False)
    re_new_password = serializers.CharField(max_length=128, trim_whitespace=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        self.initial_data = {**attrs}  # djoser reads these two unvalidated
        return dict(super().validate(attrs))


class Leaving(serializers.Serializer[Any]):
    current_password = serializers.CharField(max_length=128, trim_whitespace=False)

    validate_current_password = djoser.CurrentPasswordSerializer.validate_current_password
    default_error_messages = djoser.CurrentPasswordSerializer.default_error_messages


# resources and bookings


class Moment(serializers.DateTimeField):
    """ISO 8601; a time without an offset is wall time at the venue. In UTC."""

    def enforce_timezone(self, value: datetime) -> datetime:
        self.timezone = venues.of_contract(SLUG).zone
        try:
            return super().enforce_timezone(value).astimezone(UTC)
        except (OverflowError, ValueError):
            self.fail("overflow")


class Place(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=255)
    description = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    capacity = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)
    is_available = serializers.BooleanField(required=False)


class Bookable(serializers.IntegerField):
    """The id of a resource; answers the resource with its rules at hand."""

    default_error_messages = {"does_not_exist": 'Invalid pk "{pk_value}" - object does not exist.'}

    def to_internal_value(self, data: Any) -> Any:
        pk = super().to_internal_value(data)
        kept = pk == self.context.get("resource")  # forms send the one that they were shown
        places = rules_query.resources_with_rules(retired=kept).filter(venue__slug=SLUG)
        found = places.filter(pk=pk).first() if 0 < pk < 2**63 else None
        if found is None:
            self.fail("does_not_exist", pk_value=pk)
        return found


class BookingEdit(serializers.Serializer[Any]):
    resource = Bookable()
    start_time = Moment(source="starts_at")
    end_time = Moment(source="ends_at")
    status = serializers.ChoiceField(choices=STATUSES, required=False)
    notes = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    guests = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)


class Picture(serializers.Serializer[Any]):
    profile_picture = serializers.CharField(
        max_length=500,
        required=False,
        allow_null=True,
        allow_blank=True,
        validators=[URLValidator(["http", "https"])],
    )
    cloudinary_public_id = serializers.CharField(
        max_length=255, required=False, allow_null=True, allow_blank=True
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        empty = {"profile_picture": None, "cloudinary_public_id": ""}
        return {name: value or empty[name] for name, value in attrs.items()}


# answered


def registered(user: Any) -> answers.Registered:
    return {
        "id": user.pk,
        "username": user.username,
        "email": user.address,
        "first_name": user.first_name,
        "last_name": user.last_name,
    }


def person(user: Any) -> answers.Person:
    profile = getattr(user, "profile", None)
    return {
        "id": user.pk,
        "username": user.username or user.email,
        "email": user.address,
        "is_staff": user.is_staff,
        "is_active": user.is_active,
        "profile_picture": profile.profile_picture if profile else None,
    }


def resource(place: Any) -> answers.Resource:
    return {
        "id": place.pk,
        "name": place.name,
        "description": place.description,
        "capacity": place.capacity,
        "is_available": place.is_available,
        "availability_status": place.standing,
    }


def booking(row: Any) -> answers.Booking:
    return {
        "id": row.pk,
        "user": row.owner_id,
        "username": row.owner.username or row.owner.email,
        "resource": row.resource_id,
        "resource_name": row.resource.name,
        "start_time": row.starts_at,
        "end_time": row.ends_at,
        "status": word(row),
        "notes": row.notes,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def word(row: Any) -> answers.Status:
    """The status as the clock has made it, in the words of this frontend."""
    return cast(answers.Status, get_status_label(get_effective_status(row), SLUG))


def picture(profile: Any) -> answers.Picture:
    return {
        "profile_picture": profile.profile_picture,
        "cloudinary_public_id": profile.cloudinary_public_id,
        "updated_at": profile.updated_at,
    }
