"""The people of a venue, as its admins see and change them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.errors import Invalid
from api.models import Invitation, Membership, Role
from api.rest.credentials import EmailField

from .base import StrictSerializer, describe, example
from .fields import IdField

MEMBER = {
    "id": 31,
    "user": 7,
    "email": "ana@example.com",
    "name": "Ana Example",
    "role": "customer",
}
ROLE = "`customer` books here, `staff` runs the venue, `admin` also its people."


@example(MEMBER)
class MemberSerializer(serializers.ModelSerializer[Membership]):
    email = serializers.CharField(source="user.address", help_text="Their address; empty if none.")
    name = serializers.CharField(source="user.name", help_text="What to call them.")

    class Meta:
        model = Membership
        fields = ["id", "user", "email", "name", "role"]
        read_only_fields = fields
        extra_kwargs = describe(user="The id of the account.", role=ROLE)


@example(request={"email": "ana@example.com", "role": "staff"})
class NewMemberSerializer(StrictSerializer):
    user = IdField(required=False, help_text="The id of an account, or")
    email = EmailField(required=False, help_text="an address: it is invited if it has no account.")
    role = serializers.ChoiceField(
        choices=Role.choices, required=False, default=Role.CUSTOMER, help_text=ROLE
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("user" in attrs) == ("email" in attrs):
            raise Invalid(errors={"user": ["Give either `user` or `email`."]})
        return attrs


@example(request={"role": "staff"})
class MemberChangeSerializer(StrictSerializer):
    role = serializers.ChoiceField(choices=Role.choices, help_text=ROLE)


@example({"detail": "They are invited by letter.", "email": "ana@example.com", "role": "staff"})
class InvitedSerializer(serializers.Serializer[Any]):
    detail = serializers.CharField(help_text="What happens next, for people.")
    email = serializers.CharField(help_text="The address that the letter goes to.")
    role = serializers.ChoiceField(choices=Role.choices, help_text=ROLE)


@example(
    {"id": 3, "email": "ana@example.com", "role": "staff", "created_at": "2030-05-01T09:00:00Z"}
)
class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    class Meta:
        model = Invitation
        fields = ["id", "email", "role", "created_at"]
        read_only_fields = fields
        extra_kwargs = describe(
            email="The address that was invited.", role=ROLE, created_at="When it was."
        )
