"""The people of venues, and who is invited. Roles are changed by the service alone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest

from api.errors import Refusal
from api.models import Invitation, Membership
from api.rest.permissions import get_caller
from api.services.accounts import memberships

from .base import EditableAdmin, OwnVenueFilter, ReadOnlyAdmin


class MembershipForm(forms.ModelForm):
    """Cleaning it calls the service, so that a refusal is shown beside the fields."""

    request: HttpRequest  # set by the admin

    class Meta:
        model = Membership
        fields = ("user", "venue", "role")

    def clean(self) -> dict[str, Any]:
        values = dict(super().clean() or {})
        if self.instance.pk is not None and not self.errors:
            try:
                row = Membership.objects.select_related("user").get(pk=self.instance.pk)
                memberships.set_role(row, values["role"], by=get_caller(self.request))
            except Refusal as refusal:
                raise forms.ValidationError(refusal.detail, code=refusal.code) from None
        return values


@admin.register(Membership)
class MembershipAdmin(EditableAdmin):
    form = MembershipForm
    change_role = view_role = "admin"
    list_display = ("user", "venue", "role", "created_at")
    list_filter = (("venue", OwnVenueFilter), "role")
    list_select_related = ("user", "venue")
    search_fields = ("user__email", "user__first_name", "user__last_name")
    autocomplete_fields = ("user",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """An operator's: an admin invites by an address."""
        return get_caller(request).is_operator

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> Any:
        return () if obj is None else ("user", "venue", "created_at")

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        return type("Form", (form,), {"request": request})

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        try:
            memberships.remove(obj, by=get_caller(request))
        except Refusal as refusal:
            messages.error(request, refusal.detail)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for row in queryset.select_related("user"):
            self.delete_model(request, row)


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    view_role = "admin"
    list_display = ("email", "venue", "role", "invited_by", "created_at")
    list_filter = (("venue", OwnVenueFilter), "role")
    list_select_related = ("venue", "invited_by")
