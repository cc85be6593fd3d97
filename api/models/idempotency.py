"""Responses stored for requests that are repeated with the same Idempotency-Key."""

from django.db import models
from django.db.models.functions import Now


class IdempotencyKey(models.Model):
    scope = models.CharField(max_length=80, help_text="Who asked: a person or an address")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="Of method, path and body")
    status = models.PositiveSmallIntegerField()
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint("scope", "key", name="idempotency_key_once")]
        indexes = [models.Index("created_at", name="idempotency_age")]

    def __str__(self) -> str:
        return self.key
