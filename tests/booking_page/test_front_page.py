"""The page at `/`: it leads everywhere, asks nobody else for anything, and tells a demo's password
to nobody but who started the demo."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from api.contracts import CONTRACTS
from api.services.operations import demo
from api.services.venues import venues

pytestmark = pytest.mark.django_db


@pytest.fixture
def text(settings):
    settings.EMBEDDED = settings.DEMO = True
    settings.DEMO_PASSWORD = demo.PASSWORD
    for slug in CONTRACTS:
        venues.get_contract_venue(slug)
    return Client().get("/").content.decode()


def list_links(text: str) -> list[str]:
    return re.findall(r'<a [^>]*href="([^"#]+)"', text)


def test_it_names_the_venues_and_links_to_the_documents_and_the_admin(text):
    for slug in CONTRACTS:
        assert venues.PRESETS[slug]["name"] in text
    links = list_links(text)
    assert {"/admin/", "/panel/", "/api/v1/docs/", "/health/"} <= set(links)
    assert {f"/{slug}/api/docs/" for slug in CONTRACTS} <= set(links)


def test_no_link_of_ours_leads_nowhere(text):
    for link in {link for link in list_links(text) if link.startswith("/")}:
        assert Client().get(link).status_code in (200, 302, 503), link  # no worker, no clock


def test_it_shows_the_sign_ins_of_the_demo(text):
    assert f"<code>{demo.PASSWORD}</code>" in text
    assert all(email in text for email, _ in demo.SIGN_INS)


def test_a_password_of_ones_own_is_not_shown(text, settings):
    settings.DEMO_PASSWORD = "our own secret"
    page = Client().get("/").content.decode()
    assert demo.SIGN_INS[0][0] in page
    assert not re.search("our own secret|holdfast-demo", page)


def test_elsewhere_nobody_sees_the_demo_or_what_runs_beside(text, settings):
    settings.EMBEDDED = False
    page = Client().get("/").content.decode()
    assert venues.PRESETS["primetime"]["name"] in page
    assert not re.search(r"holdfast-demo|example\.com|localhost|Flower", page)


def test_without_venues_it_says_who_makes_the_first():
    assert 'href="/admin/"' in Client().get("/").content.decode()


def test_it_takes_nothing_but_a_look():
    assert Client().head("/").status_code == 200
    assert Client().post("/").status_code == 405


def test_its_files_are_there_and_small():
    found = finders.find("pages/pages.css")
    sheet = Path(str(found)).read_text()
    assert len(sheet) < 8000
    assert not re.search(r"url\(|@import", sheet)
