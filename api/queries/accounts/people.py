"""Accounts, without those that were erased."""

from __future__ import annotations

from django.db.models import Count, QuerySet
from django.db.models.functions import Now

from api.errors import NotFound
from api.models import AccountChange, User
from api.models.identifiers import build_key


def list_visible(user: User) -> QuerySet[User]:
    """Everybody for an admin, oneself for anyone else, by id."""
    people = User.objects.filter(erased_at=None).order_by("pk")
    return people if user.is_admin else people.filter(pk=user.pk)


def get_visible(user: User, pk: int) -> User:
    """Raises `NotFound`, also when `user` may not see that account."""
    found = list_visible(user).filter(pk=pk).first()
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


def count_users() -> int:
    return User.objects.filter(erased_at=None).count()


def get_user(pk: int) -> User:
    """Raises `NotFound`, also for an account that was erased."""
    user = User.objects.filter(pk=pk, erased_at=None).first()
    if user is None:
        raise NotFound
    return user


def count_by_role() -> dict[str, int]:
    """How many accounts there are in each role that anybody has."""
    rows = User.objects.filter(erased_at=None).order_by("role").values_list("role")
    return dict(rows.annotate(Count("pk")))
