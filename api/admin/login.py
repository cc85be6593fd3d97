"""Signing in to the staff site: too many failures count there as everywhere."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm

from api import errors
from api.rest.throttling import client_ip
from api.services.accounts import accounts


class LoginForm(AuthenticationForm):
    def clean(self) -> dict[str, Any]:
        login, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if login and password and self.request is not None:
            try:
                self.user_cache = accounts.sign_in(
                    login=login, password=password, address=client_ip(self.request)
                )
            except errors.WrongCredentials:
                raise self.get_invalid_login_error() from None
            except errors.TooManyAttempts as refusal:
                raise ValidationError(refusal.detail, code=refusal.code) from None
            self.confirm_login_allowed(self.user_cache)
        return dict(self.cleaned_data)


admin.site.login_form = LoginForm
