"""Holdfast as a browser meets it: a real web and a real live process on the database of the tests,
and Chromium where there is one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, sync_playwright

from api.models import Panel, Resource, User, Venue
from api.services.panels import panels
from api.services.venues import venues
from backend.devserver import CHECKOUT, Servers
from backend.devserver.server import pick_port
from tests.support.waiting import eventually

PATIENCE = 60.0
PROGRAMS = {
    "web": "gunicorn backend.wsgi:application --bind 127.0.0.1:{PORT} --no-control-socket"
    " --worker-class gthread --workers 1 --threads 4 --graceful-timeout 1 --log-level warning",
    "live": "backend.live",
}


class Site:
    """The two processes, each of which can be stopped and started."""

    def __init__(self, servers: Servers, folder: Path, **more: str) -> None:
        self.port, self.log = pick_port(), folder / "log"
        self.abroad = pick_port()  # of pages that come from another origin
        name = settings.DATABASES["default"]["NAME"]
        url = servers.environment["DATABASE_URL"].rsplit("/", 1)[0]
        self.environment = os.environ | {
            "PORT": str(self.port),
            "DATABASE_URL": f"{url}/{name}",
            "LIVE_SOCKET": str(folder / "live.sock"),
            "CORS_ALLOWED_ORIGINS": f"http://frontend.example:{self.abroad}",
            **more,
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def url(self, path: str = "", scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def start(self, *names: str) -> None:
        for name in names or PROGRAMS:
            command = PROGRAMS[name].format_map(self.environment).split()
            with self.log.open("ab") as log:
                self.running[name] = subprocess.Popen(
                    [sys.executable, "-m", *command],
                    cwd=CHECKOUT,
                    env=self.environment,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
        eventually(lambda: (self.health() or {}).get("live") == "up")

    def stop(self, *names: str) -> None:
        for name in names or list(self.running):
            process = self.running.pop(name)
            process.send_signal(signal.SIGKILL if name == "live" else signal.SIGTERM)
            process.wait(20)

    def health(self) -> dict[str, Any] | None:
        try:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
            with closing(connection):
                connection.request("GET", "/health/")
                found: dict[str, Any] = json.load(connection.getresponse())
                return found
        except OSError:
            return None


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
    """Both processes, running, whatever the last test did to them."""
    yield processes
    missing = [name for name in PROGRAMS if name not in processes.running]
    if missing:
        processes.start(*missing)


@pytest.fixture
def room(transactional_db: None) -> Resource:
    """Where it is noon, so that the day has hours to go."""
    circle: Venue = venues.of_contract("circletime")
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
