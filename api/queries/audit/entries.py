"""Reads the audit log."""

from __future__ import annotations

from django.db.models import QuerySet

from api.models import AuditEntry


def list_entries() -> QuerySet[AuditEntry]:
    """All of them, the last one first; whose they are, the view says."""
    return AuditEntry.objects.select_related("venue", "user", "key")
