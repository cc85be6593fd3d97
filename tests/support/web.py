"""A real web server on the database of the tests."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings

from backend.devserver import CHECKOUT, Servers
from backend.devserver.server import pick_port
from tests.support.waiting import eventually

PATIENCE = 60.0


class Site:
    """`python -m backend.web`, which can be stopped and started."""

    def __init__(self, servers: Servers, folder: Path, **more: str) -> None:
        self.port, self.log = pick_port(), folder / "log"
        self.abroad = pick_port()  # of pages that come from another origin
        name = settings.DATABASES["default"]["NAME"]
        url = servers.environment["DATABASE_URL"].rsplit("/", 1)[0]
        self.environment = os.environ | {
            "PORT": str(self.port),
            "DATABASE_URL": f"{url}/{name}",
            "CORS_ALLOWED_ORIGINS": f"http://frontend.example:{self.abroad}",
            "EMBED_ORIGINS": f"http://frontend.example:{self.abroad}",
            **more,
        }
        self.parent: subprocess.Popen[bytes] | None = None

    def url(self, path: str = "", scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.parent = subprocess.Popen(
                [sys.executable, "-m", "backend.web"],
                cwd=CHECKOUT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually(self.health)

    def stop(self) -> None:
        if self.parent is not None:
            self.parent.terminate()
            self.parent.wait(20)
            self.parent = None

    def workers(self) -> list[psutil.Process]:
        """The processes that answer requests, below the one that was started."""
        assert self.parent is not None
        found = []
        for child in psutil.Process(self.parent.pid).children():
            with contextlib.suppress(psutil.Error):  # it is ending
                if "--multiprocessing-fork" in child.cmdline():
                    found.append(child)
        return found

    def refuses(self) -> bool:
        """Whether nobody listens."""
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return True
        return False

    def health(self) -> dict[str, Any] | None:
        try:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
            with closing(connection):
                connection.request("GET", "/health/")
                found: dict[str, Any] = json.load(connection.getresponse())
                return found
        except OSError:
            return None
