"""Who waits for what, to be read; people join and leave by themselves."""

from __future__ import annotations

from django.contrib import admin

from api.models import WaitlistEntry

from .base import OwnVenueFilter
from .zones import LocalTimeAdmin, format_span


@admin.register(WaitlistEntry)
class WaitlistEntryAdmin(LocalTimeAdmin):
    kind = "waitlist"
    list_display = (
        *("id", "venue", "owner", "resource", "pool", "service", "when"),
        *("duration", "quantity", "status", "created_at"),
    )
    list_filter = ("status", ("venue", OwnVenueFilter))
    date_hierarchy = "from_at"
    list_select_related = ("venue", "owner", "resource", "pool", "service")
    search_fields = ("owner__email", "owner__first_name", "owner__last_name", "resource__name")

    @admin.display(description="When, there", ordering="from_at")
    def when(self, entry: WaitlistEntry) -> str:
        return format_span(entry.from_at, entry.until_at, entry.venue.zone)
