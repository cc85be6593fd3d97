"""Signing in, and people."""

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


class OrganizerSerializer(PersonSerializer):
    id = CharField(allow_null=True, help_text="Null for a guest")


class UserSerializer(PersonSerializer):
    role = kit.LabelField({True: "admin", False: "user"}, source="is_staff")
    department = kit.TextOrNullField(allow_null=True)


class LoggedInSerializer(kit.Serializer):
    token = CharField(source="access", help_text="The access token under its earlier name")
    access = CharField()
    refresh = CharField()
    user = UserSerializer()
