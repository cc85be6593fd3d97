"""The pages on which the APIs are looked at and tried, in a browser."""

from __future__ import annotations

from collections import Counter

import pytest
from playwright.sync_api import expect

from api.contracts import CONTRACTS
from tests.support.openapi import OWN, document

pytestmark = pytest.mark.slow


def test_every_page_shows_all_operations_of_its_document(site, page):
    for name in (OWN, *CONTRACTS):
        root = f"/api/{OWN}" if name == OWN else f"/{name}/api"
        page.goto(site.url(f"{root}/docs/"))
        operations = [each for path in document(name)["paths"].values() for each in path.values()]
        topics = Counter(each.get("tags", ["default"])[0] for each in operations)
        expect(page.locator("h3.opblock-tag")).to_have_count(len(topics), timeout=60_000)
        for topic, many in topics.items():  # one at a time, as people do
            heading = page.locator(f'h3.opblock-tag[data-tag="{topic}"]')
            heading.click()
            expect(page.locator(".opblock")).to_have_count(many)
            heading.click()
        expect(page.locator(".errors-wrapper")).to_have_count(0)


def test_a_call_can_be_tried_at_the_prefix_and_at_the_root(site, page):
    page.goto(site.url("/primetime/api/docs/"))
    page.locator('h3.opblock-tag[data-tag="reservations"]').click()
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
