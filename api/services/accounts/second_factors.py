"""Second factors of an account: authenticator apps, passkeys and recovery codes. The rows are
django-allauth's."""

from __future__ import annotations

import uuid
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction

from api import errors
from api.models import User
from api.services.messages import notifications

from . import attempts
from .client_address import get_address_hash

CHANGES = {
    "totp_activated": "an authenticator app was added",
    "totp_deactivated": "the authenticator app was removed",
    "webauthn_added": "a passkey was added",
    "webauthn_removed": "a passkey was removed",
    "removed": "a second factor was removed by an operator",
    "recovery_codes_generated": "new recovery codes were made",
}


def tell_person(user: User, change: str) -> None:
    """Queue the letter about a change of the second factors; other changes have their own."""
    if change in CHANGES:
        key = f"email:second_factor_changed:{uuid.uuid4()}"
        notifications.email_user(user, "second_factor_changed", key, changed=CHANGES[change])


def check_code(user: User, code: str) -> None:
    """Raise `WrongCode` unless it is the authenticator app's at this moment, or a recovery code,
    which it uses up; `TooManyAttempts` after too many wrong ones."""
    account, address = f"code:{user.pk}", get_address_hash()
    attempts.check_attempts(account, address)
    with transaction.atomic():
        rows = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN)
        for row in rows.select_for_update(no_key=True):
            if row.wrap().validate_code(code):
                row.record_usage()
                break
        else:
            attempts.count_failure(account, address)
            raise errors.WrongCode
    attempts.forget_failures(account, address)


def list_factors(user: User) -> list[dict[str, Any]]:
    """What the person is told of each, nothing secret."""
    return [
        {
            "kind": row.type,
            "name": row.wrap().name if row.type == Authenticator.Type.WEBAUTHN else "",
            "created_at": row.created_at,
            "last_used_at": row.last_used_at,
        }
        for row in Authenticator.objects.filter(user=user).order_by("pk")
    ]


def remove(user: User, pk: int | None = None) -> int:
    """Remove the second factor, or all, of somebody who has lost theirs; they are told. How many
    rows there were: recovery codes go with the last of the others."""
    mine = Authenticator.objects.filter(user=user)
    with transaction.atomic():
        count: int = (mine if pk is None else mine.filter(pk=pk)).delete()[0]
        if not mine.exclude(type=Authenticator.Type.RECOVERY_CODES).exists():
            count += mine.delete()[0]
        if count:
            tell_person(user, "removed")
    return count
