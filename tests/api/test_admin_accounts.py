"""Accounts on the staff site: the rules of every door, the admin's own password, the letter."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client

from api.models import Delivery, User

pytestmark = pytest.mark.django_db

PASSWORD, STRONG = "correct horse 9 battery", "another horse 8 staple"
ADD = "/admin/api/user/add/"


@pytest.fixture
def site(ada):
    """An admin who signed in an hour ago."""
    client = Client()
    client.force_login(ada)
    User.objects.filter(pk=ada.pk).update(last_login=Now() - timedelta(hours=1))
    return client


def form_of(user, **changes):
    inline = {"TOTAL_FORMS": "1", "INITIAL_FORMS": "1"}
    return {
        "email": user.email,
        "username": user.username or "",
        "is_active": "on",
        **{f"profile-{name}": value for name, value in inline.items()},
        "profile-0-id": user.profile.pk,
        "profile-0-user": user.pk,
    } | changes


def test_who_an_admin_makes_is_verified_and_has_a_strong_password(site, ben):
    new = {"email": "Eve@bücher.example", "password": "password"}
    for wrong in ({}, {"password": STRONG, "email": "BEN@exaⅿple.com"}):
        answer = site.post(ADD, new | wrong)
        assert (answer.status_code, bool(answer.context["errors"])) == (200, True)
    assert User.objects.count() == 2
    assert site.post(ADD, new | {"password": STRONG}).status_code == 302
    eve = User.objects.get(email="eve@bücher.example")
    assert eve.email_verified_at
    assert eve.check_password(STRONG)


def test_another_address_needs_the_admins_own_password(site, ana):
    path = f"/admin/api/user/{ana.pk}/change/"
    for given in ("", "wrong"):
        answer = site.post(path, form_of(ana, email="new@example.com", current_password=given))
        assert "current_password" in answer.context["adminform"].form.errors
    assert site.post(path, form_of(ana, first_name="Anna")).status_code == 302
    assert not Delivery.objects.exists()
    moved = form_of(ana, email="new@example.com", current_password=PASSWORD)
    assert site.post(path, moved).status_code == 302
    ana.refresh_from_db()
    assert (ana.email, ana.email_verified_at) == ("new@example.com", None)
    assert Delivery.objects.get().to == "ana@example.com"


def test_another_password_needs_it_too(site, ana):
    path = f"/admin/api/user/{ana.pk}/password/"
    new = {"password1": STRONG, "password2": STRONG, "usable_password": "true"}
    assert site.get(path).status_code == 200
    assert site.post(path, new).status_code == 200
    ana.refresh_from_db()
    assert ana.check_password(PASSWORD)
    assert site.post(path, new | {"current_password": PASSWORD}).status_code == 302
    ana.refresh_from_db()
    assert ana.check_password(STRONG)
    assert Delivery.objects.get().name == "account_changed"


def test_ones_own_new_password_is_told_too(site, ada):
    path = "/admin/password_change/"
    assert site.get(path).status_code == 200
    new = {"old_password": PASSWORD, "new_password1": STRONG, "new_password2": STRONG}
    assert site.post(path, new)["Location"] == "/admin/password_change/done/"
    ada.refresh_from_db()
    assert ada.check_password(STRONG)
    assert Delivery.objects.get().to == ada.email
