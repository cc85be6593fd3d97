"""Signing in, and people."""

from typing import Any

from rest_framework.serializers import CharField

from api.contracts import kit
from api.rest.credentials import LookupEmailField

from .fields import TextField


class LoginSerializer(kit.Serializer):
    email = LookupEmailField(source="login")
    password = TextField(trim_whitespace=False)


class RefreshSerializer(kit.Serializer):
    refresh = TextField(trim_whitespace=False, help_text="Good for one use")


class PersonSerializer(kit.Serializer):
    id = CharField()
    name = CharField()
    email = CharField()


class RoleLabelField(kit.LabelField):
    """Whether they are an admin of the venue."""

    def to_representation(self, value: Any) -> str:
        return super().to_representation(kit.has_role(self, value, "admin"))


class OrganizerSerializer(PersonSerializer):
    id = CharField(allow_null=True, help_text="Null for a guest")


class UserSerializer(PersonSerializer):
    role = RoleLabelField({True: "admin", False: "user"}, source="*")
    department = kit.TextOrNullField(allow_null=True)


class LoggedInSerializer(kit.Serializer):
    token = CharField(source="access", help_text="The access token under its earlier name")
    access = CharField()
    refresh = CharField()
    user = UserSerializer()
