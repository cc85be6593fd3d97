"""What shows that it is the person who asks, and not somebody with their access token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from api import errors
from api.models import User
from api.queries.clock import database_now

from . import attempts
from .client_address import get_address_hash


@dataclass(frozen=True)
class Proof:
    """The person's current password or, where a door does without it, when they signed in."""

    current_password: str | None = None
    signed_in_at: datetime | None = None


def require_proof(user: User, proof: Proof | None) -> None:
    """Raise `WrongPassword` unless the current password is right or, where none is given, the
    sign-in is a few minutes old; `TooManyAttempts` after too many wrong ones."""
    proof = proof or Proof()
    if proof.current_password is not None:
        check_current_password(user, proof.current_password)
    elif proof.signed_in_at is None:
        raise errors.WrongPassword(errors={"current_password": ["This field is required."]})
    elif proof.signed_in_at < database_now() - settings.FRESH_SIGN_IN:
        message = "Give your current password, or sign in again first."
        raise errors.WrongPassword(errors={"current_password": [message]})


def check_current_password(user: User, password: str) -> None:
    """Raise `WrongPassword`, and `TooManyAttempts`: a token is no leave to try passwords out."""
    account, address = f"user:{user.pk}", get_address_hash()
    attempts.check_attempts(account, address)
    if "\0" in password or not user.check_password(password):
        attempts.count_failure(account, address)
        raise errors.WrongPassword(errors={"current_password": [errors.WrongPassword.detail]})
    attempts.forget_failures(account, address)
