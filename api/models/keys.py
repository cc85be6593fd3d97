"""API keys: how machines sign in. The secret is shown once and stored hashed."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .roles import Caller, Role
from .users import User


class Scope(models.TextChoices):
    READ = "read", "Reads what staff read"
    BOOK = "book", "Makes and answers for bookings"
    MANAGE = "manage", "Changes what staff change"


class ApiKey(models.Model):
    """A deleted key keeps its row, so that the audit log goes on naming it."""

    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=16, help_text="How its secret begins")
    secret_hash = models.CharField(max_length=64, unique=True)
    venue_ids = ArrayField(
        models.BigIntegerField(), help_text="Ids of venues, which are never deleted"
    )
    scopes = ArrayField(models.CharField(max_length=6, choices=Scope.choices))
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(
                condition=Q(scopes__contained_by=Scope.values, scopes__len__gt=0),
                name="key_scopes_are_known",
            ),
            models.CheckConstraint(condition=Q(venue_ids__len__gt=0), name="key_has_a_venue"),
        ]

    def __str__(self) -> str:
        return self.name


class KeyCaller(Caller):
    """A key as the caller of a request: staff of its venues as far as its scopes go, and no person.
    It has no `pk`, so that none is taken for a person's."""

    is_operator = False
    person_id = None
    is_authenticated, is_anonymous, is_active = True, False, True

    def __init__(self, key: ApiKey) -> None:
        self.key = key
        self.roles: Mapping[int, str] = dict.fromkeys(key.venue_ids, Role.STAFF.value)

    @property
    def name(self) -> str:
        return self.key.name
