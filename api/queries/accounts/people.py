"""Accounts, without those that were erased."""

from __future__ import annotations

from django.db.models import Count, QuerySet
from django.db.models.functions import Now

from api.errors import NotFound
from api.models import AccountChange, Membership, User
from api.models.identifiers import build_key


def list_people(venue_id: int) -> QuerySet[User]:
    """Those who have a role in the venue, by id, with all their roles."""
    people = User.objects.filter(erased_at=None, memberships__venue=venue_id)
    return people.order_by("pk").prefetch_related("memberships")


def list_visible(user: User, venue_id: int) -> QuerySet[User]:
    """The people of the venue for an admin of it, oneself for anyone else, by id."""
    if user.is_admin_of(venue_id):
        return list_people(venue_id)
    return User.objects.filter(pk=user.pk).prefetch_related("memberships")


def get_visible(user: User, pk: int, venue_id: int) -> User:
    """Raises `NotFound`, also when `user` may not see that account. Everybody sees their own."""
    rows = list_visible(user, venue_id) if pk != user.pk else User.objects.all()
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def has_username(username: str, but: int = 0) -> bool:
    """Whether anybody but `but` has this username, however it is spelt."""
    return User.objects.filter(username_key=build_key(username)).exclude(pk=but).exists()


def has_email(email: str, but: int = 0) -> bool:
    """Whether anybody but `but` has this address, however it is spelt, or can have it back."""
    key = build_key(email)
    had = AccountChange.objects.filter(email_key=key, undone_at=None, expires_at__gt=Now())
    return (
        User.objects.filter(email_key=key).exclude(pk=but).exists()
        or had.exclude(user=but).exists()
    )


def count_by_role(venue_id: int) -> dict[str, int]:
    """How many of the venue's people there are in each role that anybody has."""
    rows = Membership.objects.filter(venue=venue_id, user__erased_at=None)
    return dict(rows.order_by("role").values_list("role").annotate(Count("pk")))
