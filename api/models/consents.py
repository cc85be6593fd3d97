"""Texts that people agree to, by version, and who has."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from .users import User
from .venues import Venue


class ConsentText(models.Model):
    """One version of what a venue, or the whole instance, wants people to agree to. The latest one
    counts; none is ever changed."""

    venue = models.ForeignKey(
        Venue,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="consent_texts",
        db_index=False,
        help_text="None: the whole instance, asked when somebody registers",
    )
    version = models.PositiveIntegerField()
    text = models.TextField(help_text="Empty: nothing is asked any more")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["venue", "version"], name="consent_text_unique", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"text {self.version} of {self.venue or 'the instance'}"


class Consent(models.Model):
    """Somebody agreed to a text: an account, or somebody without one by an address."""

    text = models.ForeignKey(ConsentText, on_delete=models.PROTECT, related_name="consents")
    user = models.ForeignKey(
        User, null=True, on_delete=models.CASCADE, related_name="consents", db_index=False
    )
    email_key = models.CharField(max_length=254, blank=True)
    accepted_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "text", "email_key"], name="consent_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=models.Q(user=None) ^ models.Q(email_key=""), name="consent_is_of_one"
            ),
        ]

    def __str__(self) -> str:
        return f"consent {self.pk} to {self.text_id}"
