from __future__ import annotations

import copy
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from unfold.admin import StackedInline

from api.models import User, UserProfile
from api.services.accounts import erasure

from .base import HTTPS_URLS, EditableAdmin
from .user_forms import OwnPasswordForm, PasswordForm, PersonForm, UserCreationForm


class UserProfileInline(StackedInline):
    model = UserProfile
    formfield_overrides = HTTPS_URLS
    can_delete = False


@admin.register(User)
class UserAdmin(DjangoUserAdmin, EditableAdmin):
    form = PersonForm
    change_password_form = PasswordForm
    list_display = ("email", "name", "is_active", "date_joined")
    list_filter = ("is_active",)
    search_fields = ("email", "username", "first_name", "last_name")
    ordering = ("id",)
    readonly_fields = ("date_joined", "last_login", "email_verified_at", "erased_at")
    filter_horizontal = ()
    inlines = (UserProfileInline,)
    add_form = UserCreationForm
    add_fieldsets = ((None, {"fields": ("email", "password", "first_name", "last_name")}),)
    fieldsets = (
        (None, {"fields": ("email", "username", "password", "current_password")}),
        ("Person", {"fields": ("first_name", "last_name", "phone", "department")}),
        ("May", {"fields": ("is_superuser", "is_active")}),
        ("Dates", {"fields": ("date_joined", "last_login", "email_verified_at", "erased_at")}),
    )

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> Any:
        """A form of this request, which knows who asks."""
        form = super().get_form(request, obj, change=change, **options)
        return type(form.__name__, (form,), {"request": request})

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:  # noqa: A002
        bound: Any = type("PasswordForm", (PasswordForm,), {"request": request})
        admin_for_request = copy.copy(self)
        admin_for_request.change_password_form = bound
        return super(UserAdmin, admin_for_request).user_change_password(request, id, form_url)

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        return self.inlines if obj is not None else ()

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """Erase the account instead of deleting it: its bookings stay, without a name."""
        erasure.erase_account(obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for user in queryset:
            erasure.erase_account(user)


def change_own_password(request: HttpRequest) -> HttpResponseBase:
    """The page of the site, with a form that tells the person."""
    view = PasswordChangeView.as_view(
        form_class=OwnPasswordForm,
        success_url=reverse("admin:password_change_done"),
        extra_context=admin.site.each_context(request),
        template_name="registration/password_change_form.html",
    )
    return view(request)


def get_urls() -> list[URLPattern]:
    return [path("password_change/", admin.site.admin_view(change_own_password))]
