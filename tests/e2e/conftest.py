"""Holdfast as a browser meets it: a real web server on the database of the tests, and Chromium
where there is one."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from api.models import Panel, Resource, User, Venue
from api.services.panels import panels
from api.services.venues import venues
from backend.devserver import Servers
from tests.support.web import Site


@pytest.fixture(scope="session")
def processes(
    servers: Servers, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    site = Site(servers, tmp_path_factory.mktemp("site"))
    try:
        site.start()
        yield site
    finally:
        site.stop()


@pytest.fixture
def site(processes: Site, transactional_db: None) -> Iterator[Site]:
    """The web server, running, whatever the last test did to it."""
    yield processes
    if processes.parent is None:
        processes.start()


@pytest.fixture
def room(transactional_db: None) -> Resource:
    """Where it is noon, so that the day has hours to go."""
    circle: Venue = venues.get_contract_venue("circletime")
    circle.time_zone = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"
    circle.save()
    return Resource.objects.create(
        venue=circle, name="Aquarium", building="North", floor=2, capacity=8
    )


@pytest.fixture
def made(room: Resource, sam: User) -> panels.Secrets:
    return panels.create(room, "Door", sam)


@pytest.fixture
def panel(made: panels.Secrets) -> Panel:
    return made.panel


# the browser


def chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module and no longer: while Playwright runs, its loop runs in this thread."""
    path = chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: install it, or name it in CHROMIUM")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # the tests use the database beside that loop, in turn
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        args = ["--no-sandbox", "--host-resolver-rules=MAP *.example 127.0.0.1"]
        with playwright.chromium.launch(executable_path=path, args=args) as found:
            yield found


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A tablet of 1280 by 800 that has nothing of other tests. Its page may complain of nothing,
    and ask nobody else for anything."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request", lambda one: None if site.url() in one.url else complaints.append(one.url)
        )
        yield page
        assert complaints == []


# pages of other origins


class Blank(BaseHTTPRequestHandler):
    """A frontend's page: its script is in the test."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"hi")

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def abroad(browser: Browser, site: Site) -> Iterator[Callable[[str], Page]]:
    """Opens a page of that host, which is not the API's origin."""
    server = ThreadingHTTPServer(("127.0.0.1", site.abroad), Blank)
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    with browser.new_context() as context:

        def visit(host: str = "127.0.0.1") -> Page:
            page = context.new_page()
            page.goto(f"http://{host}:{site.abroad}/")
            return page

        yield visit
    server.shutdown()
    server.server_close()
