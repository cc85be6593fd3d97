"""Passwords: change, reset by e-mail. A new password ends every session of the account."""

from __future__ import annotations

import uuid

from django.contrib.auth import password_validation
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.encoding import force_str
from django.utils.http import urlsafe_base64_decode
from rest_framework.authtoken.models import Token

from api import errors
from api.models import User
from api.services.messages import notifications


def validate_password(password: str, user: User, field: str = "password") -> None:
    """Raise `WeakPassword`, its sentences under `field`."""
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise errors.WeakPassword(errors={field: error.messages}) from error


def change_password(user: User, current: str, new: str) -> None:
    """Raises `WrongPassword` and `WeakPassword`."""
    if not user.check_password(current):
        raise errors.WrongPassword(errors={"current_password": [errors.WrongPassword.detail]})
    validate_password(new, user, "new_password")
    set_password(user, new)


def set_password(user: User, new: str) -> None:
    """Set a password that was validated before, and end every session of the account."""
    user.set_password(new)
    user.save(update_fields=["password"])
    end_sessions(user)


def end_sessions(user: User) -> None:
    """Delete the token that does not expire; the others carry a hash of the old password."""
    Token.objects.filter(user=user).delete()


def request_password_reset(email: str, name: str = "password_reset") -> None:
    """Queue the e-mail with the link, if there is such an account; the caller cannot tell."""
    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    if user is not None:
        notifications.email_user(user, name, f"email:password_reset:{uuid.uuid4()}")


def reset_password(uid: str, token: str, new: str) -> User:
    """Set a password by the link of the e-mail, once and within the hour.

    Of two who follow one link at once one gets through. Raises `LinkRefused` and `WeakPassword`.
    """
    with transaction.atomic():
        user = _lock_linked_user(uid)
        if user is None or not default_token_generator.check_token(user, token):
            raise errors.LinkRefused(errors={"token": [errors.LinkRefused.detail]})
        validate_password(new, user, "new_password")
        set_password(user, new)
    return user


def _lock_linked_user(uid: str) -> User | None:
    """The account of a link, locked."""
    try:
        pk = int(force_str(urlsafe_base64_decode(uid)))
    except ValueError:  # not base64, not UTF-8, not a number
        return None
    return User.objects.select_for_update(no_key=True).filter(pk=pk, is_active=True).first()
