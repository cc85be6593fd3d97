"""Pools and services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline

from api.models import Need, Pool, Resource, Service, ServiceDuration
from api.queries.accounts.scope import limit_to_staff
from api.rest.permissions import get_caller

from .base import EditableAdmin, OwnVenueFilter


class PoolForm(forms.ModelForm):
    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        venue = cleaned.get("venue") or self.instance.venue
        if any(row.venue_id != venue.pk for row in cleaned.get("resources", ())):
            raise ValidationError({"resources": "All must be of its venue."})
        return cleaned


class OfferAdmin(EditableAdmin):
    """A row stays with its venue, and is removed by the API alone, which retires what is in use."""

    list_display = ("name", "venue", "retired_at")
    list_filter = (("venue", OwnVenueFilter),)
    list_select_related = ("venue",)
    search_fields = ("name",)
    readonly_fields = ("retired_at", "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj is None else ("venue", *self.readonly_fields)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Pool)
class PoolAdmin(OfferAdmin):
    form = PoolForm
    filter_horizontal = ("resources",)

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        rows: QuerySet[Resource] = Resource.objects.filter(retired_at=None).select_related("venue")
        kwargs["queryset"] = limit_to_staff(rows, get_caller(request))
        return super().formfield_for_manytomany(db_field, request, **kwargs)


class DurationInline(TabularInline):
    model = ServiceDuration
    extra = 0


class NeedFormSet(forms.models.BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            pool = getattr(form, "cleaned_data", {}).get("pool")
            if pool is not None and pool.venue_id != self.instance.venue_id:
                raise ValidationError("All pools must be of its venue.")


class NeedInline(TabularInline):
    model = Need
    formset = NeedFormSet
    extra = 0

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        kwargs["queryset"] = limit_to_staff(Pool.objects.all(), get_caller(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Service)
class ServiceAdmin(OfferAdmin):
    inlines = (DurationInline, NeedInline)
