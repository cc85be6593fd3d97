"""The pages on which the APIs are looked at and tried, in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from api.contracts import CONTRACTS
from tests.support.openapi import OWN, document

pytestmark = pytest.mark.slow


def test_every_page_shows_all_operations_of_its_document(site, page):
    for name in (OWN, *CONTRACTS):
        root = f"/api/{OWN}" if name == OWN else f"/{name}/api"
        page.goto(site.url(f"{root}/docs/"))
        operations = sum(map(len, document(name)["paths"].values()))
        expect(page.locator(".opblock")).to_have_count(operations, timeout=60_000)
        expect(page.locator(".errors-wrapper")).to_have_count(0)


def test_a_call_can_be_tried_at_the_prefix_and_at_the_root(site, page):
    page.goto(site.url("/primetime/api/docs/"))
    health = page.locator("#operations-reservations-reservations_health_read")
    health.locator(".opblock-summary-control").click()
    health.locator(".try-out__btn").click()
    for server, path in (("/primetime", "/primetime/api"), ("/", "/api")):
        page.locator(".servers select").select_option(server)
        health.locator("button.execute").click()
        asked = health.locator(".request-url pre")
        expect(asked).to_have_text(site.url(f"{path}/reservations/health/"))
        answer = health.locator(".live-responses-table .response-col_description").last
        expect(answer).to_contain_text('"status": "ok"')
