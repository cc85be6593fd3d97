"""Addresses that are known to be read by the person: they followed a link of a letter to it."""

from __future__ import annotations

from django.db.models.functions import Now

from api import errors
from api.models import User

from . import links
from .memberships import accept_invitations

find_user = links.find_confirming_user


def confirm_address(token: str) -> None:
    """Verify the address that the link was sent to, if the account still has it. May be followed
    again. Raises `LinkRefused`."""
    user = find_user(token)
    same = (
        User.objects.filter(pk=user.pk, email_key=user.email_key) if user else User.objects.none()
    )
    if not same.update(email_verified_at=Now()):
        raise errors.LinkRefused(errors={"token": [errors.LinkRefused.detail]})
    accept_invitations(same.get())
