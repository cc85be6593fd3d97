"""The page behind the link of a letter about a forgotten password."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from api.models import Delivery
from api.services.accounts import passwords
from api.services.messages import mailer, outbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("ana")]
NEW = "copper kettle 9 lamp"


@pytest.fixture
def link(ana, settings, mailoutbox):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    passwords.request_password_reset(ana.email)
    assert Delivery.objects.count() == 1
    outbox.deliver(["email"], mailer.send)
    [letter] = mailoutbox
    found = re.search(rf"{settings.PUBLIC_URL}(/password-reset/\S+)", letter.body)
    assert found, letter.body
    return found[1]


def test_the_link_of_the_letter_leads_to_a_form_that_sets_the_password_once(link, ana):
    page = Client().get(link)
    assert (page.status_code, page["Referrer-Policy"]) == (200, "no-referrer")
    assert 'autocomplete="new-password"' in page.content.decode()
    weak = Client().post(link, {"password": "short"})
    assert (weak.status_code, 'role="alert"' in weak.content.decode()) == (400, True)
    assert Client().post(link, {"password": NEW}).status_code == 200
    ana.refresh_from_db()
    assert ana.check_password(NEW)
    assert Client().post(link, {"password": "another horse 8 lamp"}).status_code == 404
    ana.refresh_from_db()
    assert ana.check_password(NEW)


def test_a_link_that_was_made_up_is_not_found():
    for link in ("/password-reset/MQ/nothing", "/password-reset/%00/x", "/password-reset/zz/x"):
        assert Client().post(link, {"password": NEW}).status_code == 404
