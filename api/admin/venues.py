"""Venues with their hours and primetime windows, and resources."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import action

from api.models import PrimetimeWindow, Resource, User, Venue
from api.services.bookings.fit import fit_units
from api.services.reviews.review import review_bookings
from api.services.venues import hours, resources
from api.services.venues.venues import reconsider_later

from . import resource_week
from .base import (
    DURATIONS,
    HTTPS_URLS,
    EditableAdmin,
    OwnVenueFilter,
    VenueInline,
)
from .form_fields import build_weekday_field
from .hours import ExceptionInline, HoursInline, OwnExceptionInline, OwnHoursInline
from .reviews import warn_of_affected
from .venue_forms import ResourceForm, VenueForm

ADDED = ("more_amenities", "price", "other_prices")  # by the form of resources


class PrimetimeWindowInline(VenueInline):
    model = PrimetimeWindow
    extra = 0
    hide_title = True

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "weekday":
            return build_weekday_field()
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(Venue)
class VenueAdmin(EditableAdmin):
    change_role = "admin"
    form = VenueForm
    formfield_overrides = DURATIONS
    list_display = ("name", "slug", "time_zone", "approval", "opens_at", "closes_at")
    search_fields = ("name", "slug")
    inlines = (HoursInline, ExceptionInline, PrimetimeWindowInline)
    fieldsets = (
        (None, {"fields": ("slug", "name", "time_zone", "currency", "wording", "joining")}),
        (
            "Hours",
            {
                "fields": (
                    ("opens_at", "closes_at"),
                    "hours_enforced",
                    "closed_weekdays",
                    "holidays",
                    ("slot_length", "slot_rule", "slot_step"),
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
                    "series_no_show_limit",
                    ("check_in_opens_before", "check_in_closes_after"),
                    ("completion_from", "completion_after"),
                    "remind_before",
                    ("refund_until", "late_refund_percent"),
                )
            },
        ),
        (
            "Quotas of a person",
            {
                "fields": (
                    ("max_bookings_ahead", "max_hours_a_week"),
                    "max_open_requests",
                    ("no_shows_before_pause", "pause_length"),
                )
            },
        ),
        ("People", {"fields": ("second_factor_required", "retention")}),
        ("Panels", {"fields": ("panel_networks",)}),
        ("Emails", {"fields": (("send_confirmation_emails", "admin_email"),)}),
    )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Warn of the bookings that the venue and its hours, as they are now, break."""
        super().save_related(request, form, formsets, change)
        hours.clear_uniform_hours(form.instance)
        reconsider_later(form.instance)
        warn_of_affected(request, review_bookings(form.instance.pk))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Resource)
class ResourceAdmin(EditableAdmin):
    form = ResourceForm
    exclude = ("price_minor",)  # in its own unit by the form
    autocomplete_fields = ("user",)
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
    inlines = (OwnHoursInline, OwnExceptionInline)

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

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Warn of the bookings that the resource and its hours, as they are now, break."""
        super().save_related(request, form, formsets, change)
        obj = form.instance
        hours.clear_uniform_hours(obj)
        if change and "units" in form.changed_data:
            fit_units(obj)
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
