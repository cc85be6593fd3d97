"""What several admins share. Whoever enters the site is staff of some venue: every page, list,
choice and action is limited to the rows of theirs, here."""

from __future__ import annotations

from typing import Any, Literal

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from api.models import Caller, Venue
from api.queries.accounts.scope import limit_to_admin, limit_to_staff
from api.rest.permissions import get_caller

from .form_fields import DurationField, DurationWidget

HTTPS_URLS: dict[Any, Any] = {models.URLField: {"assume_scheme": "https"}}

DURATIONS: dict[Any, Any] = {
    models.DurationField: {"form_class": DurationField, "widget": DurationWidget}
}


def limit_to_caller(rows: QuerySet[Any], caller: Caller, role: str = "staff") -> QuerySet[Any]:
    """The rows of the venues where the caller has the role; of a model that belongs to no venue, an
    operator's alone."""
    return (limit_to_admin if role == "admin" else limit_to_staff)(rows, caller)


class ScopedAdmin(ModelAdmin):
    """Shows the rows of the venues where one is staff, and lets those be changed where one has the
    `change_role`."""

    view_role: Literal["staff", "admin"] = "staff"
    change_role: Literal["staff", "admin"] = "staff"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return limit_to_caller(rows, get_caller(request), self.view_role)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._may_change(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._may_change(request, obj)

    def _may_change(self, request: HttpRequest, obj: Any) -> bool:
        if obj is None:
            return True
        row = type(obj)._default_manager.filter(pk=obj.pk)
        return limit_to_caller(row, get_caller(request), self.change_role).exists()

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """The choices are rows that one could see on their own page."""
        rows = kwargs.get("queryset", db_field.remote_field.model._default_manager.all())
        role = self.change_role if rows.model._meta.label_lower == "api.venue" else "staff"
        kwargs["queryset"] = limit_to_caller(rows, get_caller(request), role)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class OwnVenueFilter(admin.RelatedFieldListFilter):
    """Offers the venues where one is staff."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        venues = get_caller(request).list_staff_venues()
        limit = {} if venues is None else {"pk__in": venues}
        ordering = self.field_admin_ordering(field, request, model_admin)
        return field.get_choices(include_blank=False, ordering=ordering, limit_choices_to=limit)


class EditableAdmin(ScopedAdmin):
    """Rows that are added and changed here."""

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Nothing: Django would take first values from the address, and fails on what fits no
        field. No page here links with any."""
        return {}


class ReadOnlyAdmin(ScopedAdmin):
    """Rows that nobody adds, changes or deletes by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class VenueInline(TabularInline):
    """Rows of a venue, changed by its admins."""

    def has_add_permission(self, request: HttpRequest, obj: Any) -> bool:
        return super().has_add_permission(request, obj) and _is_admin_of(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _is_admin_of(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _is_admin_of(request, obj)


def _is_admin_of(request: HttpRequest, venue: Any) -> bool:
    return not isinstance(venue, Venue) or get_caller(request).is_admin_of(venue.pk)
