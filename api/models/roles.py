"""What somebody may do in which venue. People have a membership in each; whatever else acts (a key)
answers the same questions, so that views and services ask nobody what they are."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.models import AnonymousUser
from django.db import models


class Role(models.TextChoices):
    CUSTOMER = "customer", "Customer"
    STAFF = "staff", "Staff"
    ADMIN = "admin", "Admin"


STAFF_ROLES = frozenset((Role.STAFF.value, Role.ADMIN.value))


class Caller:
    """Who acts, with a role in each of some venues. Any other venue is one that they have nothing
    to do with. Each says its `roles` by venue id; an operator is the admin of every venue."""

    roles: Mapping[int, str]
    is_operator: bool
    person_id: int | None  # whose own rows are theirs too; None of who is no person
    slugs: Mapping[str, int] = {}  # ids of the venues, where authentication has read them

    def is_member_of(self, venue_id: int) -> bool:
        """Customers, staff and admins: one of the venue's people."""
        return self.is_operator or venue_id in self.roles

    def is_staff_of(self, venue_id: int) -> bool:
        """Staff and admins: may see and answer everybody's bookings there."""
        return self.is_operator or self.roles.get(venue_id) in STAFF_ROLES

    def is_admin_of(self, venue_id: int) -> bool:
        """May also change the people, the venue and its policy."""
        return self.is_operator or self.roles.get(venue_id) == Role.ADMIN

    def list_staff_venues(self) -> frozenset[int] | None:
        """The ids of the venues where they are staff; None is every venue."""
        if self.is_operator:
            return None
        return frozenset(pk for pk, role in self.roles.items() if role in STAFF_ROLES)

    def list_admin_venues(self) -> frozenset[int] | None:
        """As `list_staff_venues`, where they are admins."""
        if self.is_operator:
            return None
        return frozenset(pk for pk, role in self.roles.items() if role == Role.ADMIN)

    @property
    def is_staff_somewhere(self) -> bool:
        return self.list_staff_venues() != frozenset()

    @property
    def is_admin_somewhere(self) -> bool:
        return self.list_admin_venues() != frozenset()


class Nobody(Caller, AnonymousUser):
    """Whoever is not signed in as a person: anonymous callers, and panels."""

    roles: Mapping[int, str] = {}
    is_operator = False
    person_id = None
