"""Pools and services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminDecimalFieldWidget

from api import money
from api.models import Need, Pool, Resource, Service, ServiceDuration
from api.queries.accounts.scope import limit_to_staff
from api.rest.permissions import get_caller

from .base import DURATIONS, EditableAdmin, OwnVenueFilter
from .rates import PriceField
from .venue_forms import TextsMixin

SERVICE_TEXTS = {
    "buffer_before": ("Kept free before a booking", "A resource's own counts if it is longer."),
    "buffer_after": ("Kept free after a booking", "A resource's own counts if it is longer."),
}


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
    list_display = ("name", "venue", "members", "retired_at")

    def get_form(self, request: HttpRequest, obj: Pool | None = None, **kwargs: Any) -> Any:
        """Of a pool that is there, the resources of its venue are to choose from."""
        form = super().get_form(request, obj, **kwargs)
        if obj is not None and "resources" in form.base_fields:
            rows = form.base_fields["resources"].queryset
            form.base_fields["resources"].queryset = rows.filter(venue=obj.venue_id)
        return form

    def get_queryset(self, request: HttpRequest) -> QuerySet[Pool]:
        return super().get_queryset(request).prefetch_related("resources")

    @admin.display(description="Resources")
    def members(self, pool: Pool) -> str:
        return ", ".join(sorted(row.name for row in pool.resources.all() if not row.retired_at))

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        rows: QuerySet[Resource] = Resource.objects.filter(retired_at=None).select_related("venue")
        rows = rows.order_by("venue", "name", "pk")
        kwargs["queryset"] = limit_to_staff(rows, get_caller(request))
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)


class DurationFormSet(forms.models.BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        currency = self.instance.venue.currency if self.instance.venue_id else ""
        for form in self.forms:
            if currency and "price" in getattr(form, "cleaned_data", {}):
                form.take_price(currency)


class ServiceDurationForm(forms.ModelForm[ServiceDuration]):
    """The price is in the currency's own unit."""

    price = PriceField(required=False, widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}))

    class Meta:
        model = ServiceDuration
        fields = ("duration",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            currency = self.instance.service.venue.currency
            self.initial["price"] = money.to_major(self.instance.price_minor, currency)

    def take_price(self, currency: str) -> None:
        """What its currency is the service says, which is read beside it."""
        try:
            minor = PriceField().to_minor(self.cleaned_data["price"], currency)
        except ValidationError as error:
            self.add_error("price", error)
        else:
            self.instance.price_minor = minor


class DurationInline(TabularInline):
    model = ServiceDuration
    form = ServiceDurationForm
    formset = DurationFormSet
    formfield_overrides = DURATIONS
    fields = ("duration", "price")
    hide_title = True
    verbose_name_plural = "how long it may last, and what that costs"
    extra = 1
    min_num = 1


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
    hide_title = True
    verbose_name_plural = "what a booking takes: so many of a pool"
    extra = 1
    min_num = 1

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        kwargs["queryset"] = limit_to_staff(Pool.objects.all(), get_caller(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class ServiceForm(TextsMixin, forms.ModelForm[Service]):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.apply_texts(SERVICE_TEXTS)


@admin.register(Service)
class ServiceAdmin(OfferAdmin):
    form = ServiceForm
    formfield_overrides = DURATIONS
    inlines = (DurationInline, NeedInline)
