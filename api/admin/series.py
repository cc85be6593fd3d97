"""Series: read here, and cancelled, approved or resumed as a whole by the services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline

from api.errors import Refusal
from api.models import Booking, Series
from api.rest.permissions import get_caller
from api.services.actors import Actor
from api.services.series.actions import approve_series, cancel_series
from api.services.series.no_shows import resume_series

from .base import OwnVenueFilter
from .zones import LocalTimeAdmin


class OccurrenceInline(TabularInline):
    model = Booking
    verbose_name_plural = "occurrences"
    fields = readonly_fields = ("recurrence_id", "starts_at", "ends_at", "resource", "status")
    ordering = ("recurrence_id", "pk")
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        rows: QuerySet[Booking] = super().get_queryset(request)
        return rows.select_related("resource")


@admin.register(Series)
class SeriesAdmin(LocalTimeAdmin):
    kind = "series"
    list_display = ("id", "venue", "resource", "service", "owner", "rule", "first_on", "ended_at")
    list_filter = (("venue", OwnVenueFilter), "ended_because")
    list_select_related = ("venue", "resource", "service", "owner")
    search_fields = ("id", "title", "resource__name", "owner__email", "owner__last_name")
    exclude = ("missed", "ended_bookings")
    inlines = (OccurrenceInline,)
    actions = ("approve_all", "cancel_all", "resume_all")

    @admin.action(description="Approve the requests")
    def approve_all(self, request: HttpRequest, rows: QuerySet[Series]) -> None:
        _apply(request, rows, approve_series)

    @admin.action(description="Cancel what is ahead")
    def cancel_all(self, request: HttpRequest, rows: QuerySet[Series]) -> None:
        _apply(request, rows, cancel_series)

    @admin.action(description="Resume after no-shows")
    def resume_all(self, request: HttpRequest, rows: QuerySet[Series]) -> None:
        _apply(request, rows, resume_series)


def _apply(
    request: HttpRequest, rows: QuerySet[Series], act: Callable[[int, Actor], Series]
) -> None:
    """Does it to each, and leaves a message that says what came of it."""
    for row in rows.order_by("pk"):
        try:
            act(row.pk, Actor.in_venue(get_caller(request), row.venue_id))
        except Refusal as refusal:
            messages.warning(request, f"Series {row.pk}: {refusal.detail}")
        else:
            messages.success(request, f"Series {row.pk}: done.")
