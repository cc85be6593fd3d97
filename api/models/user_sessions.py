"""Where people are signed in."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from .users import User


class UserSession(models.Model):
    """One sign-in that goes on: a browser's session, or a family of refresh tokens."""

    class Kind(models.TextChoices):
        BROWSER = "browser", "A browser's session"
        TOKENS = "tokens", "Tokens of an API"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    key = models.CharField(max_length=64)
    contract = models.CharField(max_length=20, blank=True)
    methods = ArrayField(models.CharField(max_length=8), default=list)
    user_agent = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    last_used_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index("expires_at", name="user_session_by_expiry")]
        constraints = [
            models.UniqueConstraint(fields=["key"], name="user_session_key_unique"),
            models.CheckConstraint(
                condition=models.Q(kind__in=("browser", "tokens")),
                name="user_session_kind_known",
            ),
        ]

    def __str__(self) -> str:
        return f"session {self.pk} of {self.user_id}"
