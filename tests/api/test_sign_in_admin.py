"""What operators and admins see at the staff site of how people sign in."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client

from api.models import ConsentText, Delivery, Role, User, UserSession, Venue
from api.services.accounts import tokens
from tests.sign_in.conftest import App


@pytest.fixture
def site_of(db: None) -> Callable[[User], Client]:
    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


def test_operator_removes_a_lost_second_factor_and_its_recovery_codes(
    site_of: Callable[[User], Client], ada: User, sam: User
) -> None:
    App(sam)
    row = Authenticator.objects.get(type="totp")
    site_of(ada).post(f"/admin/mfa/authenticator/{row.pk}/delete/", {"post": "yes"})
    assert not Authenticator.objects.exists()
    letter = Delivery.objects.get()
    assert (letter.to, letter.name) == (sam.email, "second_factor_changed")


def test_command_removes_all_second_factors(sam: User) -> None:
    App(sam)
    out = StringIO()
    call_command("remove_second_factors", "SAM@example.com", stdout=out)
    assert out.getvalue() == "Removed 2, recovery codes included.\n"
    assert not Authenticator.objects.exists()
    with pytest.raises(CommandError):
        call_command("remove_second_factors", "nobody@example.com")


def test_operator_ends_a_session(site_of: Callable[[User], Client], ada: User, sam: User) -> None:
    tokens.issue(sam)
    row = UserSession.objects.get()
    site_of(ada).post(f"/admin/api/usersession/{row.pk}/delete/", {"post": "yes"})
    row.refresh_from_db()
    assert row.ended_at is not None
    assert User.objects.get(pk=sam.pk).ended_sessions == [row.pk]


@pytest.mark.parametrize(
    "path", ["api/usersession", "mfa/authenticator", "socialaccount/socialaccount", "api/consent"]
)
def test_rows_of_people_are_for_operators(
    site_of: Callable[[User], Client],
    ada: User,
    person: Callable[..., User],
    venue: Venue,
    path: str,
) -> None:
    tokens.issue(ada)
    App(ada)
    assert site_of(ada).get(f"/admin/{path}/").status_code == 200
    manager = person("mia", Role.ADMIN, is_superuser=False)
    assert site_of(manager).get(f"/admin/{path}/").status_code == 403


def test_admin_publishes_text_of_own_venue_alone(
    site_of: Callable[[User], Client], person: Callable[..., User], venue: Venue
) -> None:
    manager = person("mia", Role.ADMIN, is_superuser=False)
    other = Venue.objects.create(slug="other", name="Other")
    manager.memberships.filter(venue=other).delete()
    client: Any = site_of(manager)
    add = "/admin/api/consenttext/add/"
    assert client.post(add, {"venue": venue.pk, "text": "One"}).status_code == 302
    assert client.post(add, {"venue": "", "text": "Two"}).status_code == 403
    assert client.post(add, {"venue": other.pk, "text": "Two"}).status_code == 200
    text = ConsentText.objects.get()
    assert (text.venue, text.version, text.text) == (venue, 1, "One")
