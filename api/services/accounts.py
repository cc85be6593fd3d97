"""People and their accounts: register, sign in, passwords, erasure. No one sets their own role."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, password_validation
from django.contrib.auth.tokens import default_token_generator
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.encoding import force_str
from django.utils.http import urlsafe_base64_decode
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from api import errors
from api.lifecycle import BOOKING
from api.models import Booking, BookingEvent, Delivery, User
from api.models.users import Role

from . import bookings, notices
from .actors import Actor

PUBLIC_FIELDS = frozenset({"first_name", "last_name", "phone", "department", "username"})


def register(
    *,
    email: str,
    password: str,
    username: str | None = None,
    strong: bool = True,
    **fields: Any,
) -> User:
    """A new account in the role of a user, whatever was asked for. Refuses `EmailTaken`,
    `UsernameTaken`, `WeakPassword` and `Invalid`; of two rivals for an address one gets it."""
    known = {name: value for name, value in fields.items() if name in PUBLIC_FIELDS}
    email = checked_email(email)
    if User.objects.filter(email=email).exists():
        raise errors.EmailTaken(errors={"email": [errors.EmailTaken.detail]})
    draft = User(email=email, username=username or None, **known)
    if strong:
        check_password(password, draft)
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, username=username or None, **known)
    except IntegrityError as error:
        raise _taken(error) from error


def checked_email(email: str) -> str:
    """The address in lower case; refuses `Invalid`."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise errors.Invalid(errors={"email": error.messages}) from error
    return email


def check_password(password: str, user: User, field: str = "password") -> None:
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise errors.WeakPassword(errors={field: error.messages}) from error


def _taken(error: IntegrityError) -> errors.Refused:
    if "username" in str(error):
        return errors.UsernameTaken(errors={"username": [errors.UsernameTaken.detail]})
    return errors.EmailTaken(errors={"email": [errors.EmailTaken.detail]})


def sign_in(*, login: str, password: str, address: str = "") -> User:
    """The person with this e-mail address or username and password. Refuses `WrongCredentials`
    alike for all that is wrong, and `TooManyAttempts` for this account from this address."""
    key = f"failed-logins:{login.strip().lower()}:{address}"[:200].replace(" ", "_")
    window = int(settings.FAILED_LOGINS_WINDOW.total_seconds())
    if int(cache.get(key) or 0) >= settings.FAILED_LOGINS_ALLOWED:
        raise errors.TooManyAttempts(retry_after=window)
    user = authenticate(username=login, password=password)
    if not isinstance(user, User):
        cache.add(key, 0, window)
        try:
            cache.incr(key)
        except ValueError:  # it expired between the two
            cache.set(key, 1, window)
        raise errors.WrongCredentials
    cache.delete(key)
    User.objects.filter(pk=user.pk).update(last_login=Now())
    return user


def change_password(user: User, current: str, new: str) -> None:
    """Ends every session of the account. Refuses `Invalid` and `WeakPassword`."""
    if not user.check_password(current):
        raise errors.Invalid(errors={"current_password": ["The current password is not right."]})
    check_password(new, user, "new_password")
    user.set_password(new)
    user.save(update_fields=["password"])


def ask_reset(email: str) -> None:
    """Queues the e-mail with the link, if there is such an account; says nothing either way."""
    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    if user is not None:
        notices.write_to(user, "password_reset", f"email:password_reset:{uuid.uuid4()}")


def reset_password(uid: str, token: str, new: str) -> User:
    """Sets a password by the link of the e-mail, once and within the hour. Refuses `Invalid`."""
    try:
        user = User.objects.get(pk=force_str(urlsafe_base64_decode(uid)), is_active=True)
    except (User.DoesNotExist, ValueError, OverflowError, UnicodeDecodeError):
        user = None
    if user is None or not default_token_generator.check_token(user, token):
        raise errors.Invalid(errors={"token": ["The link is not valid any more."]})
    check_password(new, user, "new_password")
    user.set_password(new)
    user.save(update_fields=["password"])
    return user


def edit(user: User, changes: Mapping[str, Any], *, by: User) -> User:
    """The account with these fields changed. `role` and `is_active` only by an admin, and nobody
    takes the role of the last admin away. Refuses as `register` does, and `Forbidden`."""
    changes = dict(changes)
    if {"role", "is_active"} & changes.keys() and not by.is_admin:
        raise errors.Forbidden
    if "email" in changes:
        changes["email"] = checked_email(changes["email"])
    password = changes.pop("password", None)
    for name, value in changes.items():
        setattr(user, name, value or None if name == "username" else value)
    if password:
        check_password(password, user)
        user.set_password(password)
    try:
        with transaction.atomic():
            _keep_an_admin(user)
            user.save()
    except IntegrityError as error:
        raise _taken(error) from error
    return user


def _keep_an_admin(user: User) -> None:
    others = User.objects.filter(Q(role=Role.ADMIN) | Q(is_superuser=True), is_active=True)
    was = others.select_for_update().filter(pk=user.pk).exists()
    if was and not (user.is_admin and user.is_active) and not others.exclude(pk=user.pk).exists():
        raise errors.Forbidden("The last admin stays one.")


def erase(user: User) -> None:
    """Forgets a person: cancels what they have ahead, and empties every field that names them,
    here, in their bookings, in the history and in the outbox. What was booked stays as numbers."""
    with transaction.atomic():
        _keep_an_admin(_as_erased(user))
        ahead = Booking.objects.filter(owner=user, status__in=BOOKING.blocking)
        for pk in ahead.values_list("pk", flat=True):
            try:
                bookings.cancel(pk, Actor.toward(user, Booking(owner=user)), "account erased")
            except errors.NotAllowedNow:
                continue
        mine = Booking.objects.filter(owner=user)
        mine.update(title="", notes="", rejection_reason="")
        BookingEvent.objects.filter(booking__owner=user).update(details={})
        Delivery.objects.filter(Q(booking__owner=user) | Q(to=user.email)).update(
            to="", payload={}, last_error=""
        )
        OutstandingToken.objects.filter(user=user).update(token="")
        user.profile.delete()
        _as_erased(user).save()


def _as_erased(user: User) -> User:
    gone = User.objects.get(pk=user.pk)
    gone.email, gone.username = f"erased-{user.pk}@erased.invalid", None
    gone.first_name = gone.last_name = gone.phone = gone.department = ""
    gone.is_active, gone.is_superuser, gone.role = False, False, Role.USER
    gone.erased_at = Now()
    gone.set_unusable_password()
    return gone


def prune_blacklist() -> int:
    """Forgets refresh tokens that have expired by themselves, and nothing else."""
    return OutstandingToken.objects.filter(expires_at__lt=Now()).delete()[0]
