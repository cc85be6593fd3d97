"""How django-allauth meets our accounts: their names, attempts, proofs and letters."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from api import errors
from api.models import User
from api.rest.browser_sessions import SESSION_ID, close_session, list_methods, record_second_factor
from api.rest.throttling import client_ip
from api.services.accounts import accounts, provider_accounts, second_factors, user_sessions
from api.services.accounts.proofs import check_current_password


class AccountAdapter(DefaultAccountAdapter):
    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """By address or username; failures count as at every door."""
        login = credentials.get("username") or credentials.get("email") or ""
        password, address = credentials.get("password", ""), client_ip(request)
        try:
            return accounts.sign_in(login=login, password=password, address=address)
        except errors.WrongCredentials:
            return None
        except errors.TooManyAttempts as refusal:
            raise ValidationError(refusal.detail, code=refusal.code) from None

    def reauthenticate(self, user: Any, password: str) -> bool:
        try:
            check_current_password(user, password)
        except errors.WrongPassword:
            return False
        except errors.TooManyAttempts as refusal:
            raise ValidationError(refusal.detail, code=refusal.code) from None
        return True

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Unless the person signed in a few minutes ago, as at every door."""
        request = context.request
        records = get_authentication_records(request, request.user)
        last = max((record["at"] for record in records), default=0)
        return bool(datetime.fromtimestamp(last, UTC) < timezone.now() - settings.FRESH_SIGN_IN)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Whoever has neither password nor second factor signs in at the provider again."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if methods or not user.is_authenticated or not provider_accounts.is_configured():
            return methods
        url = reverse("openid_connect_login", args=[settings.OIDC_PROVIDER])
        return [{"id": "provider", "description": "Sign in again", "url": url}]

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        staff = cast(User, request.user).is_staff
        return reverse("admin:index" if staff else "account_home")

    def logout(self, request: HttpRequest) -> None:
        close_session(request)
        super().logout(request)

    def post_login(self, request: HttpRequest, user: Any, **options: Any) -> HttpResponse:
        """Keep the session among those of the person, with how they authenticated."""
        login = (options.get("signal_kwargs") or {}).get("sociallogin")
        if login is not None and provider_accounts.has_second_factor(login.account.extra_data):
            record_second_factor(request, user, "provider")
        methods, expires_at = list_methods(request, user), request.session.get_expiry_date()
        request.session[SESSION_ID] = user_sessions.open_browser_session(user, methods, expires_at)
        response: HttpResponse = super().post_login(request, user, **options)
        return response

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the pages show what is, and the admin site is no place for the rest."""

    def send_notification_mail(self, template_prefix: str, user: Any, *_: Any, **__: Any) -> None:
        """Tell the person that something was added to their account, or taken away."""
        change = template_prefix.rpartition("/")[2]
        second_factors.tell_person(user, change)
        if change in ("totp_activated", "webauthn_added"):  # they have just shown that it works
            record_second_factor(self.request, user, "provider")


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find the account that the provider's account signs in to, or make one. Nobody adds a
        provider's account to theirs by hand: whose it is, the address that both sides have verified
        says."""
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            raise ImmediateHttpResponse(self._refuse(request, "Accounts join by their address."))
        if sociallogin.is_existing:
            return
        user, account = sociallogin.user, sociallogin.account
        verified = next((each.email for each in sociallogin.email_addresses if each.verified), "")
        try:
            sociallogin.user = provider_accounts.join(
                account, verified, user.first_name, user.last_name
            )
        except errors.Refusal as refusal:
            raise ImmediateHttpResponse(self._refuse(request, refusal.detail)) from None

    def on_authentication_error(self, request: HttpRequest, *_: Any, **__: Any) -> None:
        raise ImmediateHttpResponse(self._refuse(request, "The provider did not sign you in."))

    def _refuse(self, request: HttpRequest, text: str) -> HttpResponse:
        return render(request, "account/refused.html", {"text": text}, status=403)


class MFAAdapter(DefaultMFAAdapter):
    """Keys of authenticator apps are stored encrypted, by a key that comes of SECRET_KEY."""

    def encrypt(self, text: str) -> str:
        return _get_fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _get_fernet().decrypt(encrypted_text.encode()).decode()


def _get_fernet() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(bytes.fromhex(settings.SECOND_FACTOR_KEY)))
