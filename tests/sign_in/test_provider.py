"""Signing in with an account at an OpenID Connect provider, over a real socket."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from api.models import User, UserSession
from api.services.accounts import erasure
from tests.support.oidc import Provider

BrowserOf = Callable[[], Client]


def visit(client: Client, provider: Provider, **query: str) -> Any:
    """Go to the provider and come back."""
    begun = client.get("/account/oidc/oidc/login/", {"process": "login", **query})
    assert begun.status_code == 302, begun.content
    target = urlsplit(begun["Location"])
    line = http.client.HTTPConnection(target.netloc, timeout=5)
    line.request("GET", f"{target.path}?{target.query}")
    answer = line.getresponse()
    answer.read()
    back = urlsplit(str(answer.headers["Location"]))
    line.close()
    return client.get(f"{back.path}?{back.query}")


def claims(**more: Any) -> dict[str, Any]:
    return {
        "sub": "248289761001",
        "email": "Ana@Example.com",
        "email_verified": True,
        "given_name": "Ana",
        "family_name": "Example",
    } | more


def signed_in_as(client: Client) -> int | None:
    found = client.session.get("_auth_user_id")
    return int(found) if found else None


def test_first_sign_in_makes_account_with_verified_address(
    provider: Provider, browser_of: BrowserOf
) -> None:
    provider.claims, client = claims(), browser_of()
    response = visit(client, provider)
    assert (response.status_code, response["Location"]) == (302, "/account/")
    user = User.objects.get()
    assert (user.email, user.name, user.has_usable_password()) == (
        "ana@example.com",
        "Ana Example",
        False,
    )
    assert user.email_verified_at is not None
    assert signed_in_as(client) == user.pk
    assert not EmailAddress.objects.exists()
    session = UserSession.objects.get()
    assert (session.kind, session.methods, session.user_agent) == (
        "browser",
        ["sso"],
        "a browser of the tests",
    )


def test_joins_account_whose_address_both_sides_have_verified(
    provider: Provider, browser_of: BrowserOf, ana: User
) -> None:
    provider.claims, client = claims(), browser_of()
    visit(client, provider)
    assert signed_in_as(client) == ana.pk
    assert User.objects.count() == 1
    assert SocialAccount.objects.get().user_id == ana.pk


def test_second_sign_in_is_by_the_account_whatever_address_it_has_now(
    provider: Provider, browser_of: BrowserOf, ana: User
) -> None:
    provider.claims = claims()
    visit(browser_of(), provider)
    provider.claims, client = claims(email="new@works.example"), browser_of()
    visit(client, provider)
    assert signed_in_as(client) == ana.pk
    assert User.objects.get().email == "ana@example.com"


@pytest.mark.parametrize(
    ("said", "ours_is_verified"),
    [({}, False), ({"email_verified": False}, True), ({"email": ""}, True)],
    ids=["ours is not", "theirs is not", "no address"],
)
def test_joins_nothing_when_one_side_has_not_verified_the_address(
    provider: Provider,
    browser_of: BrowserOf,
    ana: User,
    said: dict[str, Any],
    ours_is_verified: bool,
) -> None:
    if not ours_is_verified:
        User.objects.update(email_verified_at=None)
    provider.claims, client = claims(**said), browser_of()
    response = visit(client, provider)
    assert response.status_code == 403
    assert signed_in_as(client) is None
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 0)


def test_address_in_another_spelling_is_the_same_account(
    provider: Provider, browser_of: BrowserOf, person: Callable[..., User]
) -> None:
    ana = person("ana")
    ana.email = "ana@bücher.example"
    ana.save()
    provider.claims, client = claims(email="Ana@xn--bcher-kva.example"), browser_of()
    visit(client, provider)
    assert signed_in_as(client) == ana.pk


def test_domain_of_the_company_needs_no_claim(provider: Provider, browser_of: BrowserOf) -> None:
    provider.claims, client = claims(email="ana@works.example"), browser_of()
    del provider.claims["email_verified"]
    visit(client, provider)
    assert User.objects.get().email == "ana@works.example"


def test_erased_and_inactive_accounts_are_not_signed_in_to(
    provider: Provider, browser_of: BrowserOf, ana: User
) -> None:
    provider.claims, client = claims(), browser_of()
    visit(browser_of(), provider)
    User.objects.update(is_active=False)
    response = visit(client, provider)
    assert response["Location"] == "/account/inactive/"
    assert signed_in_as(client) is None
    User.objects.update(is_active=True)
    erasure.erase_account(ana)
    assert not SocialAccount.objects.exists()
    visit(client, provider)
    assert signed_in_as(client) not in (None, ana.pk)


def test_id_token_for_another_client_signs_nobody_in(
    provider: Provider, browser_of: BrowserOf
) -> None:
    provider.claims, provider.audience, client = claims(), "somebody else", browser_of()
    assert visit(client, provider).status_code == 403
    assert signed_in_as(client) is None
    assert not User.objects.exists()


def test_answer_to_a_question_of_another_browser_signs_nobody_in(
    provider: Provider, browser_of: BrowserOf
) -> None:
    provider.claims, client, victim = claims(), browser_of(), browser_of()
    begun = client.get("/account/oidc/oidc/login/")
    query = dict(part.split("=", 1) for part in urlsplit(begun["Location"]).query.split("&"))
    response = victim.get(f"/account/oidc/oidc/login/callback/?code=x&state={query['state']}")
    assert response.status_code == 403
    assert signed_in_as(victim) is None


def test_nobody_adds_a_providers_account_by_hand(
    provider: Provider, browser_of: BrowserOf, ben: User
) -> None:
    provider.claims, client = claims(), browser_of()
    client.force_login(ben)
    assert visit(client, provider, process="connect").status_code == 403
    assert not SocialAccount.objects.exists()


def test_providers_second_factor_counts(
    provider: Provider, browser_of: BrowserOf, ana: User
) -> None:
    provider.claims = claims(amr=["pwd", "mfa"])
    visit(browser_of(), provider)
    assert UserSession.objects.get().methods == ["sso", "mfa"]


def test_without_a_provider_there_is_no_such_page(browser_of: BrowserOf) -> None:
    client = browser_of()
    assert client.get("/account/oidc/oidc/login/").status_code == 404
    assert "Sign in with a passkey" in client.get("/account/login/").content.decode()


def test_login_page_names_the_provider(
    provider: Provider, browser_of: BrowserOf, settings: Any
) -> None:
    page = browser_of().get("/account/login/").content.decode()
    assert "Sign in with Example Works" in page
    assert "/account/oidc/oidc/login/?process=login" in page
