"""Venues, their windows and closures, and resources in the admin."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action

from api.models import Closure, PrimetimeWindow, Resource, User, Venue
from api.services import places

from . import weeks
from .reading import HTTPS


class Windows(TabularInline):
    model = PrimetimeWindow
    extra = 0


class Closures(TabularInline):
    model = Closure
    extra = 0


@admin.register(Venue)
class Venues(ModelAdmin):
    list_display = ("name", "slug", "time_zone", "approval", "opens_at", "closes_at")
    search_fields = ("name", "slug")
    inlines = (Windows, Closures)
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
                    ("check_in_required", "no_show_grace"),
                    ("check_in_opens_before", "check_in_closes_after"),
                    ("completion_from", "completion_after"),
                    "remind_before",
                    ("refund_until", "late_refund_percent"),
                )
            },
        ),
        ("Emails", {"fields": (("send_confirmation_emails", "admin_email"),)}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Resource)
class Resources(ModelAdmin):
    formfield_overrides = HTTPS
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

    @action(  # type: ignore[untyped-decorator]
        description="Week", url_path="week", icon="calendar_view_week", permissions=["view"]
    )
    def week(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return weeks.page(request, object_id)

    def save_model(self, request: HttpRequest, obj: Resource, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        places.tell([obj.pk])

    def delete_model(self, request: HttpRequest, obj: Resource) -> None:
        """Retired: its bookings stay."""
        places.retire([obj.pk], cast(User, request.user))

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        places.retire([place.pk for place in queryset], cast(User, request.user))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return [str(obj) for obj in objs], {}, set(), []
