"""The audit log: what staff, admins, operators and keys wrote, and whose data they looked at.

Triggers write an entry for each row that is changed on behalf of one of them, in the transaction of
the change, and compute the digests; nothing but the erasure of a person's data changes an entry
afterwards (`migrations/sql/audit.sql`). Seals chain the digests (`services.audit.sealing`).
"""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now

from .keys import ApiKey
from .users import User
from .venues import Venue


class AuditKind(models.TextChoices):
    OPERATOR = "operator", "Operator"
    ADMIN = "admin", "Admin"
    STAFF = "staff", "Staff"
    KEY = "key", "API key"


class AuditEntry(models.Model):
    """Rows of other tables are named, not referred to: they may go, the entry stays."""

    at = models.DateTimeField(db_default=Now())
    venue = models.ForeignKey(
        Venue,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    kind = models.CharField(max_length=8, choices=AuditKind.choices)
    user = models.ForeignKey(
        User,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    key = models.ForeignKey(
        ApiKey,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    action = models.CharField(max_length=20)
    object = models.CharField(max_length=200, help_text="As booking:12")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    salt = models.UUIDField(null=True, help_text="Hides what is erased from who tries out its hash")
    content_digest = models.BinaryField(default=b"", help_text="Of salt, before and after")
    digest = models.BinaryField(default=b"", help_text="Of all the rest")

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index("venue", "id", name="audit_by_venue"),
            models.Index("user", "id", name="audit_by_user"),
            models.Index("object", "id", name="audit_by_object"),
            BrinIndex(fields=["at"], name="audit_by_time"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=AuditKind.values), name="audit_kind_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object}"


class AuditSeal(models.Model):
    """One link of the chain: `hash` is of the hash before it and the entry's digest."""

    position = models.BigIntegerField(primary_key=True)
    entry = models.OneToOneField(
        AuditEntry, on_delete=models.DO_NOTHING, related_name="seal", db_constraint=False
    )
    hash = models.BinaryField()
    sealed_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.position} {bytes(self.hash).hex()}"
