"""Signing in to the staff site, and out of it: too many failures count there as everywhere, and
whoever has a second factor is asked for it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter as get_account_adapter
from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from unfold.forms import AuthenticationForm

from api import errors
from api.models import User
from api.rest.browser_sessions import close_session, open_session
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


class SiteLoginView(LoginView):
    form_class = LoginForm
    template_name = "admin/login.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        site = admin.site.each_context(self.request)
        path = {"title": "Log in", "app_path": self.request.get_full_path()}
        return super().get_context_data(**site, **path, **context)

    def form_valid(self, form: Any) -> HttpResponse:
        return open_session(self.request, form.get_user(), self.get_success_url())


@never_cache
def log_in(request: HttpRequest) -> HttpResponseBase:
    if request.method == "GET" and admin.site.has_permission(request):
        return redirect("admin:index")
    user = request.user
    if request.method == "GET" and isinstance(user, User) and user.needs_second_factor:
        return _ask_for_second_factor(request, user)
    return SiteLoginView.as_view()(request)


def _ask_for_second_factor(request: HttpRequest, user: User) -> HttpResponse:
    """Send somebody on who signed in without one: to show it, or to set one up."""
    methods = get_account_adapter(request).get_reauthentication_methods(user)
    known = [method["url"] for method in methods if method["id"].startswith("mfa")]
    back = urlencode({"next": request.GET.get("next", reverse("admin:index"))})
    return redirect(f"{known[0]}?{back}" if known else "account_home")


def log_out(request: HttpRequest) -> HttpResponseBase:
    if request.method == "POST":
        close_session(request)
    response: HttpResponseBase = admin.site.logout(request)
    return response


def get_urls() -> list[URLPattern]:
    return [path("login/", log_in), path("logout/", log_out)]
