"""What is read and written. A time without an offset is the venue's wall time, all else is UTC."""

from __future__ import annotations

from typing import Any, Final

from django.core.validators import URLValidator
from djoser import serializers as djoser
from rest_framework import serializers

from api import errors
from api.contracts import kit
from api.emails import get_status_label
from api.lifecycle import Status
from api.queries.accounts import people
from api.queries.venues import rules
from api.rest.credentials import (
    EmailField,
    LookupEmailField,
    NewPasswordField,
    PasswordField,
    UsernameField,
)
from api.services.accounts import accounts
from api.services.accounts.proofs import check_current_password

# as in the emails
STATUS_LABELS: Final = {
    status.value: get_status_label(status.value, "resources") for status in Status
}
STATUSES: Final = tuple(dict.fromkeys(STATUS_LABELS.values()))
USERNAME_TAKEN: Final = "A user with this username already exists."
EMAIL_TAKEN: Final = (
    "This email is already in use. Please use another email or login to your existing account."
)
BIGGEST: Final = 2**31 - 1


class RootSerializer(kit.Serializer):
    resources = serializers.CharField(help_text="The URL of the list")
    bookings = serializers.CharField(help_text="The URL of the list")


# accounts


class NamesSerializer(kit.Serializer):
    username = UsernameField()
    email = EmailField()

    def validate_username(self, name: str) -> str:
        if people.has_username(name, but=self.context.get("account", 0)):
            raise serializers.ValidationError(USERNAME_TAKEN)
        return name

    def validate_email(self, email: str) -> str:
        if people.has_email(email, but=self.context.get("account", 0)):
            raise serializers.ValidationError(EMAIL_TAKEN)
        return email


class UpdateAccountSerializer(NamesSerializer):
    email = EmailField(required=False)
    current_password = PasswordField(required=False, help_text="For another e-mail address")


class RegisteredSerializer(kit.Serializer):
    id = serializers.IntegerField()
    username = serializers.CharField()
    email = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()


class RegisterSerializer(NamesSerializer):
    password = NewPasswordField()
    first_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=150, required=False, allow_blank=True)

    def create(self, validated_data: dict[str, Any]) -> Any:
        return accounts.register(strong=False, **validated_data)

    def to_representation(self, user: Any) -> Any:
        return RegisteredSerializer(user).data


class AccountSerializer(kit.Serializer):
    id = serializers.IntegerField()
    username = serializers.SerializerMethodField(help_text="Or the e-mail of who has none")
    email = serializers.CharField(source="address")
    is_staff = kit.RoleField("staff")
    is_active = serializers.BooleanField()
    profile_picture = serializers.CharField(
        source="profile.profile_picture", allow_null=True, help_text="A URL"
    )

    def get_username(self, user: Any) -> str:
        return str(user.username or user.email)


class LoginSerializer(kit.Serializer):
    password = PasswordField(required=False)
    email = serializers.CharField(required=False, help_text="Instead of the username")
    username = serializers.CharField(required=False, help_text="Or the e-mail")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        login = attrs.get("username") or attrs.get("email") or ""
        return {"login": login, "password": attrs.get("password") or ""}


class TokenSerializer(kit.Serializer):
    auth_token = serializers.CharField(
        source="key", help_text="For `Authorization: Token …`; without an end"
    )


# djoser's check the password and the link


# wrong ones are counted; as a docstring that would be published with those below
class CurrentPasswordSerializer(djoser.CurrentPasswordSerializer):
    current_password = PasswordField()

    def validate_current_password(self, password: str) -> str:
        try:
            check_current_password(self.context["request"].user, password)
        except errors.WrongPassword:
            self.fail("invalid_password")
        return password


class DeleteAccountSerializer(CurrentPasswordSerializer):
    pass


class SetPasswordSerializer(CurrentPasswordSerializer, djoser.SetPasswordRetypeSerializer):
    new_password = NewPasswordField()
    re_new_password = NewPasswordField(help_text="The new one again")


class ResetPasswordSerializer(kit.Serializer):
    email = LookupEmailField()


class ConfirmResetSerializer(djoser.PasswordResetConfirmRetypeSerializer):
    uid = serializers.CharField(max_length=64, help_text="Who, from the link of the e-mail")
    token = serializers.CharField(max_length=128, help_text="From the link of the e-mail")
    new_password = NewPasswordField()
    re_new_password = NewPasswordField(help_text="The new one again")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        self.initial_data = {**attrs}  # djoser reads these two unvalidated
        return {**super().validate(attrs), "user": self.user}


# resources and bookings


class CreateResourceSerializer(kit.Serializer):
    name = serializers.CharField(max_length=255)
    description = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    capacity = serializers.IntegerField(
        min_value=1, max_value=BIGGEST, required=False, help_text="Guests at once"
    )
    is_available = serializers.BooleanField(required=False, help_text="Whether it may be booked")


class ResourceSerializer(kit.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    capacity = serializers.IntegerField(help_text="Guests at once")
    is_available = serializers.BooleanField(help_text="Whether it may be booked")
    availability_status = serializers.ChoiceField(
        choices=("available", "pending", "unavailable"),
        source="availability",
        help_text="By what is booked of it from now on",
    )


class ResourceField(serializers.IntegerField):
    """The id of a resource; read as the resource with its rules at hand."""

    default_error_messages = {"does_not_exist": 'Invalid pk "{pk_value}" - object does not exist.'}

    def to_internal_value(self, data: Any) -> Any:
        pk = super().to_internal_value(data)
        retired = pk == self.context.get("resource")  # forms send the one that they were shown
        slug = self.context["view"].contract
        resources = rules.list_resources_with_rules(retired=retired).filter(venue__slug=slug)
        found = resources.filter(pk=pk).first() if 0 < pk < 2**63 else None
        if found is None:
            self.fail("does_not_exist", pk_value=pk)
        return found


class CreateBookingSerializer(kit.Serializer):
    resource = ResourceField(help_text="The id of the resource")
    start_time = kit.InstantField(source="starts_at", help_text="Half an hour from now, or later")
    end_time = kit.InstantField(source="ends_at")
    status = serializers.ChoiceField(
        choices=STATUSES, required=False, help_text="Set by staff; owners only cancel"
    )
    notes = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    guests = serializers.IntegerField(
        min_value=1, max_value=BIGGEST, required=False, help_text="One, unless given"
    )


class BookingSerializer(kit.Serializer):
    id = serializers.IntegerField()
    user = serializers.IntegerField(
        source="owner_id", allow_null=True, help_text="The id of the owner, null for a guest"
    )
    username = serializers.SerializerMethodField(help_text="The owner's, or their e-mail")
    resource = serializers.IntegerField(source="resource_id", help_text="The id of the resource")
    resource_name = serializers.CharField(source="resource.name")
    start_time = kit.InstantField(source="starts_at")
    end_time = kit.InstantField(source="ends_at")
    status = kit.StatusField(STATUS_LABELS)
    notes = serializers.CharField()
    created_at = kit.InstantField()
    updated_at = kit.InstantField()

    def get_username(self, booking: Any) -> str:
        return str(booking.person.username or booking.person.email)


# pictures


class UpdatePictureSerializer(kit.Serializer):
    profile_picture = serializers.CharField(
        max_length=500,
        required=False,
        allow_null=True,
        allow_blank=True,
        validators=[URLValidator(["http", "https"])],
        help_text="A URL; null or empty for none",
    )
    cloudinary_public_id = kit.OptionalTextField(
        max_length=255, help_text="What the host of pictures calls it"
    )

    def validate_profile_picture(self, url: str | None) -> str | None:
        return url or None


class PictureSerializer(kit.Serializer):
    profile_picture = serializers.CharField(allow_null=True, help_text="A URL")
    cloudinary_public_id = kit.TextOrNullField(
        allow_null=True, help_text="What the host of pictures calls it"
    )
    updated_at = kit.InstantField()


class PictureRemovedSerializer(kit.Serializer):
    message = kit.ConstantField("Profile picture removed successfully")
