"""Accounts: register, sign in, edit. No one sets their own role."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from api import errors
from api.models import User
from api.models.users import ABSENT_DOMAIN, Role

from . import passwords

PUBLIC_FIELDS = frozenset({"first_name", "last_name", "phone", "department", "username"})


def register(
    *,
    email: str,
    password: str,
    username: str | None = None,
    strong: bool = True,
    **fields: Any,
) -> User:
    """Create an account in the role of a user, whatever role was sent.

    Of two rivals for an address one gets it. An account without an address (some contracts allow
    that) gets no emails. Raises `EmailTaken`, `UsernameTaken`, `WeakPassword` and `Invalid`.
    """
    known = {name: value for name, value in fields.items() if name in PUBLIC_FIELDS}
    email = normalize_email(email or f"{uuid.uuid4().hex}{ABSENT_DOMAIN}")
    if User.objects.filter(email=email).exists():
        raise errors.EmailTaken(errors={"email": [errors.EmailTaken.detail]})
    draft = User(email=email, username=username or None, **known)
    if strong:
        passwords.validate_password(password, draft)
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, username=username or None, **known)
    except IntegrityError as error:
        raise _to_refusal(error) from error


def normalize_email(email: str) -> str:
    """The address in lower case. Raises `Invalid`."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise errors.Invalid(errors={"email": error.messages}) from error
    return email


def _to_refusal(error: IntegrityError) -> errors.Refusal:
    """By the constraint's name: an address in the message may contain the word "username"."""
    diagnosis = getattr(error.__cause__, "diag", None)
    if "username" in (getattr(diagnosis, "constraint_name", None) or ""):
        return errors.UsernameTaken(errors={"username": [errors.UsernameTaken.detail]})
    return errors.EmailTaken(errors={"email": [errors.EmailTaken.detail]})


def sign_in(*, login: str, password: str, address: str = "") -> User:
    """Return the account with this e-mail address or username and password.

    Raises `WrongCredentials` whatever is wrong, and `TooManyAttempts` for this login from this
    client address.
    """
    who = hashlib.sha256(f"{login.strip().lower()}\0{address}".encode()).hexdigest()
    key = f"failed-logins:{who}"
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


ADMIN_FIELDS = {"role", "is_active", "is_superuser"}


def update_account(
    user: User, changes: Mapping[str, Any], *, by: User, strong: bool = True
) -> User:
    """Change the account. `ADMIN_FIELDS` need an admin, and the last admin stays one.

    Raises what `register` raises, and `Forbidden`.
    """
    # forms send back what they were shown
    same = {name for name in ADMIN_FIELDS & changes.keys() if changes[name] == getattr(user, name)}
    changes = {name: value for name, value in changes.items() if name not in same}
    admin_changes = ADMIN_FIELDS & changes.keys()
    if admin_changes and not by.is_admin:
        raise errors.Forbidden
    if "email" in changes:
        changes["email"] = normalize_email(changes["email"])
    if "username" in changes:
        changes["username"] = changes["username"] or None
    if "role" in changes:
        changes["is_superuser"] = changes["role"] == Role.ADMIN
    password = changes.pop("password", None)
    for name, value in changes.items():
        setattr(user, name, value)
    if password and strong:
        passwords.validate_password(password, user)
    try:
        with transaction.atomic():
            if admin_changes:
                ensure_admin_remains(user)
            # only what was sent: the rest of the row may be older than the database's
            user.save(update_fields=changes.keys())
            if password:
                passwords.set_password(user, password)
    except IntegrityError as error:
        raise _to_refusal(error) from error
    return user


def ensure_admin_remains(user: User) -> None:
    """Raise `Forbidden` if `user`, as it is about to be written, was the last admin. All admins are
    locked, in id order, so that two who demote each other do not both succeed."""
    admins = User.objects.filter(Q(role=Role.ADMIN) | Q(is_superuser=True), is_active=True)
    ids = set(admins.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
    if ids == {user.pk} and not (user.is_admin and user.is_active):
        raise errors.Forbidden("The last admin stays one.")
