"""What browsers are told: on pages, on JSON, on refusals and errors alike."""

from __future__ import annotations

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from api.contracts import CONTRACTS

pytestmark = pytest.mark.django_db

DATA = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
JSON = [
    "/health/",
    "/api/v1/venues/",
    "/api/v1/bookings/",
    "/api/v1/nothing/",
    "/nothing/",
    "/api/nothing",
    "/metrics",
    *(f"/{name}/api/nothing/" for name in CONTRACTS),
]
PAGES = ["/", "/admin/login/", "/api/v1/docs/", "/panel/"]


@pytest.mark.parametrize("path", JSON)
def test_what_is_no_page_is_never_run_or_framed(path):
    answer = Client().get(path)
    assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS
    assert answer["Content-Security-Policy"] == DATA
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_only_what_is_ours(path):
    answer = Client().get(path)
    assert answer.status_code == 200
    wanted = ALWAYS | ({"Referrer-Policy": "no-referrer"} if path == "/panel/" else {})
    assert {name: answer.headers.get(name) for name in wanted} == wanted
    policy = answer["Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert not re.search(r"https?:|\*", policy)
    assert rules["base-uri"] == "'none'"
    if path != "/panel/":
        assert rules["frame-ancestors"] == "'none'"
    if not path.startswith("/admin/"):
        assert rules["script-src"] == "'self'"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_holds_nothing_that_its_policy_forbids(path):
    text = Client().get(path).content.decode()
    if not path.startswith("/admin/"):
        assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", text)
    outside = re.findall(r"""<(?!a\s)[^>]*(?:src|href)=["'](?:https?:)?//[^"']+""", text)
    assert outside == []


def test_static_files_are_there_for_the_docs():
    assert finders.find("drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js")
