"""The door of the admin. The rule: failures count there as everywhere, and nobody looks at
living tokens."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from rest_framework.authtoken.models import TokenProxy
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from unfold.forms import AuthenticationForm

from api import errors
from api.rest.throttling import client_ip
from api.services.accounts import accounts


class SignIn(AuthenticationForm):
    """As at every other door: ten failures for an account from an address, then a wait."""

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


admin.site.login_form = SignIn
for model in (TokenProxy, BlacklistedToken, OutstandingToken):
    if admin.site.is_registered(model):
        admin.site.unregister(model)
