"""People."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.models import User
from api.models.users import Role

from .fields import Email


class Person(serializers.ModelSerializer[User]):
    email = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)

    class Meta:
        model = User
        fields = [
            "id",
            "email",
            "username",
            "first_name",
            "last_name",
            "name",
            "phone",
            "department",
            "role",
            "is_active",
            "date_joined",
        ]
        read_only_fields = fields


class Editable(serializers.Serializer[Any]):
    email = Email(max_length=254)
    username = serializers.RegexField(r"^[\w.+-]+$", max_length=150, allow_null=True)
    first_name = serializers.CharField(max_length=150, allow_blank=True)
    last_name = serializers.CharField(max_length=150, allow_blank=True)
    phone = serializers.CharField(max_length=20, allow_blank=True)
    department = serializers.CharField(max_length=120, allow_blank=True)


class MyEdit(Editable):
    """What people may change of themselves."""


class AdminEdit(Editable):
    role = serializers.ChoiceField(choices=Role.choices)
    is_active = serializers.BooleanField()


class Registration(serializers.Serializer[Any]):
    """What a client adds of its own is ignored: nobody gives themselves a role."""

    lenient = True
    email = Email(max_length=254)
    password = serializers.CharField(
        min_length=8, max_length=128, trim_whitespace=False, write_only=True
    )
    username = serializers.RegexField(
        r"^[\w.+-]+$", max_length=150, required=False, allow_null=True
    )
    name = serializers.CharField(
        max_length=300,
        required=False,
        allow_blank=True,
        help_text="Instead of first_name and last_name",
    )
    first_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=20, required=False, allow_blank=True)
    department = serializers.CharField(max_length=120, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if name := attrs.pop("name", ""):
            first, _, last = name.strip().rpartition(" ")
            attrs.setdefault("first_name", (first or last)[:150])
            attrs.setdefault("last_name", (last if first else "")[:150])
        return attrs


class Login(serializers.Serializer[Any]):
    lenient = True
    email = serializers.CharField(max_length=254, help_text="The e-mail address, or the username")
    password = serializers.CharField(max_length=128, trim_whitespace=False)


class Tokens(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()
    user = Person()


class RefreshBody(serializers.Serializer[Any]):
    refresh = serializers.CharField(
        required=False, allow_blank=True, max_length=4096, help_text="If there is no cookie"
    )


class NewTokens(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()


class PasswordChange(serializers.Serializer[Any]):
    current_password = serializers.CharField(max_length=128, trim_whitespace=False)
    new_password = serializers.CharField(min_length=8, max_length=128, trim_whitespace=False)


class ResetRequest(serializers.Serializer[Any]):
    email = Email(max_length=254)


class ResetConfirm(serializers.Serializer[Any]):
    uid = serializers.CharField(max_length=64)
    token = serializers.CharField(max_length=128)
    new_password = serializers.CharField(min_length=8, max_length=128, trim_whitespace=False)
