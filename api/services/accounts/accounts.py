"""Accounts: register, sign in, edit. No one sets their own rights."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from api import errors
from api.models import User, Venue
from api.models.identifiers import build_key, normalize_address
from api.models.users import ABSENT_DOMAIN
from api.queries.accounts import people

from . import attempts, links, passwords
from .changes import record_change
from .memberships import (
    accept_invitations,
    ensure_admins_remain,
    get_role,
    has_role_elsewhere,
    list_admin_venues_of,
)
from .proofs import Proof, require_proof

PUBLIC_FIELDS = frozenset({"first_name", "last_name", "phone", "department", "username"})
MAX_USERNAME = 150  # characters, also of its key


def register(
    *,
    email: str,
    password: str | None,
    username: str | None = None,
    strong: bool = True,
    verified: bool = False,
    **fields: Any,
) -> User:
    """Create an account without a role anywhere, whatever role was sent.

    Of two rivals for an address one gets it. An account without an address (some contracts allow
    that) gets no emails. `verified`: somebody vouches for the address. Without a password one signs
    in elsewhere. Raises `EmailTaken`, `UsernameTaken`, `WeakPassword` and `Invalid`.
    """
    known = {name: value for name, value in fields.items() if name in PUBLIC_FIELDS}
    email = normalize_email(email or f"{uuid.uuid4().hex}{ABSENT_DOMAIN}")
    draft = User(email=email, username=username or None, **known)
    check_identifiers(draft)
    if password is not None:
        passwords.validate_password(password, draft, strong=strong)
    known |= {"username": username or None, "email_verified_at": Now() if verified else None}
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password, **known)
            if verified:
                user.refresh_from_db(fields=["email_verified_at"])
                accept_invitations(user)
            return user
    except IntegrityError as error:
        raise _to_refusal(error) from error


def has_account(email: str) -> bool:
    return User.objects.filter(email_key=build_key(email), erased_at=None).exists()


def accept_by_link(token: str, *, password: str, **names: Any) -> User:
    """Accept an invitation by the link of its letter, which shows that they read the mail: with the
    account that has the address, else with a new one. Raises `LinkRefused`, and what `register`
    raises."""
    invitation = links.find_invitation(token)
    if invitation is None:
        raise errors.LinkRefused(errors={"token": [errors.LinkRefused.detail]})
    user = User.objects.filter(email_key=invitation.email_key, is_active=True).first()
    if user is None:
        return register(email=invitation.email, password=password, verified=True, **names)
    if user.email_verified_at is None:
        User.objects.filter(pk=user.pk).update(email_verified_at=Now())
        user.refresh_from_db(fields=["email_verified_at"])
    accept_invitations(user)
    return user


def normalize_email(email: str) -> str:
    """The address as it is stored. Raises `Invalid`; `Unfit` for a domain that cannot be."""
    try:
        return normalize_address(email)
    except ValidationError as error:
        kind = errors.Unfit if error.code == "domain" else errors.Invalid
        raise kind(errors={"email": error.messages}) from error


def check_identifiers(user: User) -> None:
    """Raise `EmailTaken` and, for what cannot be a username, `Invalid`."""
    email, username = build_key(user.email), build_key(user.username or "")
    if people.has_email(user.email, but=user.pk or 0):
        raise errors.EmailTaken(errors={"email": [errors.EmailTaken.detail]})
    if user.username and (not username or len(username) > MAX_USERNAME):
        message = f"A username has 1 to {MAX_USERNAME} characters that can be seen."
        raise errors.Invalid(errors={"username": [message]})
    if "@" in username and username != email:
        message = "A username may not look like an e-mail address, but for one's own."
        raise errors.Invalid(errors={"username": [message]})


def _to_refusal(error: IntegrityError) -> errors.Refusal:
    """By the constraint's name: an address in the message may contain the word "username"."""
    diagnosis = getattr(error.__cause__, "diag", None)
    if "username" in (getattr(diagnosis, "constraint_name", None) or ""):
        return errors.UsernameTaken(errors={"username": [errors.UsernameTaken.detail]})
    return errors.EmailTaken(errors={"email": [errors.EmailTaken.detail]})


def sign_in(*, login: str, password: str, address: str = "") -> User:
    """Return the account with this e-mail address or username and password.

    Raises `WrongCredentials` whatever is wrong, and `TooManyAttempts` for this account, whichever
    of its names was given, from this client address.
    """
    found = User.objects.find_by_login(login)
    account = f"user:{found.pk}" if found else build_key(login)
    attempts.check_attempts(account, address)
    user = authenticate(username=login, password=password)
    if not isinstance(user, User):
        attempts.count_failure(account, address)
        raise errors.WrongCredentials
    attempts.forget_failures(account, address)
    User.objects.filter(pk=user.pk).update(last_login=Now())
    accept_invitations(user)
    return user


ADMIN_FIELDS = {"is_active", "is_superuser"}
GUARDED_FIELDS = {"email", "username", "password", "is_active"}  # that lock somebody out


def update_account(
    user: User,
    changes: Mapping[str, Any],
    *,
    by: User,
    proof: Proof | None = None,
    strong: bool = True,
    venue: Venue | None = None,
) -> User:
    """Change the account: one's own, anybody's by an operator, one of the `venue`'s people's by an
    admin of it. Another address and a password need a proof of who asks; the person is told,
    and may undo them.

    Raises what `register` raises, `Forbidden`, `LastAdmin`, `WrongPassword` and `TooManyAttempts`.
    """
    changes = _drop_same(user, changes)
    admin_changes = ADMIN_FIELDS & changes.keys()
    _check_may_change(user, changes, by, venue)
    told = _list_told(user, changes)
    if told:
        require_proof(by, proof)
    password = changes.pop("password", None)
    for name, value in _add_implied(user, changes).items():
        setattr(user, name, value)
    if changes.keys() & {"email", "username"}:
        check_identifiers(user)
    if password:
        passwords.validate_password(password, user, strong=strong)
    try:
        with transaction.atomic():
            if admin_changes:
                ensure_operator_remains(user)
                if not user.is_active:
                    ensure_admins_remain(user.pk, list_admin_venues_of(user), by=by)
            if told:
                record_change(user, " and ".join(told))
            if password:
                user.set_password(password)
                changes["password"] = user.password
                passwords.end_sessions(user)
            # only what was asked for: the rest of the row may be older than the database's
            user.save(update_fields=changes.keys())
    except IntegrityError as error:
        raise _to_refusal(error) from error
    return user


def _check_may_change(
    user: User, changes: Mapping[str, Any], by: User, venue: Venue | None
) -> None:
    """Refuses `Forbidden`. An admin changes what locks somebody out only of accounts that have no
    role elsewhere."""
    if by.is_operator:
        return
    is_admin = venue is not None and by.is_admin_of(venue.pk)
    if "is_superuser" in changes or ("is_active" in changes and not is_admin):
        raise errors.Forbidden
    if user.pk == by.pk and "is_active" not in changes:
        return
    if venue is None or not is_admin or not get_role(user, venue.pk):
        raise errors.Forbidden
    if GUARDED_FIELDS & changes.keys() and has_role_elsewhere(user, venue.pk):
        raise errors.Forbidden("They are one of the people of another venue too.")


def _list_told(user: User, changes: Mapping[str, Any]) -> list[str]:
    """What of the changes the person is told of, as the letter calls it."""
    told = ["e-mail address"] if _is_another_address(user, changes) else []
    return [*told, "password"] if changes.get("password") else told


def _is_another_address(user: User, changes: Mapping[str, Any]) -> bool:
    return "email" in changes and build_key(changes["email"]) != user.email_key


def _add_implied(user: User, changes: dict[str, Any]) -> dict[str, Any]:
    """The same changes, with what follows from them."""
    if _is_another_address(user, changes):
        changes["email_verified_at"] = None
        if user.username_key == user.email_key:  # whose name is the address keeps it so
            changes.setdefault("username", changes["email"])
    return changes


def _drop_same(user: User, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes as they are stored, without those of powers and names that change nothing: forms
    send back what they were shown."""
    found = dict(changes)
    if "email" in found:
        found["email"] = normalize_email(found["email"])
    if "username" in found:
        found["username"] = found["username"] or None
    kept = ADMIN_FIELDS | {"email", "username"}
    return {name: v for name, v in found.items() if name not in kept or v != getattr(user, name)}


def ensure_operator_remains(user: User) -> None:
    """Raise `Forbidden` if `user`, as it is about to be written, was the last operator. All are
    locked, in id order, so that two who demote each other do not both succeed."""
    operators = User.objects.filter(is_superuser=True, is_active=True)
    ids = set(operators.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
    if ids == {user.pk} and not (user.is_superuser and user.is_active):
        raise errors.Forbidden("The last admin stays one.")
