"""A passkey in Chromium, by the browser's own virtual authenticator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from playwright.sync_api import Browser, Page, expect

from api.models import User, UserSession
from tests.conftest import PASSWORD
from tests.support.web import Site


@pytest.fixture
def origin(site: Site) -> str:
    """A name, because passkeys belong to names."""
    return f"http://localhost:{site.port}"


@pytest.fixture
def page(browser: Browser, origin: str) -> Iterator[Page]:
    """A telephone with a screen lock."""
    with browser.new_context(viewport={"width": 360, "height": 640}) as context:
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda line: complaints.append(line.text) if line.type == "error" else None
        )
        page.on(
            "request",
            lambda one: (
                None if one.url.startswith((origin, "data:")) else complaints.append(one.url)
            ),
        )
        devtools = context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        yield page
        assert complaints == []


@pytest.fixture
def sam(sam: User) -> User:
    """Staff, with a password hashed as the web server has it."""
    sam.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000)
    sam.save(update_fields=["password"])
    return sam


def sign_in(page: Page, origin: str, user: User) -> None:
    page.goto(f"{origin}/account/login/?next=/account/")
    page.get_by_label("Login").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_passkey_is_added_and_signs_in_alone(page: Page, origin: str, sam: User) -> None:
    sign_in(page, origin, sam)
    assert fits(page)
    page.goto(f"{origin}/account/2fa/webauthn/add/")
    assert fits(page)
    page.get_by_label("Name").fill("Telephone")
    page.get_by_role("button", name="Add").click()
    expect(page).to_have_url(f"{origin}/account/2fa/recovery-codes/")
    assert fits(page)
    row = Authenticator.objects.get(user=sam, type=Authenticator.Type.WEBAUTHN)
    assert row.wrap().name == "Telephone"
    page.goto(f"{origin}/account/logout/")
    page.get_by_role("button", name="Sign Out").click()
    expect(page).to_have_url(f"{origin}/account/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(f"{origin}/admin/")
    assert UserSession.objects.order_by("pk").last().methods == ["hwk", "mfa"]


def test_passkey_is_the_second_factor_after_a_password(page: Page, origin: str, sam: User) -> None:
    sign_in(page, origin, sam)
    page.goto(f"{origin}/account/2fa/webauthn/add/")
    page.get_by_role("button", name="Add").click()
    expect(page).to_have_url(f"{origin}/account/2fa/recovery-codes/")
    page.context.clear_cookies()
    page.goto(f"{origin}/account/login/?next=/account/")
    page.get_by_label("Login").fill(sam.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(f"{origin}/account/2fa/authenticate/")
    assert fits(page)
    page.get_by_role("button", name="Use a security key").click()
    expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()
    assert UserSession.objects.order_by("pk").last().methods == ["pwd", "hwk", "mfa"]
