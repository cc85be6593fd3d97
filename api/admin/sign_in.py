"""How people sign in, and what they agreed to."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from api.models import Consent, ConsentText, UserSession
from api.rest.permissions import get_caller
from api.services.accounts import consents, second_factors, user_sessions

from .base import EditableAdmin, ReadOnlyAdmin

admin.site.unregister((Authenticator, SocialAccount))  # in our own style


class RemovableAdmin(ReadOnlyAdmin):
    """Rows that an operator may take away from somebody."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return get_caller(request).is_operator

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for row in queryset:
            self.delete_model(request, row)


@admin.register(Authenticator)
class AuthenticatorAdmin(RemovableAdmin):
    """Somebody who has lost a second factor is helped by deleting it here."""

    list_display = ("user", "type", "created_at", "last_used_at")
    fields = list_display
    search_fields = ("user__email",)

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:
        second_factors.remove(obj.user, obj.pk)


@admin.register(SocialAccount)
class SocialAccountAdmin(RemovableAdmin):
    list_display = ("user", "provider", "uid", "date_joined", "last_login")
    fields = list_display
    search_fields = ("user__email", "uid")


@admin.register(UserSession)
class UserSessionAdmin(RemovableAdmin):
    list_display = ("user", "kind", "contract", "methods", "created_at", "last_used_at", "ended_at")
    fields = (*list_display, "user_agent", "expires_at")
    search_fields = ("user__email",)

    def delete_model(self, request: HttpRequest, obj: UserSession) -> None:
        """End it: the row stays until it would have expired."""
        if obj.ended_at is None:
            user_sessions.end_session(obj.user, obj.pk)


@admin.register(ConsentText)
class ConsentTextAdmin(EditableAdmin):
    list_display = ("venue", "version", "created_at")
    fields = ("venue", "text")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ConsentText, form: Any, change: bool) -> None:
        """Publish it as the next version. That of the instance is the operator's."""
        if obj.venue is None and not get_caller(request).is_operator:
            raise PermissionDenied
        obj.pk = consents.publish_text(obj.venue, obj.text).pk
        obj.refresh_from_db()


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    list_display = ("text", "user", "email_key", "accepted_at")
    search_fields = ("user__email", "email_key")
