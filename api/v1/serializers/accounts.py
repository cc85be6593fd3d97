"""People: how they register, sign in, and what is known of them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.models import Membership, User, UserSession
from api.rest.credentials import (
    EmailField,
    LookupEmailField,
    NewPasswordField,
    PasswordField,
    UsernameField,
)

from .base import StrictSerializer, describe, example
from .fields import IdField

USER = {
    "id": 7,
    "email": "ana@example.com",
    "username": "ana",
    "first_name": "Ana",
    "last_name": "Example",
    "name": "Ana Example",
    "phone": "+49 30 1234567",
    "department": "Design",
    "operator": False,
    "memberships": [{"venue": "club", "role": "customer"}],
    "is_active": True,
    "date_joined": "2030-01-02T10:00:00Z",
}
TOKENS = {"access": "eyJhbGciOi…access", "refresh": "eyJhbGciOi…refresh"}


class RoleInVenueSerializer(serializers.ModelSerializer[Membership]):
    venue = serializers.CharField(source="venue.slug", help_text="The slug of the venue.")

    class Meta:
        model = Membership
        fields = ["venue", "role"]
        read_only_fields = fields
        extra_kwargs = describe(
            role="`customer` books there, `staff` runs the venue, `admin` also its people."
        )


@example(USER)
class UserSerializer(serializers.ModelSerializer[User]):
    email = serializers.CharField(read_only=True, help_text="The address that they sign in with.")
    name = serializers.CharField(read_only=True, help_text="First and last name together.")
    operator = serializers.BooleanField(
        source="is_operator", read_only=True, help_text="Whether they run the whole instance."
    )
    memberships = serializers.SerializerMethodField(
        help_text="What they are in which venue; to an admin, in the admin's venues."
    )

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
            "operator",
            "memberships",
            "is_active",
            "date_joined",
        ]
        read_only_fields = fields
        extra_kwargs = describe(
            username="Another name to sign in with; null for none.",
            first_name="First name.",
            last_name="Last name.",
            phone="Phone number, as they wrote it.",
            department="Where they work, as they wrote it.",
            is_active="Whether they may sign in.",
            date_joined="When the account was made.",
        )

    @extend_schema_field(RoleInVenueSerializer(many=True))
    def get_memberships(self, user: User) -> Any:
        request = self.context.get("request")
        venues = None
        if request and request.user.is_authenticated and request.user.person_id != user.pk:
            venues = request.user.list_admin_venues()
        rows = [row for row in user.memberships.all() if venues is None or row.venue_id in venues]
        return RoleInVenueSerializer(rows, many=True).data


@extend_schema_field({"type": "string", "maxLength": 150, "pattern": r"^[\w.+-]+$"})
class OtherNameField(UsernameField):
    """A name without an @; one's own address is taken too."""


class _ChangeSerializer(StrictSerializer):
    email = EmailField(help_text="The address to sign in with.")
    username = OtherNameField(
        allow_null=True, help_text="Another name to sign in with; null for none."
    )
    first_name = serializers.CharField(max_length=150, allow_blank=True, help_text="First name.")
    last_name = serializers.CharField(max_length=150, allow_blank=True, help_text="Last name.")
    phone = serializers.CharField(max_length=20, allow_blank=True, help_text="Phone number.")
    department = serializers.CharField(
        max_length=120, allow_blank=True, help_text="Where they work."
    )


@example(request={"phone": "+49 30 7654321"})
class ProfileChangeSerializer(_ChangeSerializer):
    """What people may change of their own account."""

    current_password = PasswordField(
        required=False, help_text="One's own password; another address needs it."
    )


@example(request={"is_active": False})
class UserChangeSerializer(_ChangeSerializer):
    """What operators may change of an account."""

    is_active = serializers.BooleanField(help_text="Whether they may sign in.")
    current_password = PasswordField(
        required=False,
        help_text="The operator's own; another address needs it, or a sign-in a few minutes ago.",
    )


@example(
    request={
        "email": "ana@example.com",
        "password": "correct horse 9 battery",
        "name": "Ana Example",
    }
)
class RegistrationSerializer(StrictSerializer):
    """A new account. Fields that are not listed are ignored: nobody gives themselves a role."""

    takes_unknown_fields = True
    email = EmailField(help_text="The address to sign in with.")
    password = NewPasswordField(
        min_length=8,
        write_only=True,
        help_text="8 to 128 characters, and none of the common ones.",
    )
    username = OtherNameField(
        required=False, allow_null=True, help_text="Another name to sign in with."
    )
    name = serializers.CharField(
        max_length=300,
        required=False,
        allow_blank=True,
        help_text="The whole name, instead of `first_name` and `last_name`.",
    )
    first_name = serializers.CharField(
        max_length=150, required=False, allow_blank=True, help_text="First name."
    )
    last_name = serializers.CharField(
        max_length=150, required=False, allow_blank=True, help_text="Last name."
    )
    phone = serializers.CharField(
        max_length=20, required=False, allow_blank=True, help_text="Phone number."
    )
    department = serializers.CharField(
        max_length=120, required=False, allow_blank=True, help_text="Where they work."
    )

    consent = IdField(
        required=False,
        help_text="The id of this instance's text that the person agrees to (`consent/`).",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if name := attrs.pop("name", ""):
            first, _, last = name.strip().rpartition(" ")
            attrs.setdefault("first_name", (first or last)[:150])
            attrs.setdefault("last_name", (last if first else "")[:150])
        return attrs


@example(request={"email": "ana@example.com", "password": "correct horse 9 battery"})
class LoginSerializer(StrictSerializer):
    takes_unknown_fields = True
    email = serializers.CharField(max_length=1000, help_text="The e-mail address, or the username.")
    password = PasswordField(help_text="The password of the account.")
    code = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=64,
        help_text="Of the authenticator app, or a recovery code. Without one the tokens carry a "
        "customer's rights in venues that demand a second factor.",
    )


class TokensSerializer(serializers.Serializer[Any]):
    access = serializers.CharField(
        help_text="For `Authorization: Bearer …`; it lives for half an hour."
    )
    refresh = serializers.CharField(
        help_text="Gets the next two; good once. Browsers also get it as an HttpOnly cookie."
    )


@example(TOKENS)
class NewTokensSerializer(TokensSerializer):
    pass


@example(TOKENS | {"user": USER})
class LoginTokensSerializer(TokensSerializer):
    user = UserSerializer(help_text="Who signed in.")


@example(request={"refresh": TOKENS["refresh"]})
class RefreshSerializer(StrictSerializer):
    refresh = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=4096,
        help_text="The refresh token; left out where the browser sends its cookie.",
    )


@example(request={"code": "eyJhbGciOi…code", "code_verifier": "3Hk…a secret of the page"})
class SignInCodeSerializer(StrictSerializer):
    code = serializers.CharField(
        max_length=4096, help_text="`code` of the address that the sign-in pages led to."
    )
    code_verifier = serializers.CharField(
        max_length=128, help_text="The secret whose SHA-256 was the `code_challenge`."
    )


SESSION = {
    "id": 31,
    "kind": "browser",
    "contract": "",
    "methods": ["pwd", "otp", "mfa"],
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
    "created_at": "2030-01-02T10:00:00Z",
    "last_used_at": "2030-01-02T10:00:00Z",
    "expires_at": "2030-01-16T10:00:00Z",
    "current": False,
}


@example(SESSION)
class UserSessionSerializer(serializers.ModelSerializer[UserSession]):
    current = serializers.SerializerMethodField(help_text="Whether this request belongs to it.")

    class Meta:
        model = UserSession
        fields = [
            "id",
            "kind",
            "contract",
            "methods",
            "user_agent",
            "created_at",
            "last_used_at",
            "expires_at",
            "current",
        ]
        read_only_fields = fields
        extra_kwargs = describe(
            id="Its id.",
            kind="`browser` for a session of our pages, `tokens` for tokens of an API.",
            contract="The contract whose tokens they are; empty for a browser.",
            methods="How the person signed in (RFC 8176): `pwd` a password, `sso` an account at a "
            "provider, `otp` a code, `hwk` a passkey, `mfa` a second factor among them.",
            user_agent="What the program called itself.",
            created_at="When the person signed in.",
            last_used_at="When its tokens were last renewed.",
            expires_at="When it ends by itself.",
        )

    def get_current(self, session: UserSession) -> bool:
        return bool(session.pk == self.context.get("current"))


@example(
    request={
        "current_password": "correct horse 9 battery",
        "new_password": "another horse 8 staple",
    }
)
class PasswordChangeSerializer(StrictSerializer):
    current_password = PasswordField(help_text="The password until now.")
    new_password = NewPasswordField(
        min_length=8, help_text="8 to 128 characters, and none of the common ones."
    )


@example(request={"email": "ana@example.com"})
class PasswordResetSerializer(StrictSerializer):
    email = LookupEmailField(help_text="The address of the account.")


@example(
    request={
        "uid": "Nw",
        "token": "cpt3u9-3c5f…",
        "new_password": "another horse 8 staple",
    }
)
class PasswordResetConfirmSerializer(StrictSerializer):
    uid = serializers.CharField(max_length=64, help_text="`uid` of the link in the e-mail.")
    token = serializers.CharField(max_length=128, help_text="`token` of the link in the e-mail.")
    new_password = NewPasswordField(
        min_length=8, help_text="8 to 128 characters, and none of the common ones."
    )
