from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, StackedInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm
from unfold.widgets import UnfoldAdminPasswordWidget

from api.models import User, UserProfile
from api.services.accounts import erasure

from .base import HTTPS_URLS


class UserCreationForm(forms.ModelForm):
    password = forms.CharField(widget=UnfoldAdminPasswordWidget)

    class Meta:
        model = User
        fields = ("email", "role", "first_name", "last_name")

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def save(self, commit: bool = True) -> Any:
        user = super().save(commit=False)
        user.set_password(self.cleaned_data["password"])
        if commit:
            user.save()
        return user


class UserProfileInline(StackedInline):
    model = UserProfile
    formfield_overrides = HTTPS_URLS
    can_delete = False


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "role", "is_active", "date_joined")
    list_filter = ("role", "is_active")
    search_fields = ("email", "username", "first_name", "last_name")
    ordering = ("id",)
    readonly_fields = ("date_joined", "last_login", "erased_at")
    filter_horizontal = ()
    inlines = (UserProfileInline,)
    add_form = UserCreationForm
    add_fieldsets = ((None, {"fields": ("email", "password", "role", "first_name", "last_name")}),)
    fieldsets = (
        (None, {"fields": ("email", "username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "phone", "department")}),
        ("May", {"fields": ("role", "is_superuser", "is_active")}),
        ("Dates", {"fields": ("date_joined", "last_login", "erased_at")}),
    )

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        return self.inlines if obj is not None else ()

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """Erase the account instead of deleting it: its bookings stay, without a name."""
        erasure.erase_account(obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for user in queryset:
            erasure.erase_account(user)
