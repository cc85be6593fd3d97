"""People who sign in with a browser, and their company's provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.test import Client

from api.models import User
from tests.support.oidc import CLIENT_ID, CLIENT_SECRET, Provider, serve_provider


@pytest.fixture(scope="session")
def running_provider() -> Iterator[Provider]:
    with serve_provider() as provider:
        yield provider


@pytest.fixture
def provider(running_provider: Provider, settings: Any) -> Provider:
    """The provider of this instance, at which nobody is signed in."""
    running_provider.claims, running_provider.audience = {}, CLIENT_ID
    app = {
        "provider_id": settings.OIDC_PROVIDER,
        "name": "Example Works",
        "client_id": CLIENT_ID,
        "secret": CLIENT_SECRET,
        "settings": {"server_url": running_provider.issuer, "verified_email": ["works.example"]},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}
    }
    return running_provider


@pytest.fixture
def browser_of(db: None) -> Callable[[], Client]:
    return lambda: Client(headers={"user-agent": "a browser of the tests"})


class App:
    """Somebody's authenticator app, made of allauth's own code, and recovery codes."""

    def __init__(self, user: User) -> None:
        self.secret = generate_totp_secret()
        TOTP.activate(user, self.secret)
        self.recovery_codes = RecoveryCodes.activate(user).get_unused_codes()

    def code(self) -> str:
        return build_code(self.secret)


def build_code(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))


@pytest.fixture
def app_of(db: None) -> Callable[[User], App]:
    return App


def sign_in(client: Client, user: User, password: str, **more: Any) -> Any:
    return client.post("/account/login/", {"login": user.email, "password": password, **more})
