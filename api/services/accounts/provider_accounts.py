"""Accounts at an OpenID Connect provider, and whose they are here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import IntegrityError, transaction

from api import errors
from api.models import User
from api.models.identifiers import build_key

from . import accounts
from .memberships import accept_invitations


def is_configured() -> bool:
    return bool(settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"])


def has_second_factor(data: Mapping[str, Any]) -> bool:
    """Whether the provider says in the id token that it asked for one (RFC 8176)."""
    methods = (data.get("id_token") or {}).get("amr")
    return isinstance(methods, list) and "mfa" in methods


def join(account: SocialAccount, verified: str, first_name: str, last_name: str) -> User:
    """Return the account that this new one of a provider signs in to from now on: that of the
    address, if both sides have verified it, or a new one. `verified` is the address that the
    provider vouches for, or empty.

    Raises `ProviderRefused`, `Invalid` and `EmailTaken`. Of two at once one makes the account.
    """
    if not verified:
        raise errors.ProviderRefused("The provider does not vouch for an e-mail address.")
    user = User.objects.filter(email_key=build_key(verified), erased_at=None).first()
    if user is None:
        user = accounts.register(
            email=verified,
            password=None,
            verified=True,
            first_name=first_name[:150],
            last_name=last_name[:150],
        )
    elif user.email_verified_at is None:
        raise errors.ProviderRefused(
            "There is an account with this address, but nobody has confirmed it. Sign in with its "
            "password, or ask for a new one: its link confirms the address. Then try again."
        )
    else:
        accept_invitations(user)
    account.user = user
    try:
        with transaction.atomic():
            account.save()
    except IntegrityError:  # another tab was first
        user = SocialAccount.objects.get(provider=account.provider, uid=account.uid).user
    return user
