"""Accounts, without those that were erased."""

from __future__ import annotations

from typing import Any, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, CharField, Count, F, Model, OuterRef, QuerySet, Value, When
from django.db.models.functions import Cast, Concat, Now

from api.errors import NotFound
from api.models import AccountChange, Membership, Role, User
from api.models.identifiers import build_key

Row = TypeVar("Row", bound=Model)


def list_people(venue_id: int) -> QuerySet[User]:
    """Those who have a role in the venue, by id, each with `role_here`."""
    people = User.objects.filter(erased_at=None, memberships__venue=venue_id)
    role = Case(When(is_superuser=True, then=Value(Role.ADMIN)), default=F("memberships__role"))
    rows: QuerySet[User] = people.annotate(role_here=role)  # type: ignore[no-redef]
    return rows.order_by("pk")


def annotate_staff(rows: QuerySet[Row], venue: str = "pk") -> Any:
    """The rows with the staff and admins of their venue, for `read_staff_roles`."""
    staff = Membership.objects.filter(venue=OuterRef(venue)).exclude(role=Role.CUSTOMER)
    text = Concat(Cast("user", CharField()), Value(":"), "role", output_field=CharField())
    return rows.annotate(staff=ArraySubquery(staff.order_by().values_list(text)))


def read_staff_roles(row: Any) -> dict[int, str]:
    """The roles of a venue's staff and admins by their ids."""
    pairs = (text.split(":") for text in row.staff)
    return {int(pk): role for pk, role in pairs}


def list_visible(user: User, venue_id: int) -> QuerySet[User]:
    """The people of the venue for an admin of it, oneself for anyone else, by id."""
    if user.is_admin_of(venue_id):
        return list_people(venue_id)
    return User.objects.filter(pk=user.pk)


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
    """How many of the venue's people there are in each role that anybody has; operators are admins
    everywhere."""
    rows = Membership.objects.filter(venue=venue_id, user__erased_at=None)
    role = Case(When(user__is_superuser=True, then=Value(Role.ADMIN)), default=F("role"))
    rows = rows.annotate(role_here=role).order_by("role_here")
    return dict(rows.values_list("role_here").annotate(Count("pk")))
