"""The memory of webhooks received: each id is worked on once while it is remembered."""

from __future__ import annotations

from django.conf import settings
from django.db.models.functions import Now

from api.models import StripeEvent


def prune() -> int:
    """Forgets those done with that came longer ago than a sender repeats them."""
    old = Now() - settings.KEEP_STRIPE_EVENTS
    return StripeEvent.objects.filter(received_at__lt=old, finished_at__isnull=False).delete()[0]
