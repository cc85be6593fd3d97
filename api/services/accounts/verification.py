"""Addresses that are known to be read by the person: they followed a link of a letter to it."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from api import errors
from api.models import User
from api.services.bookings.guests import join_bookings

from . import links
from .memberships import accept_invitations

find_user = links.find_confirming_user


def confirm_address(token: str) -> None:
    """Verify the address that the link was sent to, if the account still has it; what was booked
    with it as a guest joins the account. May be followed again. Raises `LinkRefused`."""
    user = find_user(token)
    same = (
        User.objects.filter(pk=user.pk, email_key=user.email_key) if user else User.objects.none()
    )
    with transaction.atomic():
        if not same.update(email_verified_at=Now()):
            raise errors.LinkRefused(errors={"token": [errors.LinkRefused.detail]})
        person = same.get()
        accept_invitations(person)
        join_bookings(person)
