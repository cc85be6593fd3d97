"""Reads API keys."""

from __future__ import annotations

from django.db.models import QuerySet

from api.models import ApiKey, Caller, Venue
from api.queries.accounts.scope import limit_to_admin


def list_keys() -> QuerySet[ApiKey]:
    """Those that were not deleted, the newest first; whose they are, the view says."""
    return ApiKey.objects.filter(revoked_at=None)


def list_slugs(caller: Caller) -> dict[int, str]:
    """The slugs of the caller's venues, by id."""
    return dict(limit_to_admin(Venue.objects.all(), caller).values_list("pk", "slug"))
