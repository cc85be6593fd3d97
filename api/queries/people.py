"""People as others may count and find them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count

from api.errors import NotFound
from api.models import User


def one(pk: int) -> User:
    """The account; refuses `NotFound`, also for one that was erased."""
    user = User.objects.filter(pk=pk, erased_at=None).first()
    if user is None:
        raise NotFound
    return user


def by_role() -> dict[str, int]:
    """How many accounts there are in each role that anybody has."""
    rows = User.objects.filter(erased_at=None).order_by("role").values_list("role")
    return dict(rows.annotate(Count("pk")))


def addresses(ids: Iterable[int]) -> dict[int, str]:
    """E-mail addresses by id."""
    wanted = set(ids)
    return dict(User.objects.filter(pk__in=wanted).values_list("pk", "email")) if wanted else {}
