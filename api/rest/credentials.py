"""Fields for names, addresses and passwords: one rule for each, at every door.

What a sign-up takes, every sign-in and reset takes too: those fields have no limits of their own.
"""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.errors import Unfit
from api.models.identifiers import ADDRESS, MAX_ADDRESS, normalize_address, prepare_password
from api.services.accounts.passwords import MAX_LENGTH


@extend_schema_field(
    {"type": "string", "maxLength": MAX_ADDRESS, "pattern": ADDRESS, "example": "a@b.org"}
)
class EmailField(serializers.CharField):
    """An address that mail can be sent to, by RFC 5321 and IDNA; read as it is stored.

    Refuses `Unfit` what the pattern takes and only IDNA does not.
    """

    default_error_messages = {"invalid": "Enter a valid email address."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = super().to_internal_value(data)
        if text == "":
            return text
        try:
            return normalize_address(text)
        except DjangoValidationError as error:
            if error.code == "domain":
                raise Unfit(errors={str(self.field_name): error.messages}) from None
            self.fail("invalid")


class OptionalEmailField(EmailField):
    """An address, or nothing."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_blank=True, **options)


_HAS_FORM = r"^[^\x00]*[^\x00-\x20@]@[^\x00-\x20@][^\x00]*$"


@extend_schema_field({"type": "string", "maxLength": 1000, "pattern": _HAS_FORM})
class LookupEmailField(serializers.CharField):
    """An address to look an account up by: whatever has the form of one."""

    default_error_messages = {"invalid": "Enter a valid email address."}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=1000, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or not re.search(_HAS_FORM, data):
            self.fail("invalid")
        return super().to_internal_value(data)


class UsernameField(serializers.CharField):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=150, validators=[UnicodeUsernameValidator()], **options)


class PasswordField(serializers.CharField):
    """A password to sign in with, or one's current one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)


class NewPasswordField(PasswordField):
    """A password to set, in the form in which it is hashed and measured."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_LENGTH, **options)

    def to_internal_value(self, data: Any) -> str:
        return prepare_password(super().to_internal_value(data))
