"""Door panels: a device bound to one room. Its token is shown once and stored hashed."""

from django.db import models
from django.db.models.functions import Now

from .resources import Resource
from .users import User


class Panel(models.Model):
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="panels")
    name = models.CharField(max_length=120, blank=True)
    token_hash = models.CharField(max_length=64, null=True, blank=True, unique=True)
    code_hash = models.CharField(max_length=64, null=True, blank=True, unique=True)
    code_expires_at = models.DateTimeField(null=True, blank=True)
    paired_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name or f"panel {self.pk}"
