"""Who waits for what, to be read; people join and leave by themselves."""

from __future__ import annotations

from django.contrib import admin

from api.models import WaitlistEntry

from .base import OwnVenueFilter, ReadOnlyAdmin


@admin.register(WaitlistEntry)
class WaitlistEntryAdmin(ReadOnlyAdmin):
    list_display = (
        *("id", "venue", "owner", "resource", "pool", "service", "from_at", "until_at"),
        *("duration", "quantity", "status", "created_at"),
    )
    list_filter = ("status", ("venue", OwnVenueFilter))
    date_hierarchy = "from_at"
    list_select_related = ("venue", "owner", "resource", "pool", "service")
    search_fields = ("owner__email", "owner__first_name", "owner__last_name", "resource__name")
