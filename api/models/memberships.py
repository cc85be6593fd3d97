"""The people of a venue. One account has a role in any number of venues; who has no row has nothing
to do with the venue, and rights end with the row."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from .roles import Role
from .users import User
from .venues import Venue


class Membership(models.Model):
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="memberships", db_index=False
    )
    venue = models.ForeignKey(Venue, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.CUSTOMER)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "venue"], name="membership_unique"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="membership_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role} of {self.venue_id}"


class Invitation(models.Model):
    """To an address that has no account: it becomes a member with the role on registering, once the
    address is verified. One address has one invitation to a venue, the last."""

    venue = models.ForeignKey(
        Venue, on_delete=models.CASCADE, related_name="invitations", db_index=False
    )
    email = models.EmailField(max_length=254)
    email_key = models.CharField(max_length=254, editable=False)
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.CUSTOMER)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index("email_key", name="invitation_by_email")]
        constraints = [
            models.UniqueConstraint(fields=["venue", "email_key"], name="invitation_unique"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="invitation_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} as {self.role} of {self.venue_id}"
