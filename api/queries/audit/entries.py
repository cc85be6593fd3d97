"""Reads the audit log."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet

from api.models import AuditEntry


def list_entries(venues: Collection[int] | None) -> QuerySet[AuditEntry]:
    """Those of the venues, or all of them for None; the last one first."""
    rows = AuditEntry.objects.select_related("venue", "user", "key")
    return rows if venues is None else rows.filter(venue__in=venues)
