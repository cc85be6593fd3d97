"""Venues with their primetime windows and closures, and resources."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import TabularInline
from unfold.decorators import action

from api.models import Closure, PrimetimeWindow, Resource, User, Venue
from api.rest.permissions import get_caller
from api.services.reviews.review import review_bookings
from api.services.venues import resources

from . import resource_week
from .base import DURATIONS, HTTPS_URLS, EditableAdmin, OwnVenueFilter
from .form_fields import build_weekday_field
from .reviews import warn_of_affected
from .venue_forms import ResourceForm, VenueForm

ADDED = ("more_amenities", "price")  # by the form of resources


class VenueInline(TabularInline):
    """Rows of a venue, changed by its admins."""

    def has_add_permission(self, request: HttpRequest, obj: Any) -> bool:
        return super().has_add_permission(request, obj) and _is_admin_of(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _is_admin_of(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _is_admin_of(request, obj)


def _is_admin_of(request: HttpRequest, venue: Venue | None) -> bool:
    return venue is None or get_caller(request).is_admin_of(venue.pk)


class PrimetimeWindowInline(VenueInline):
    model = PrimetimeWindow
    extra = 0
    hide_title = True

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "weekday":
            return build_weekday_field()
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class ClosureInline(VenueInline):
    model = Closure
    extra = 0


@admin.register(Venue)
class VenueAdmin(EditableAdmin):
    change_role = "admin"
    form = VenueForm
    formfield_overrides = DURATIONS
    list_display = ("name", "slug", "time_zone", "approval", "opens_at", "closes_at")
    search_fields = ("name", "slug")
    inlines = (PrimetimeWindowInline, ClosureInline)
    fieldsets = (
        (None, {"fields": ("slug", "name", "time_zone", "currency", "wording", "joining")}),
        (
            "Hours",
            {
                "fields": (
                    ("opens_at", "closes_at"),
                    "hours_enforced",
                    "closed_weekdays",
                    ("slot_length", "slot_rule"),
                    "capacity_enforced",
                )
            },
        ),
        (
            "Policy",
            {
                "fields": (
                    ("approval", "primetime_any_overlap"),
                    ("min_notice", "max_advance"),
                    "same_day_allowed",
                    ("hold_length", "max_open_holds"),
                    ("check_in_required", "no_show_grace"),
                    "grace_from_booking",
                    ("check_in_opens_before", "check_in_closes_after"),
                    ("completion_from", "completion_after"),
                    "remind_before",
                    ("refund_until", "late_refund_percent"),
                )
            },
        ),
        ("People", {"fields": ("second_factor_required", "retention")}),
        ("Panels", {"fields": ("panel_networks",)}),
        ("Emails", {"fields": (("send_confirmation_emails", "admin_email"),)}),
    )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Warn of the bookings that the venue and its closures, as they are now, break."""
        super().save_related(request, form, formsets, change)
        warn_of_affected(request, review_bookings(form.instance.pk))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Resource)
class ResourceAdmin(EditableAdmin):
    form = ResourceForm
    exclude = ("price_minor",)  # in its own unit by the form
    formfield_overrides = HTTPS_URLS | DURATIONS
    list_display = (
        *("name", "venue", "building", "floor", "capacity", "is_available", "maintenance"),
        "calendar",
    )
    list_filter = (("venue", OwnVenueFilter), "is_available", "maintenance")
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

    def get_fields(self, request: HttpRequest, obj: Resource | None = None) -> Any:
        """What the form adds stands beside what it belongs to."""
        names = [name for name in super().get_fields(request, obj) if name not in ADDED]
        after = names.index("amenities") + 1 if "amenities" in names else len(names)
        return [*names[:after], *ADDED, *names[after:]]

    def get_readonly_fields(self, request: HttpRequest, obj: Resource | None = None) -> Any:
        """A resource stays with its venue: its bookings would have other rules."""
        return self.readonly_fields if obj is None else ("venue", *self.readonly_fields)

    def save_model(self, request: HttpRequest, obj: Resource, form: Any, change: bool) -> None:
        """Warn of the bookings that the resource, as it is now, breaks."""
        super().save_model(request, obj, form, change)
        warn_of_affected(request, review_bookings(obj.venue_id, [obj.pk]))
        resources.announce_changes([obj.pk])

    def delete_model(self, request: HttpRequest, obj: Resource) -> None:
        """Retire it: its bookings stay."""
        self.delete_queryset(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        places, user = [resource.pk for resource in queryset], cast(User, request.user)
        warn_of_affected(request, resources.retire_resources(places, user))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return [str(obj) for obj in objs], {}, set(), []
