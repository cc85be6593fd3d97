"""Venues with their primetime windows and closures, and resources."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action

from api.models import Closure, PrimetimeWindow, Resource, User, Venue
from api.services.venues import resources, venues

from . import resource_week
from .base import HTTPS_URLS

MAX_LISTED = 20


class PrimetimeWindowInline(TabularInline):
    model = PrimetimeWindow
    extra = 0


class ClosureInline(TabularInline):
    model = Closure
    extra = 0


@admin.register(Venue)
class VenueAdmin(ModelAdmin):
    list_display = ("name", "slug", "time_zone", "approval", "opens_at", "closes_at")
    search_fields = ("name", "slug")
    inlines = (PrimetimeWindowInline, ClosureInline)
    fieldsets = (
        (None, {"fields": ("slug", "name", "time_zone", "currency", "wording")}),
        (
            "Hours",
            {
                "fields": (
                    ("opens_at", "closes_at"),
                    "hours_enforced",
                    "closed_weekdays",
                    ("slot_length", "slot_rule"),
                )
            },
        ),
        (
            "Policy",
            {
                "fields": (
                    ("approval", "primetime_any_overlap"),
                    ("min_notice", "max_advance", "same_day_allowed"),
                    ("hold_length", "max_open_holds"),
                    ("check_in_required", "no_show_grace", "grace_from_booking"),
                    ("check_in_opens_before", "check_in_closes_after"),
                    ("completion_from", "completion_after"),
                    "remind_before",
                    ("refund_until", "late_refund_percent"),
                )
            },
        ),
        ("Panels", {"fields": ("panel_networks",)}),
        ("Emails", {"fields": (("send_confirmation_emails", "admin_email"),)}),
    )

    def save_model(self, request: HttpRequest, obj: Venue, form: Any, change: bool) -> None:
        """Warn of the bookings whose local time another time zone changes; none is moved."""
        super().save_model(request, obj, form, change)
        before = form.initial.get("time_zone") or obj.time_zone
        if change and (shifted := venues.list_shifted_bookings(obj, before)):
            messages.warning(request, _format_shifted(shifted))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _format_shifted(shifted: Sequence[dict[str, Any]]) -> str:
    rows = format_html_join(
        "",
        '<br><a href="{}" class="underline">{}</a>: was {}, is {}',
        (
            (reverse("admin:api_booking_change", args=[row["id"]]), row["id"], *_format_times(row))
            for row in shifted[:MAX_LISTED]
        ),
    )
    more = format_html("<br>and {} more", len(shifted) - MAX_LISTED) if shifted[MAX_LISTED:] else ""
    return format_html(
        "The time zone changed and no booking was moved: the wall time of {} ahead is another one"
        " now.{}{}",
        len(shifted),
        rows,
        more,
    )


def _format_times(row: dict[str, Any]) -> list[str]:
    return [f"{datetime.fromisoformat(row[name]):%a %d %b %Y, %H:%M}" for name in ("was", "is")]


@admin.register(Resource)
class ResourceAdmin(ModelAdmin):
    formfield_overrides = HTTPS_URLS
    list_display = (
        *("name", "venue", "building", "floor", "capacity", "is_available", "maintenance"),
        "calendar",
    )
    list_filter = ("venue", "is_available", "maintenance")
    search_fields = ("name", "building", "description")
    list_select_related = ("venue",)
    readonly_fields = ("retired_at", "created_at", "updated_at")
    actions_detail = ("week",)

    @admin.display(description="calendar")
    def calendar(self, resource: Resource) -> str:
        address = reverse("admin:api_resource_week", args=[resource.pk])
        return format_html('<a href="{}">Week</a>', address)

    @action(  # type: ignore[untyped-decorator]  # unfold has no types
        description="Week", url_path="week", icon="calendar_view_week", permissions=["view"]
    )
    def week(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return resource_week.show_week(request, object_id)

    def save_model(self, request: HttpRequest, obj: Resource, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        resources.announce_changes([obj.pk])

    def delete_model(self, request: HttpRequest, obj: Resource) -> None:
        """Retire it: its bookings stay."""
        resources.retire_resources([obj.pk], cast(User, request.user))

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        resources.retire_resources([resource.pk for resource in queryset], cast(User, request.user))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return [str(obj) for obj in objs], {}, set(), []
