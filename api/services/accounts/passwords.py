"""Passwords: change, reset by e-mail. A new password ends every session of the account."""

from __future__ import annotations

import uuid

from django.contrib.auth import password_validation
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.utils.encoding import force_str
from django.utils.http import urlsafe_base64_decode
from rest_framework.authtoken.models import Token

from api import errors
from api.models import User
from api.models.identifiers import build_key, prepare_password
from api.services.bookings.guests import join_bookings
from api.services.messages import notifications

from . import user_sessions
from .changes import record_change
from .memberships import accept_invitations
from .proofs import check_current_password

MAX_LENGTH = 128  # characters, as they are hashed


class MaximumLengthValidator:
    """One of AUTH_PASSWORD_VALIDATORS, and the only one for customers at a contract's door."""

    def validate(self, password: str, user: User | None = None) -> None:
        if len(prepare_password(password)) > MAX_LENGTH:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        return f"A password has at most {MAX_LENGTH} characters."


def validate_password(
    password: str, user: User, field: str = "password", *, strong: bool = True
) -> None:
    """Raise `WeakPassword`, its sentences under `field`. Staff and admins need a strong one at
    every door."""
    validators = None if strong or user.is_staff_somewhere else [MaximumLengthValidator()]
    try:
        password_validation.validate_password(prepare_password(password), user, validators)
    except ValidationError as error:
        raise errors.WeakPassword(errors={field: error.messages}) from error


def change_password(user: User, current: str, new: str) -> None:
    """Raises `WrongPassword`, `TooManyAttempts` and `WeakPassword`."""
    check_current_password(user, current)
    validate_password(new, user, "new_password")
    with transaction.atomic():
        replace_password(user, new)
        end_sessions(user)


def replace_password(user: User, new: str) -> None:
    """Set a password that was validated before; the person is told, and may undo it. A token that
    does not expire stays."""
    with transaction.atomic():
        record_change(user, "password")
        user.set_password(new)
        user.save(update_fields=["password"])


def end_sessions(user: User) -> None:
    """Delete the token that does not expire; the others carry a hash of the old password."""
    Token.objects.filter(user=user).delete()
    user_sessions.close_all(user)


def request_password_reset(email: str, name: str = "password_reset") -> None:
    """Queue the e-mail with the link, if there is such an account; the caller is not told."""
    key = build_key(email)
    user = None if "\0" in key else User.objects.filter(email_key=key, is_active=True).first()
    if user is not None:
        notifications.email_user(user, name, f"email:password_reset:{uuid.uuid4()}")


def reset_password(uid: str, token: str, new: str) -> User:
    """Set a password by the link of the e-mail, once and within the hour; the address is verified.

    Of two who follow one link at once one gets through. Raises `LinkRefused` and `WeakPassword`.
    """
    with transaction.atomic():
        user = _lock_linked_user(uid)
        if user is None or not default_token_generator.check_token(user, token):
            raise errors.LinkRefused(errors={"token": [errors.LinkRefused.detail]})
        validate_password(new, user, "new_password")
        user.set_password(new)
        user.email_verified_at = Now()
        user.save(update_fields=["password", "email_verified_at"])
        end_sessions(user)
        user.refresh_from_db(fields=["email_verified_at"])
        accept_invitations(user)
        join_bookings(user)
    return user


def _lock_linked_user(uid: str) -> User | None:
    """The account of a link, locked."""
    try:
        pk = int(force_str(urlsafe_base64_decode(uid)))
    except ValueError:  # not base64, not UTF-8, not a number
        return None
    return User.objects.select_for_update(no_key=True).filter(pk=pk, is_active=True).first()
